"""Metrics of one run, for two or more classes (all at once: `evaluate`).

Conventions (a metric that is undefined is NaN, never a made-up 0):

- The predicted class is the one with the largest logit, of equal ones the first.
- balanced accuracy: mean recall over the classes that occur among the labels.
- macro-F1: over the classes that occur among labels or predictions; a class never predicted has 0.
- MCC: Gorodkin 2004 (R_K) for any number of classes; NaN if labels or predictions are constant.
- AUC: area under the ROC curve (Mann-Whitney, ties count half); more than two classes: one against
  the rest, mean over the classes that occur; NaN if only one class occurs.
- loss: mean cross-entropy in nats (natural logarithm); infinite if a true class got probability 0.
- Brier: half the squared distance between probabilities and one-hot label, mean over rows, in
  [0, 1]; for two classes this is the familiar (p - y)² (Brier 1950 counts both halves).
- ECE: expected calibration error of the predicted class's probability (Guo et al. 2017) in 15 bins
  of equal mass (Nguyen & O'Connor 2015); equal confidences are never torn apart, so bins may be
  fewer and the value does not depend on the order of rows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

BINS = 15

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]
Bools = NDArray[np.bool_]
Counts = Ints | Floats  # of a confusion table; fractions where a derivative is taken

METRICS = ("balanced_accuracy", "macro_f1", "mcc", "auc", "brier", "ece")


def log_softmax(logits: Floats) -> Floats:
    """float64 [n, classes] of log-probabilities; -inf logits stay -inf."""
    logits = logits.astype(np.float64)
    shifted = logits - logits.max(axis=1, keepdims=True)
    normalised: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normalised


def confusion(label: Ints, predicted: Ints, classes: int) -> Ints:
    """Counts [true class, predicted class]."""
    cells = np.bincount(label.astype(np.int64) * classes + predicted, minlength=classes**2)
    return cells.reshape(classes, classes)


def balanced_accuracy(table: Counts) -> float:
    """Mean recall over classes that occur, from a confusion table."""
    actual = table.sum(axis=1)
    present = actual > 0
    return float((np.diag(table)[present] / actual[present]).mean())


def macro_f1(table: Counts) -> float:
    """Unweighted mean of 2·tp / (2·tp + fp + fn), from a confusion table."""
    weight = table.sum(axis=1) + table.sum(axis=0)
    present = weight > 0
    return float((2 * np.diag(table)[present] / weight[present]).mean())


def mcc(table: Counts) -> float:
    """Matthews correlation coefficient, from a confusion table."""
    actual, guessed, n = table.sum(axis=1), table.sum(axis=0), float(table.sum())
    spread = float(n**2 - (actual**2).sum()) * float(n**2 - (guessed**2).sum())
    if spread == 0:
        return float("nan")
    return float((np.trace(table) * n - (actual * guessed).sum()) / np.sqrt(spread))


def placements(logits: Floats, label: Ints) -> list[tuple[Bools, Floats]]:
    """What the AUC is the mean of: for each class set against the rest, (is it the class [n],
    share of the other side [n] that a row's log-odds are on the right side of, ties half).

    Log-odds saturate far later than probabilities do. Classes without rows or without a rest are
    left out; of two classes, the second says it all.
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
    """float64 [n]: of class `c` against the rest."""
    rest = np.delete(logits, c, axis=1)
    odds: Floats = logits[:, c] - (rest[:, 0] if rest.shape[1] == 1 else logsumexp(rest, axis=1))
    return odds


def brier(probabilities: Floats, label: Ints) -> Floats:
    """Of each row: ½ · Σ over classes (p - y)²."""
    rows = np.arange(len(label))
    # Σ(p - y)² = Σp² - 2·p_true + 1
    squared: Floats = (probabilities**2).sum(axis=1) - 2 * probabilities[rows, label] + 1
    return squared / 2


@dataclass(frozen=True)
class Reliability:
    """Per bin: mean confidence, accuracy and number of rows, by ascending confidence."""

    confidence: Floats
    accuracy: Floats
    n: Ints


def reliability(confidence: Floats, correct: Bools, bins: int = BINS) -> Reliability:
    """Bins of equal mass over `confidence` [n]; equal confidences share a bin."""
    starts, order = equal_mass(confidence, bins)
    ordered = confidence[order].astype(np.float64)
    n = np.diff(np.append(starts, len(ordered)))
    return Reliability(
        np.add.reduceat(ordered, starts) / n,
        np.add.reduceat(correct[order].astype(np.float64), starts) / n,
        n,
    )


def gaps(confidence: Floats, correct: Bools, bins: int = BINS) -> Floats:
    """Of each row: correct - confidence, with the sign that it has in the row's bin. Their mean is
    the ECE."""
    starts, order = equal_mass(confidence, bins)
    gap = correct[order].astype(np.float64) - confidence[order]
    sign = np.sign(np.add.reduceat(gap, starts))
    found = np.empty_like(gap)
    found[order] = np.repeat(sign, np.diff(np.append(starts, len(gap)))) * gap
    return found


def equal_mass(confidence: Floats, bins: int = BINS) -> tuple[Ints, Ints]:
    """(first place of each bin, rows by ascending confidence)."""
    order = np.argsort(confidence)
    ordered = confidence[order].astype(np.float64)
    cuts = np.arange(bins) * len(ordered) // bins
    return np.unique(np.searchsorted(ordered, ordered[cuts], side="left")), order
