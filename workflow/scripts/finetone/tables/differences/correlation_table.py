"""correlation.csv: is a lower loss associated with a higher accuracy?

Scopes, over fine-tuned models only (baselines of other kinds would make any relation look strong):

- `<dataset>`: test loss and accuracy of every (model, seed, epoch);
- `<dataset>/epoch<i>`: of one epoch, which excludes the progress from epoch to epoch that changes
  loss and accuracy of every model;
- `training`: cumulative loss and accuracy at the end of every epoch of every run.

The claim generalises over models, and runs of one model resemble each other, so the interval is a
percentile bootstrap that resamples whole models. With fewer than eight models there is too little to
resample, and the interval is empty.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from finetone.formats.csv_table import read_csv
from finetone.formats.history import read_history
from finetone.seeds import derive
from finetone.statistics.correlation import LEAST_MODELS, Measure, bootstrap, pearson, spearman

LEAST_POINTS = 3
Histories = Mapping[tuple[str, int], Path]


def table(
    runs: Path, histories: Histories, confidence: float, resamples: int, seed: int
) -> pd.DataFrame:
    """Rank and linear correlation of loss and accuracy, one row per scope and statistic.

    Parameters
    ----------
    runs
        The table runs.csv.
    histories
        history.parquet files of the fine-tuned models, by (model, seed).
    confidence
        Confidence level of the intervals, in (0, 1).
    resamples
        Number of bootstrap samples.
    seed
        Of the bootstrap.
    """
    return correlate(read_csv(runs), histories, confidence, resamples, seed)


def correlate(
    runs: pd.DataFrame, histories: Histories, confidence: float, resamples: int, seed: int
) -> pd.DataFrame:
    """Return `table` from the content of runs.csv instead of its path."""
    runs = runs[runs["method"].isin({method for method, _ in histories})]
    runs = runs[np.isfinite(runs["loss"])]
    scopes = {}
    for dataset, part in runs.groupby("dataset", sort=False):
        scopes[str(dataset)] = part
        if part["epoch"].nunique() > 1:
            for epoch, one in part.groupby("epoch"):
                scopes[f"{dataset}/epoch{epoch}"] = one
    scopes["training"] = _training(histories)
    rows = []
    for scope, points in scopes.items():
        for name, measure in (("spearman", spearman), ("pearson", pearson)):
            found = estimate(points, measure, confidence, resamples, derive(seed, scope))
            rows.append((scope, name, *found, len(points), points["method"].nunique()))
    return pd.DataFrame(rows, columns=["scope", "statistic", "rho", "low", "high", "n", "models"])


def _training(histories: Histories) -> pd.DataFrame:
    parts = []
    for (method, _), path in histories.items():
        ends = read_history(path).groupby("epoch").last()
        parts.append(
            pd.DataFrame(
                {
                    "method": method,
                    "loss": ends["cumulative_loss"],
                    "accuracy": ends["cumulative_accuracy"],
                }
            )
        )
    return pd.concat(parts) if parts else pd.DataFrame(columns=["method", "loss", "accuracy"])


def estimate(
    points: pd.DataFrame, measure: Measure, confidence: float, resamples: int, seed: int
) -> tuple[float, float, float]:
    """Correlation of loss and accuracy with a bootstrap interval over models.

    Parameters
    ----------
    points
        Columns `method`, `loss` and `accuracy`.
    measure
        The correlation of weighted points, such as `spearman`.
    confidence
        Confidence level of the percentile interval, in (0, 1).
    resamples
        Number of bootstrap samples.
    seed
        Of the bootstrap.

    Returns
    -------
    value, low, high
        All NaN for fewer than three points; no interval for fewer than eight models.
    """
    nothing = float("nan")
    if len(points) < LEAST_POINTS:
        return nothing, nothing, nothing
    x, y = points["loss"].to_numpy(float), points["accuracy"].to_numpy(float)
    value = float(measure(x, y, np.ones(len(points))))
    model, names = pd.factorize(points["method"])
    if len(names) < LEAST_MODELS or np.isnan(value):
        return value, nothing, nothing
    values = bootstrap(x, y, model, measure, resamples, seed)
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return value, float(low), float(high)
