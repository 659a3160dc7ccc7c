"""Standard errors of one run's metrics over new test rows.

To first order, a metric is its value plus the mean of one *influence* per row. Its standard error
is therefore the standard deviation of the influences / √n (the infinitesimal jackknife: Efron
1982). For means over rows (loss, Brier) this is the ordinary standard error; for the AUC it is that
of DeLong, DeLong & Clarke-Pearson (1988); for metrics of a confusion table it is n times the derivative by the number of such rows, which
depends on a row's true and predicted class. An undefined metric has no standard error.
"""

from collections.abc import Iterable

import numpy as np

from finetone.statistics.metrics import Bools, Counts, Floats, Ints, Margins, mcc


def standard_error(influence: Floats) -> float:
    """Standard error of a metric from the influences of its rows.

    Parameters
    ----------
    influence
        [n].

    Returns
    -------
    float
        NaN for fewer than two rows and for influences that are not finite.
    """
    if len(influence) < 2 or not np.isfinite(influence).all():
        return float("nan")
    return float(influence.std(ddof=1) / np.sqrt(len(influence)))


def of_balanced_accuracy(counts: Margins, label: Ints, predicted: Ints) -> Floats:
    """Influence [n] of rows, of a class `label` [n] and `predicted` [n], on the balanced accuracy."""
    recall = _share(counts.right, counts.actual)[label]
    weight = counts.actual.sum() / (counts.actual > 0).sum() / counts.actual[label]
    found: Floats = ((label == predicted) - recall) * weight
    return found


def of_macro_f1(counts: Margins, label: Ints, predicted: Ints) -> Floats:
    """Influence [n] of rows, of a class `label` [n] and `predicted` [n], on the macro-F1."""
    size = counts.actual + counts.guessed
    # a row adds 1 to the size of both its classes, and 2 to that of the one where they are the same
    lost = _share(2 * counts.right, size**2)
    gained = 2 * (label == predicted) / size[label]
    found: Floats = gained - lost[label] - lost[predicted]
    return found * counts.actual.sum() / (size > 0).sum()


def of_mcc(counts: Margins, label: Ints, predicted: Ints) -> Floats:
    """Influence [n] of rows, of a class `label` [n] and `predicted` [n], on the MCC; NaN without one."""
    actual, guessed = counts.actual.astype(float), counts.guessed.astype(float)
    n, right = actual.sum(), float(counts.right.sum())
    spread = n**2 - (actual**2).sum(), n**2 - (guessed**2).sum()
    if not all(spread):
        return np.full(len(label), np.nan)
    above = (label == predicted) * n + right - guessed[label] - actual[predicted]
    below = (n - actual[label]) / spread[0] + (n - guessed[predicted]) / spread[1]
    return n * (above / np.sqrt(spread[0] * spread[1]) - mcc(counts) * below)


def _share(part: Counts, whole: Counts) -> Floats:
    """Part / whole, and 0 where there is nothing."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def of_auc(placed: Iterable[tuple[Bools, Floats]], n: int) -> tuple[float, Floats]:
    """Compute the AUC and the influences of all rows on it (DeLong, DeLong & Clarke-Pearson 1988).

    Parameters
    ----------
    placed
        From `metrics.placements`; it is read once, class by class.
    n
        Number of rows.

    Returns
    -------
    auc, influence
        A number and [n]; NaN where the AUC is undefined.
    """
    classes, total, found = 0, 0.0, np.zeros(n)
    for positive, share in placed:
        hits, mean = int(positive.sum()), share[positive].mean()
        found += (share - mean) * np.where(positive, n / hits, n / (n - hits))
        classes, total = classes + 1, total + mean
    if not classes:
        return float("nan"), np.full(n, np.nan)
    return float(total / classes), found / classes
