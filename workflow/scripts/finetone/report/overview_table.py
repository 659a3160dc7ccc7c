"""The one table that sums up every method: score, gap, other metrics, other domains, costs."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from finetone.config.shorthands import SHORTHANDS
from finetone.plots.drawing.read_table import truth
from finetone.report.elements import Maker
from finetone.report.html_table import Column, Table, score_column

COSTS = [
    *("parameters", "train_seconds", "seconds_per_million_texts"),
    "inference_examples_per_s",
]


def overview(maker: Maker) -> list[Table]:
    """Every method on the source dataset, the best first; a method opens its panel."""
    frame = maker.rows("ranking")
    if frame.empty:
        return []
    labels = maker.labels
    frame, statuses = frame.copy(), _statuses(maker)
    columns = [
        Column("rank", labels["rank"], "count"),
        Column("method", labels["method"], "method"),
        replace(score_column(frame, labels, "low", "high"), drawn=True),
        Column(
            "difference_to_best", labels["behind"], "points", "difference_low", "difference_high"
        ),
        Column("status", labels["status"], "status"),
        Column("macro_f1_mean", labels["macro_f1"], "percent", hidden=True),
    ]
    frame["status"] = [statuses.get(method, "") for method in frame["method"]]
    _add(frame, _kept(maker), ["macro_f1_mean"])
    transfer = maker.read("transfer")
    for dataset in dict.fromkeys(transfer["dataset"]) if len(transfer) else ():
        there = transfer[transfer["dataset"] == dataset].set_index("method")["accuracy"]
        frame[f"on_{dataset}"] = frame["method"].map(there)
        label = labels["on_dataset"].format(dataset=maker.style.dataset(str(dataset)))
        about = labels["about_on_dataset"].format(source=maker.style.dataset(maker.source))
        columns.append(Column(f"on_{dataset}", label, "percent", explained=about))
    _add(frame, maker.rows("efficiency"), COSTS)
    columns += [
        Column("parameters", labels["parameters"], "size"),
        Column("train_seconds", labels["train_seconds"], "seconds"),
        Column("seconds_per_million_texts", labels["per_million"], "seconds"),
        Column("inference_examples_per_s", labels["inference"], "number", hidden=True),
        Column("group", labels["group"], hidden=True),
        Column("p_adjusted", labels["p_adjusted"], "p", hidden=True),
        Column(
            "difference_to_baseline",
            labels["to_baseline"],
            "points",
            "baseline_low",
            "baseline_high",
            hidden=True,
        ),
        Column("p_holm_baseline", labels["p_holm"], "p", hidden=True),
    ]
    caption = "".join(labels[f"{kind}s_are"] for kind in SHORTHANDS if kind in _kinds(maker))
    return [
        replace(found, panels=True, caption=found.caption + caption)
        for found in maker.table("ranking", columns, frame)
    ]


def _kinds(maker: Maker) -> set[str]:
    """Kinds of the baselines."""
    return {block["kind"] for block in maker.inputs.config.get("baselines", {}).values()}


def _statuses(maker: Maker) -> Mapping[str, str]:
    """{method: what became of it}, in words; the recommended one is marked."""
    found = maker.rows("recommendation")
    if found.empty:
        return {}
    chosen = truth(found["recommended"])
    names = found["status"].mask(chosen, "recommended").map("status_{}".format)
    return dict(zip(found["method"], names.map(maker.labels), strict=True))


def _kept(maker: Maker) -> pd.DataFrame:
    """Rows of summary.csv of the epoch that is kept."""
    found = maker.rows("summary")
    return found[truth(found["kept"])] if len(found) else found


def _add(frame: pd.DataFrame, other: pd.DataFrame, names: list[str]) -> None:
    """Columns of another table with one row per method."""
    for name in names:
        if name in other:
            frame[name] = frame["method"].map(other.set_index("method")[name])
