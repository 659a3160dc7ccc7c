"""Standard errors of one run's metrics over new test rows.

Each metric is, to first order, its value plus the mean of one *influence* per row, so its standard
error is the influences' standard deviation / √n (the infinitesimal jackknife: Efron 1982). For means
over rows (loss, Brier) that is the ordinary standard error; for the AUC it is DeLong, DeLong &
Clarke-Pearson's (1988). A metric that is undefined has none.
"""

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata

from finetone.compare import metrics
from finetone.compare.metrics import Bools, Counts, Floats, Ints

STEP = 1e-4  # of a cell's share, in rows: small beside one row, large beside rounding


def standard_errors(logits: Floats, label: Ints) -> dict[str, float]:
    """By metric (loss and METRICS). logits: [n, classes]; label: [n]; NaN for fewer than 2 rows."""
    n, classes = logits.shape
    rows = np.arange(n)
    log_p = metrics.log_softmax(logits)
    p = np.exp(log_p)
    predicted = logits.argmax(axis=1)
    cell = label.astype(np.int64) * classes + predicted
    table = metrics.confusion(label, predicted, classes)
    influences = {
        "loss": -log_p[rows, label],
        "brier": ((p**2).sum(axis=1) - 2 * p[rows, label] + 1) / 2,
        "ece": _ece(p[rows, predicted], predicted == label),
        "auc": _auc(logits, label),
        "balanced_accuracy": _of_cells(metrics.balanced_accuracy, table)[cell],
        "macro_f1": _of_cells(metrics.macro_f1, table)[cell],
        "mcc": _of_cells(metrics.mcc, table)[cell],
    }
    return {name: _error(values) for name, values in influences.items()}


def _error(influence: Floats) -> float:
    if len(influence) < 2 or not np.isfinite(influence).all():
        return float("nan")
    return float(influence.std(ddof=1) / np.sqrt(len(influence)))


def _of_cells(metric: Callable[[Counts], float], table: Ints) -> Floats:
    """How a metric of a confusion table answers to one row more in each cell, times n."""
    n, value = table.sum(), metric(table)
    answers = np.full(table.size, np.nan)
    for cell in np.flatnonzero(table):  # empty cells have no rows to ask for
        more = table.astype(np.float64)
        more.flat[cell] += STEP
        answers[cell] = (metric(more) - value) / STEP * n
    return answers


def _ece(confidence: Floats, correct: Bools) -> Floats:
    """With the bins as they are: each row adds its own gap, with the sign of its bin's."""
    starts, order = metrics.equal_mass(confidence)
    gap = correct[order].astype(np.float64) - confidence[order]
    sign = np.sign(np.add.reduceat(gap, starts))
    return np.repeat(sign, np.diff(np.append(starts, len(gap)))) * gap


def _auc(logits: Floats, label: Ints) -> Floats:
    """Mean over classes of DeLong's placements: the share of the other side a row is right against."""
    logits, n = logits.astype(np.float64), len(label)
    found = []
    for c in metrics.auc_classes(logits.shape[1]):
        positive = label == c
        hits, misses = int(positive.sum()), int((~positive).sum())
        if not hits or not misses:
            continue
        odds = metrics.log_odds(logits, c)
        rank, own = rankdata(odds), np.empty(n)
        own[positive], own[~positive] = rankdata(odds[positive]), rankdata(odds[~positive])
        against = rank - own  # rows of the other side below (ties count half)
        placement = np.where(positive, against / misses, 1 - against / hits)
        area = placement[positive].mean()
        found.append((placement - area) * np.where(positive, n / hits, n / misses))
    return np.mean(found, axis=0) if found else np.full(n, np.nan)
