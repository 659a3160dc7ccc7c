"""Correlation of weighted points, for many weightings at once."""

from collections.abc import Callable

import numpy as np

from finetone.statistics.metrics import Floats, Ints

LEAST_MODELS = 8
"""With fewer, drawing them again says too little about how much others would differ."""
Measure = Callable[[Floats, Floats, Floats], Floats]


def ranks(values: Floats, weights: Floats) -> Floats:
    """Weighted mean ranks, up to a constant.

    Parameters
    ----------
    values
        [n].
    weights
        [..., n]: how often each value is counted.

    Returns
    -------
    array
        [..., n]; ties have their mean rank.
    """
    levels, level = np.unique(values, return_inverse=True)
    order = np.argsort(level, kind="stable")
    starts = np.searchsorted(level[order], np.arange(len(levels)))
    mass = np.add.reduceat(weights[..., order], starts, axis=-1)
    ranked: Floats = (np.cumsum(mass, axis=-1) - mass / 2)[..., level]
    return ranked


def pearson(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Pearson's r of weighted points.

    Parameters
    ----------
    x, y
        [n] or [..., n].
    weights
        [..., n].

    Returns
    -------
    array
        [...]; NaN where x or y is constant.
    """
    total = weights.sum(axis=-1, keepdims=True)
    x = x - (weights * x).sum(axis=-1, keepdims=True) / total
    y = y - (weights * y).sum(axis=-1, keepdims=True) / total
    xx, yy, xy = ((weights * a * b).sum(axis=-1) for a, b in ((x, x), (y, y), (x, y)))
    scale = np.sqrt(xx * yy)
    with np.errstate(invalid="ignore", divide="ignore"):
        r: Floats = np.where(scale > 1e-12, np.clip(xy / scale, -1, 1), np.nan)
    return r


def spearman(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Spearman's rank correlation of weighted points; ties have their mean rank.

    Parameters
    ----------
    x, y
        [n].
    weights
        [..., n].

    Returns
    -------
    array
        [...]; NaN where x or y is constant.
    """
    return pearson(ranks(x, weights), ranks(y, weights), weights)


def bootstrap(
    x: Floats, y: Floats, model: Ints, measure: Measure, resamples: int, seed: int
) -> Floats:
    """Correlations of models drawn with replacement, each with all its points.

    A model drawn twice has weight two.

    Parameters
    ----------
    x, y
        [n].
    model
        [n], the number of the model that a point belongs to.
    measure
        The correlation of weighted points, such as `spearman`.
    resamples
        How many there are.
    seed
        Of the draws.

    Returns
    -------
    array
        [at most resamples]: draws in which x or y is constant are left out.
    """
    models = int(model.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(
        models, np.full(models, 1 / models), size=resamples
    )
    values = measure(x, y, drawn[:, model].astype(float))
    return values[np.isfinite(values)]
