"""What is known of one method: how it was trained, every run, its files, and how to use it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from finetone.numbers import duration, missing, score, setting, size
from finetone.plots.drawing.read_table import records, truth
from finetone.report.elements import Maker
from finetone.report.verdict_card import folder_of, usage


@dataclass(frozen=True)
class Panel:
    """A method's panel.

    Attributes
    ----------
    method, title, colour
        Its name, its title and its colour.
    facts
        (term, text).
    runs
        (seed, dataset, score) of every run, as text.
    score
        What the score is.
    use
        (term, code) to copy.
    """

    method: str
    title: str
    colour: str
    facts: Sequence[tuple[str, str]]
    runs: Sequence[tuple[str, str, str]]
    score: str
    use: Sequence[tuple[str, str]]


def panels(maker: Maker) -> list[Panel]:
    """The panel of every method, in the order of the ranking."""
    runs = maker.read("runs")
    kept = runs[truth(runs["kept"])] if len(runs) else runs
    first = {str(run["method"]): run for run in reversed(maker.runs)}
    costs = maker.rows("efficiency")
    seconds = costs.set_index("method")["train_seconds"].to_dict() if len(costs) else {}
    ranking = maker.rows("ranking").sort_values("rank", kind="stable")
    return [
        Panel(
            method,
            maker.style.title(method),
            maker.style.colour(method),
            _facts(maker, method, first.get(method, {}), seconds.get(method)),
            _scores(maker, kept, method, maker.metric),
            maker.labels[maker.metric],
            usage(maker, method),
        )
        for method in map(str, ranking["method"])
    ]


def _facts(
    maker: Maker, method: str, run: Mapping[str, Any], seconds: float | None
) -> list[tuple[str, str]]:
    """What is known of a method that trains for `seconds`, the mean over seeds."""
    labels, folder = maker.labels, folder_of(maker)
    epochs = run.get("epochs") or 0
    stated = (run.get("recipe") or {}).items()
    recipe = {k: v for k, v in stated if not missing(v) and not isinstance(v, Mapping)}
    facts = [
        (
            labels["recipe"],
            ", ".join(f"{k.replace('_', ' ')} {setting(v)}" for k, v in recipe.items()),
        ),
        (labels["training_rows"], f"{run['rows']:,}" if run.get("rows") else ""),
        (labels["parameters"], _size(run.get("parameters") or {})),
        (labels["train_seconds"], "" if seconds is None or missing(seconds) else duration(seconds)),
        (labels["kept_epoch"], f"{run['kept_epoch']} / {epochs}" if epochs > 1 else ""),
        (labels["notes"], "; ".join((run.get("execution") or {}).get("notes") or [])),
        (labels["files"], f"{folder}/runs/{method}/ · {folder}/predictions/*/{method}/"),
    ]
    return [(term, text) for term, text in facts if text]


def _scores(
    maker: Maker, kept: pd.DataFrame, method: str, metric: str
) -> list[tuple[str, str, str]]:
    rows = records(kept[kept["method"] == method]) if len(kept) else []
    return [
        (str(row["seed"]), maker.style.dataset(row["dataset"]), score(metric, row[metric]))
        for row in rows
        if not missing(row.get(metric))
    ]


def _size(parameters: Mapping[str, Any]) -> str:
    return size(parameters["total"]) if parameters.get("total") else ""
