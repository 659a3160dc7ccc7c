"""transfer.csv: accuracy where the methods were not trained, and how much it drops."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from finetone.errors import UserError
from finetone.formats.predictions import header
from finetone.statistics.intervals import bounded
from finetone.statistics.metrics import Floats
from finetone.statistics.paired import Difference, difference, excess, resample
from finetone.tables.method_facts import kept_rows
from finetone.tables.panels import panels

COLUMNS = [
    *("dataset", "method", "source_accuracy", "source_low", "source_high"),
    *(*bounded("accuracy"), *bounded("drop"), "seeds", "n"),
]


def table(
    summary: Path,
    predictions: Sequence[Path],
    source: str,
    transfer: Sequence[str],
    confidence: float,
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """One row per transfer dataset and method; `drop` is source accuracy - accuracy there."""
    if not transfer:
        return pd.DataFrame(columns=COLUMNS)
    home = kept_rows(summary, source)
    away = {dataset: kept_rows(summary, dataset) for dataset in transfer}
    rows = []
    found = drops(predictions, source, transfer, confidence, resamples, seed)
    for (dataset, method), drop in found.items():
        there = away[dataset].loc[method]
        accuracies = [
            row[column]
            for row in (home.loc[method], there)
            for column in ("accuracy_mean", "accuracy_low", "accuracy_high")
        ]
        lost = (drop.value, drop.low, drop.high)
        rows.append((dataset, method, *accuracies, *lost, there["seeds"], there["n"]))
    return pd.DataFrame(rows, columns=COLUMNS)


def drops(
    predictions: Sequence[Path],
    source: str,
    transfer: Sequence[str],
    confidence: float,
    resamples: int,
    seed: int,
) -> dict[tuple[str, str], Difference]:
    """{(dataset, method): source accuracy - transfer accuracy} of the kept epochs.

    Rows of the two datasets are resampled independently, seeds jointly: they are the same trained
    models on both, so a lucky seed is lucky twice and its luck cancels in the drop.
    """
    wanted = {source, *transfer}
    paths = [path for path in predictions if header(path).dataset in wanted]
    seeds: dict[str, dict[str, list[int]]] = {}
    rows: dict[str, int] = {}
    accuracy: dict[str, dict[str, float]] = {}
    runs: dict[str, dict[str, Floats]] = {}
    surplus: dict[str, dict[str, float]] = {}
    resampled: dict[str, dict[str, Floats]] = {}
    for panel in panels(paths):
        seeds[panel.dataset] = panel.seeds
        rows[panel.dataset] = len(panel.ids)
        runs[panel.dataset] = {m: panel.accuracies(m) for m in panel.methods}
        accuracy[panel.dataset] = {m: panel.mean_accuracy(m) for m in panel.methods}
        surplus[panel.dataset] = {m: excess(panel, m) for m in panel.methods}
        resampled[panel.dataset] = resample(panel, resamples, seed)
    if missing := [name for name in (source, *transfer) if name not in accuracy]:
        raise UserError(f"no prediction file holds dataset '{missing[0]}'")
    result = {}
    for dataset in transfer:
        for method, own in seeds[dataset].items():
            if seeds[source].get(method) != own:
                raise UserError(
                    f"method '{method}' has seeds {own} on '{dataset}' but "
                    f"{seeds[source].get(method, 'no run')} on '{source}'; rerun the missing ones"
                )
            result[dataset, method] = difference(
                accuracy[source][method] - accuracy[dataset][method],
                resampled[source][method] - resampled[dataset][method],
                confidence,
                min(rows[source], rows[dataset]),
                [runs[source][method] - runs[dataset][method]],
                surplus[source][method] + surplus[dataset][method],
            )
    return result
