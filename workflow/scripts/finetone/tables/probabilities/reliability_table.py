"""reliability.csv: confidence in the predicted class against accuracy."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from finetone.comparison.panel import Panel
from finetone.statistics import intervals
from finetone.statistics.metrics import reliability
from finetone.tables.panels import panels


def table(predictions: Sequence[Path], confidence: float) -> pd.DataFrame:
    """Reliability of all methods, one row per dataset, method and bin.

    Parameters
    ----------
    predictions
        Prediction files.
    confidence
        Confidence level of the intervals, in (0, 1).
    """
    return pd.concat([reliability_bins(panel, confidence) for panel in panels(predictions)])


def reliability_bins(panel: Panel, confidence: float) -> pd.DataFrame:
    """Accuracy against confidence in the predicted class, seeds pooled, in bins of equal mass.

    `n` counts predictions (rows × seeds). The Wilson interval uses n / seeds, since predictions of
    several seeds for one row are hardly more than one observation, and fewer rows still where they
    are cross-validated.

    Parameters
    ----------
    panel
        The predictions on one dataset.
    confidence
        Confidence level of the intervals, in (0, 1).
    """
    rows = []
    for method, columns in panel.columns.items():
        bins = reliability(
            panel.probabilities[columns].max(axis=2).ravel(), panel.correct[columns].ravel()
        )
        # predictions that are worth one independent row
        seeds = len(panel.seeds[method]) * panel.inflation[panel.methods.index(method)]
        for number, (mean, accuracy, n) in enumerate(
            zip(bins.confidence, bins.accuracy, bins.n, strict=True), start=1
        ):
            low, high = intervals.wilson(accuracy * n / seeds, n / seeds, confidence)
            rows.append((panel.dataset, method, number, mean, accuracy, low, high, n))
    columns_ = ["dataset", "method", "bin", "confidence", "accuracy", "low", "high", "n"]
    return pd.DataFrame(rows, columns=columns_)
