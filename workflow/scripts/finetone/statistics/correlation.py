"""Correlation of weighted points, for many weightings at once."""

import numpy as np

from finetone.statistics.metrics import Floats


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
