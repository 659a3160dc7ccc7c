"""Metrics of one run, for two or more classes (all at once: `evaluate`).

Conventions (an undefined metric is NaN, not 0):

- The predicted class is the one with the largest logit, of equal ones the first.
- balanced accuracy: mean recall over the classes that occur among the labels.
- macro-F1: over the classes that occur among labels or predictions; a class never predicted has 0.
- MCC: Gorodkin 2004 (R_K) for any number of classes; NaN if labels or predictions are constant.
- AUC: area under the ROC curve (Mann-Whitney, ties count half). For more than two classes: each
  against the rest, mean over the classes that occur. NaN if only one class occurs.
- loss: mean cross-entropy in nats (natural logarithm); infinite if a true class got probability 0.
- Brier: half the squared distance between probabilities and one-hot label, mean over rows, in
  [0, 1]; for two classes this is (p - y)² of one class (Brier 1950 adds both classes).
- ECE: expected calibration error of the predicted class's probability (Guo et al. 2017) in 15 bins
  of equal mass (Nguyen & O'Connor 2015). Equal confidences share a bin, so there may be fewer bins,
  and the value does not depend on the order of rows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

BINS = 15

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]
Bools = NDArray[np.bool_]
Counts = Ints | Floats  # a confusion table; fractions for numerical derivatives

METRICS = ("balanced_accuracy", "macro_f1", "mcc", "auc", "brier", "ece")


def log_softmax(logits: Floats) -> Floats:
    """Return log-probabilities, float64 [n, classes].

    Parameters
    ----------
    logits
        [n, classes]; a logit of -inf gives a log-probability of -inf.
    """
    by_class = logits.T.astype(np.float64, order="C")  # a few long rows: ten times as fast
    by_class -= by_class.max(axis=0)
    by_class -= np.log(np.exp(by_class).sum(axis=0))
    normalised: Floats = by_class.T
    return normalised


def confusion(label: Ints, predicted: Ints, classes: int) -> Ints:
    """Count the rows of every pair of true and predicted class.

    Parameters
    ----------
    label, predicted
        [n], in 0…classes-1.
    classes
        Number of classes.

    Returns
    -------
    array
        int64 [true class, predicted class].
    """
    cells = np.bincount(label.astype(np.int64) * classes + predicted, minlength=classes**2)
    return cells.reshape(classes, classes)


def balanced_accuracy(table: Counts) -> float:
    """Mean recall over the classes that occur, from a confusion table [true, predicted]."""
    actual = table.sum(axis=1)
    present = actual > 0
    return float((np.diag(table)[present] / actual[present]).mean())


def macro_f1(table: Counts) -> float:
    """Unweighted mean of 2·tp / (2·tp + fp + fn), from a confusion table [true, predicted]."""
    weight = table.sum(axis=1) + table.sum(axis=0)
    present = weight > 0
    return float((2 * np.diag(table)[present] / weight[present]).mean())


def mcc(table: Counts) -> float:
    """Matthews correlation coefficient, from a confusion table [true, predicted] (Gorodkin 2004).

    Returns
    -------
    float
        NaN if labels or predictions are constant.
    """
    actual, guessed, n = table.sum(axis=1), table.sum(axis=0), float(table.sum())
    spread = float(n**2 - (actual**2).sum()) * float(n**2 - (guessed**2).sum())
    if spread == 0:
        return float("nan")
    return float((np.trace(table) * n - (actual * guessed).sum()) / np.sqrt(spread))


def placements(logits: Floats, label: Ints) -> list[tuple[Bools, Floats]]:
    """Compute the row-wise terms whose mean is the AUC, for each class against the rest.

    Log-odds saturate far later than probabilities do. A class without rows, or without rows of
    other classes, is left out. Of two classes, only the second is used: the first gives the same
    AUC.

    Parameters
    ----------
    logits
        [n, classes].
    label
        [n], in 0…classes-1.

    Returns
    -------
    list of (bool [n], float64 [n])
        For each class: whether a row belongs to it, and the share of the rows on the other side
        that the row's log-odds rank correctly against; a tie counts half.
    """
    logits, classes = logits.astype(np.float64), logits.shape[1]
    found = []
    for c in [1] if classes == 2 else range(classes):
        positive = label == c
        hits = int(positive.sum())
        misses = len(label) - hits
        if hits and misses:
            levels, level = np.unique(log_odds(logits, c), return_inverse=True)
            at = np.bincount(level, positive, len(levels)), np.bincount(level, ~positive)
            below = [np.cumsum(side) - side / 2 for side in at]
            share = np.where(positive, below[1][level] / misses, 1 - below[0][level] / hits)
            found.append((positive, share))
    return found


def log_odds(logits: Floats, c: int) -> Floats:
    """Log-odds of class `c` against the rest.

    Parameters
    ----------
    logits
        [n, classes].
    c
        A class.

    Returns
    -------
    array
        float64 [n].
    """
    if logits.shape[1] == 2:
        return logits[:, c] - logits[:, 1 - c]
    odds: Floats = logits[:, c] - logsumexp(np.delete(logits, c, axis=1), axis=1)
    return odds


def brier(probabilities: Floats, label: Ints) -> Floats:
    """Brier score of each row: half the squared distance to the one-hot label (Brier 1950).

    Parameters
    ----------
    probabilities
        [n, classes].
    label
        [n], in 0…classes-1.

    Returns
    -------
    array
        [n], in [0, 1].
    """
    rows = np.arange(len(label))
    # Σ(p - y)² = Σp² - 2·p_true + 1
    squared: Floats = (probabilities**2).sum(axis=1) - 2 * probabilities[rows, label] + 1
    return squared / 2


@dataclass(frozen=True)
class Reliability:
    """Mean confidence, accuracy and number of rows of each bin, by ascending confidence."""

    confidence: Floats
    accuracy: Floats
    n: Ints


def reliability(confidence: Floats, correct: Bools, bins: int = BINS) -> Reliability:
    """Bin predictions by confidence, with equal mass (Nguyen & O'Connor 2015).

    Parameters
    ----------
    confidence
        [n], probability of the predicted class; equal values share a bin.
    correct
        [n].
    bins
        Number of bins; there may be fewer, because of equal values.

    Returns
    -------
    Reliability
        All its arrays have one entry per bin.
    """
    starts, order = equal_mass(confidence, bins)
    ordered = confidence[order].astype(np.float64)
    n = np.diff(np.append(starts, len(ordered)))
    return Reliability(
        np.add.reduceat(ordered, starts) / n,
        np.add.reduceat(correct[order].astype(np.float64), starts) / n,
        n,
    )


def gaps(confidence: Floats, correct: Bools, bins: int = BINS) -> Floats:
    """Return the contribution of each row to the ECE, which is their mean (Guo et al. 2017).

    Parameters
    ----------
    confidence
        [n], probability of the predicted class.
    correct
        [n].
    bins
        Number of bins of equal mass.

    Returns
    -------
    array
        [n], correct - confidence, with the sign that makes the sum over the row's bin positive.
    """
    starts, order = equal_mass(confidence, bins)
    gap = correct[order].astype(np.float64) - confidence[order]
    sign = np.sign(np.add.reduceat(gap, starts))
    found = np.empty_like(gap)
    found[order] = np.repeat(sign, np.diff(np.append(starts, len(gap)))) * gap
    return found


def equal_mass(confidence: Floats, bins: int = BINS) -> tuple[Ints, Ints]:
    """Cut rows into bins of equal mass.

    Parameters
    ----------
    confidence
        [n]; equal values share a bin.
    bins
        Number of bins; there may be fewer, because of equal values.

    Returns
    -------
    starts, order
        The first position of each bin, and the rows [n] by ascending confidence.
    """
    order = np.argsort(confidence)
    ordered = confidence[order].astype(np.float64)
    cuts = np.arange(bins) * len(ordered) // bins
    return np.unique(np.searchsorted(ordered, ordered[cuts], side="left")), order
