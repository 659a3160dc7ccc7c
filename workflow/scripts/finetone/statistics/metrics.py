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

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]
Bools = NDArray[np.bool_]
Counts = Ints | Floats  # of rows; fractions for shares of them

METRICS = ("balanced_accuracy", "macro_f1", "mcc", "auc", "brier", "ece")


def most_likely(logits: Floats) -> Ints:
    """Return the class with the largest logit, of equal ones the first.

    Parameters
    ----------
    logits
        [..., classes].

    Returns
    -------
    array
        int64 [...].
    """
    if logits.shape[-1] == 2:  # many times as fast as argmax over so short an axis
        return (logits[..., 1] > logits[..., 0]).astype(np.int64)
    found: Ints = logits.argmax(axis=-1)
    return found


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


@dataclass(frozen=True)
class Margins:
    """What accuracies and the MCC need of a confusion table: [classes] rows of each class.

    Attributes
    ----------
    actual, guessed
        Rows that are of it, and that are predicted as it.
    right
        Rows of it that are predicted as it.
    """

    actual: Counts
    guessed: Counts
    right: Counts

    @classmethod
    def of_rows(cls, label: Ints, predicted: Ints, classes: int) -> "Margins":
        """Count `label` and `predicted` [n]; many classes need no table of their squared number."""
        right = label[label == predicted]
        return cls(*(np.bincount(each, minlength=classes) for each in (label, predicted, right)))


def balanced_accuracy(counts: Margins) -> float:
    """Mean recall over the classes that occur."""
    present = counts.actual > 0
    return float((counts.right[present] / counts.actual[present]).mean())


def macro_f1(counts: Margins) -> float:
    """Unweighted mean of 2·tp / (2·tp + fp + fn)."""
    weight = counts.actual + counts.guessed
    present = weight > 0
    return float((2 * counts.right[present] / weight[present]).mean())


def mcc(counts: Margins) -> float:
    """Matthews correlation coefficient (Gorodkin 2004).

    Returns
    -------
    float
        NaN if labels or predictions are constant.
    """
    actual, guessed, n = counts.actual, counts.guessed, float(counts.actual.sum())
    spread = float(n**2 - (actual**2).sum()) * float(n**2 - (guessed**2).sum())
    if spread == 0:
        return float("nan")
    return float((counts.right.sum() * n - (actual * guessed).sum()) / np.sqrt(spread))


def placements(logits: Floats, label: Ints) -> Iterator[tuple[Bools, Floats]]:
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

    Yields
    ------
    bool [n], float64 [n]
        For each class: whether a row belongs to it, and the share of the rows on the other side
        that the row's log-odds rank correctly against; a tie counts half.
    """
    for c, odds in log_odds(logits):
        positive = label == c
        hits = int(positive.sum())
        misses = len(label) - hits
        if hits and misses:
            levels, level = np.unique(odds, return_inverse=True)
            at = np.bincount(level, positive, len(levels)), np.bincount(level, ~positive)
            below = [np.cumsum(side) - side / 2 for side in at]
            yield positive, np.where(positive, below[1][level] / misses, 1 - below[0][level] / hits)


def log_odds(logits: Floats) -> Iterator[tuple[int, Floats]]:
    """Log-odds of each class against the rest, of two classes of the second alone.

    The work grows with the number of classes, not with its square: e^logit of all others is their
    sum less the class's own. Of the class with the largest logit little would be left of that sum,
    so its others are added up without it.

    Parameters
    ----------
    logits
        [n, classes].

    Yields
    ------
    int, float64 [n]
        A class and its log-odds.
    """
    by_class = logits.T.astype(np.float64, order="C")
    if len(by_class) == 2:
        yield 1, by_class[1] - by_class[0]
        return
    first = by_class.argmax(axis=0)
    by_class -= by_class.max(axis=0)
    others = np.zeros(len(logits))
    for c, own in enumerate(by_class):
        others += np.where(first == c, 0.0, np.exp(own))
    for c, own in enumerate(by_class):
        rest = np.where(own == 0, others, 1 + others - np.exp(own))  # 0: the largest, of equals any
        with np.errstate(divide="ignore"):  # all other classes are ruled out
            yield c, own - np.log(rest)


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
