"""Does a lower loss go with a higher accuracy?

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

from finetone.formats.history import read_history
from finetone.seeds import derive
from finetone.statistics.metrics import Floats

LEAST_MODELS = 5
LEAST_POINTS = 3
Measure = Callable[[Floats, Floats, Floats], Floats]
Histories = Mapping[tuple[str, int], Path]


def correlate(
    runs: pd.DataFrame, histories: Histories, confidence: float, resamples: int, seed: int
) -> pd.DataFrame:
    """correlation.csv from runs.csv and the training histories of the fine-tuned models."""
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


def ranks(values: Floats, weights: Floats) -> Floats:
    """Mean ranks (up to a constant) of values [n] if each stood there weights [..., n] times."""
    levels, level = np.unique(values, return_inverse=True)
    order = np.argsort(level, kind="stable")
    starts = np.searchsorted(level[order], np.arange(len(levels)))
    mass = np.add.reduceat(weights[..., order], starts, axis=-1)
    ranked: Floats = (np.cumsum(mass, axis=-1) - mass / 2)[..., level]
    return ranked


def pearson(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Pearson's r [...] of points weighted by weights [..., n]; NaN where a side is constant."""
    total = weights.sum(axis=-1, keepdims=True)
    x = x - (weights * x).sum(axis=-1, keepdims=True) / total
    y = y - (weights * y).sum(axis=-1, keepdims=True) / total
    xx, yy, xy = ((weights * a * b).sum(axis=-1) for a, b in ((x, x), (y, y), (x, y)))
    scale = np.sqrt(xx * yy)
    with np.errstate(invalid="ignore", divide="ignore"):
        r: Floats = np.where(scale > 1e-12, np.clip(xy / scale, -1, 1), np.nan)
    return r


def spearman(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Spearman's rank correlation, ties at their mean rank."""
    return pearson(ranks(x, weights), ranks(y, weights), weights)


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
