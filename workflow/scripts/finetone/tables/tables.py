"""Entry points of the rules: read files, compute one table, write it.

Every function writes its target whole or not at all and gives the same bytes for the same inputs.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from finetone.files import sha256
from finetone.formats.csv_table import read_csv, write_csv
from finetone.formats.predictions_reader import header, panels, read
from finetone.statistics.evaluation import evaluate
from finetone.statistics.intervals import wilson
from finetone.statistics.metrics import METRICS
from finetone.tables import analysis, convergence_table, correlation_table
from finetone.tables.comparison_tables import compare
from finetone.tables.leaks_table import leaks
from finetone.tables.summary_table import summarise
from finetone.tables.transfer_table import drops
from finetone.tables.views import kept_rows, whole, write_baselines, write_efficiency, write_main

__all__ = [
    "write_baselines",
    "write_comparisons",
    "write_convergence",
    "write_correlation",
    "write_efficiency",
    "write_errors",
    "write_leaks",
    "write_main",
    "write_reliability",
    "write_runs",
    "write_slices",
    "write_summary",
    "write_transfer",
]

Paths = Sequence[Path]
SCORES = ("loss", *METRICS)


def write_runs(predictions: Paths, target: Path, confidence: float = 0.95) -> None:
    """runs.csv: the metrics of every epoch of every prediction file, in the order of the files.

    `sha256` is the file's, so that a table says which predictions it was made from.
    """
    rows = []
    for head in map(header, predictions):
        digest = sha256(head.path)
        for epoch in read(head):
            values = evaluate(epoch.logits, epoch.label)
            low, high = wilson(values["correct"], values["n"], confidence)
            rows.append(
                {
                    "dataset": head.dataset,
                    "method": head.method,
                    "seed": head.seed,
                    "epoch": epoch.epoch,
                    "kept": epoch.epoch == head.kept_epoch,
                    "sha256": digest,
                    **{name: values[name] for name in ("n", "correct", "accuracy")},
                    "accuracy_low": low,
                    "accuracy_high": high,
                    **{name: values[name] for name in SCORES},
                    **{f"{name}_se": values[f"{name}_se"] for name in SCORES},
                }
            )
    write_csv(pd.DataFrame(rows), target)


def write_summary(runs: Path, target: Path, confidence: float) -> None:
    """summary.csv: mean and spread over seeds."""
    write_csv(summarise(read_csv(runs), confidence), target)


def write_transfer(
    summary: Path,
    predictions: Paths,
    source: str,
    transfer: Sequence[str],
    target: Path,
    confidence: float,
    resamples: int,
    seed: int,
) -> None:
    """transfer.csv: accuracy where the methods were not trained, and the drop."""
    names = (
        "dataset method source_accuracy source_low source_high accuracy accuracy_low accuracy_high drop drop_low "
        "drop_high seeds n"
    )
    home = kept_rows(summary, source)
    away = {dataset: kept_rows(summary, dataset) for dataset in transfer}
    rows = []
    found = drops(predictions, source, transfer, confidence, resamples, seed) if transfer else {}
    for (dataset, method), drop in found.items():
        score = away[dataset].loc[method]
        rows.append(
            {
                "dataset": dataset,
                "method": method,
                "source_accuracy": home.loc[method]["accuracy_mean"],
                "source_low": home.loc[method]["accuracy_low"],
                "source_high": home.loc[method]["accuracy_high"],
                "accuracy": score["accuracy_mean"],
                "accuracy_low": score["accuracy_low"],
                "accuracy_high": score["accuracy_high"],
                "drop": drop.value,
                "drop_low": drop.low,
                "drop_high": drop.high,
                "seeds": score["seeds"],
                "n": score["n"],
            }
        )
    write_csv(pd.DataFrame(rows, columns=names.split()), target)


def write_convergence(
    histories: Mapping[tuple[str, int], Path], data: Path, target: Path, confidence: float = 0.95
) -> None:
    """convergence.csv: how fast each method learned its training data (see `convergence`).

    `data`: folder of the dataset trained on, with its manifest.
    """
    labels = convergence_table.training_rows(data / "manifest.json")
    write_csv(whole(convergence_table.converge(histories, labels, confidence)), target)


def write_comparisons(
    predictions: Paths,
    baseline: str | None,
    confidence: float,
    resamples: int,
    seed: int,
    comparisons: Path,
    ranking: Path,
) -> None:
    """comparisons.csv and ranking.csv over all datasets present."""
    found = [compare(panel, baseline, confidence, resamples, seed) for panel in panels(predictions)]
    write_csv(pd.concat([pairs for pairs, _ in found]), comparisons)
    write_csv(pd.concat([ranks for _, ranks in found]), ranking)


def write_leaks(predictions: Paths, audit: Path, target: Path, confidence: float = 0.95) -> None:
    """leaks.csv: accuracy with and without the test rows that also stand in train."""
    write_csv(leaks(predictions, audit, confidence), target)


def write_reliability(predictions: Paths, target: Path, confidence: float = 0.95) -> None:
    """reliability.csv: confidence against accuracy."""
    found = [analysis.reliability_bins(panel, confidence) for panel in panels(predictions)]
    write_csv(pd.concat(found), target)


def write_slices(
    predictions: Paths, texts: Mapping[str, Path], target: Path, confidence: float = 0.95
) -> None:
    """slices.csv: accuracy by length of the text and by label, for datasets with texts."""
    found = []
    for dataset, path in texts.items():
        for panel in panels(predictions, dataset):
            found.append(analysis.slices(panel, analysis.read_texts(panel, path), confidence))
    write_csv(pd.concat(found), target)


def write_errors(
    predictions: Paths, texts: Mapping[str, Path], target: Path, most: int = 50
) -> None:
    """errors.csv: rows that all methods get wrong or that divide them, for datasets with texts."""
    found = []
    for dataset, path in texts.items():
        for panel in panels(predictions, dataset):
            found.append(analysis.errors(panel, analysis.read_texts(panel, path), most))
    write_csv(pd.concat(found), target)


def write_correlation(
    runs: Path,
    histories: Mapping[tuple[str, int], Path],
    target: Path,
    confidence: float,
    resamples: int,
    seed: int,
) -> None:
    """correlation.csv: loss against accuracy across epochs, models and seeds."""
    found = correlation_table.correlate(read_csv(runs), histories, confidence, resamples, seed)
    write_csv(found, target)
