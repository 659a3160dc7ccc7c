"""correlation.csv: does a lower loss go with a higher accuracy?

Scopes, over fine-tuned models only (baselines of other kinds would make any relation look strong):

- `<dataset>`: test loss and accuracy of every (model, seed, epoch);
- `<dataset>/epoch<i>`: of one epoch, so that progress from epoch to epoch, which moves both
  whatever the model, is out of the picture;
- `training`: cumulative loss and accuracy at the end of every epoch of every run.

Models are what the claim generalises over and runs of one model resemble each other, so the
interval is a percentile bootstrap that resamples whole models; with fewer than five models there is
too little to resample and the interval is empty.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from finetone.formats.csv_table import read_csv
from finetone.formats.history import read_history
from finetone.seeds import derive
from finetone.statistics.correlation import pearson, spearman
from finetone.statistics.metrics import Floats

LEAST_MODELS = 5
LEAST_POINTS = 3
Measure = Callable[[Floats, Floats, Floats], Floats]
Histories = Mapping[tuple[str, int], Path]


def table(
    runs: Path, histories: Histories, confidence: float, resamples: int, seed: int
) -> pd.DataFrame:
    """One row per scope and statistic, from runs.csv and the histories of the fine-tuned models."""
    return correlate(read_csv(runs), histories, confidence, resamples, seed)


def correlate(
    runs: pd.DataFrame, histories: Histories, confidence: float, resamples: int, seed: int
) -> pd.DataFrame:
    """`table` from the content of runs.csv."""
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
    """(value, low, high); NaN for fewer than three points.

    Percentile interval when models are drawn with replacement, each with all its points; drawing
    a model twice is weighing its points by two.
    """
    nothing = float("nan")
    if len(points) < LEAST_POINTS:
        return nothing, nothing, nothing
    x, y = points["loss"].to_numpy(float), points["accuracy"].to_numpy(float)
    value = float(measure(x, y, np.ones(len(points))))
    model, names = pd.factorize(points["method"])
    if len(names) < LEAST_MODELS or np.isnan(value):
        return value, nothing, nothing
    drawn = np.random.default_rng(seed).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=resamples
    )
    values = measure(x, y, drawn[:, model].astype(float))
    low, high = np.nanquantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return value, float(low), float(high)
