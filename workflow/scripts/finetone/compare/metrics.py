"""Metrics of one run from its logits, for two or more classes.

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
from scipy.stats import rankdata

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


def evaluate(logits: Floats, label: Ints) -> dict[str, float]:
    """All metrics of one run. logits: [n, classes]; label: [n] in 0…classes-1; n ≥ 1."""
    n, classes = logits.shape
    log_p = log_softmax(logits)
    p = np.exp(log_p)
    # of the logits themselves, so that probabilities which round to the same number do not tie
    predicted = logits.argmax(axis=1)
    correct = predicted == label
    table = confusion(label, predicted, classes)
    confidence = p[np.arange(n), predicted]
    bins = reliability(confidence, correct)
    return {
        "n": n,
        "correct": int(correct.sum()),
        "accuracy": float(correct.mean()),
        "loss": float(-log_p[np.arange(n), label].mean()),
        "balanced_accuracy": balanced_accuracy(table),
        "macro_f1": macro_f1(table),
        "mcc": mcc(table),
        "auc": auc(logits, label),
        "brier": brier(p, label),
        "ece": bins.ece,
    }


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


def auc(logits: Floats, label: Ints) -> float:
    """One-against-rest area under the ROC curve, ranked by log-odds, which saturate far later
    than probabilities do."""
    logits = logits.astype(np.float64)
    classes = logits.shape[1]
    areas = []
    for c in auc_classes(classes):
        positive = label == c
        hits = int(positive.sum())
        misses = len(label) - hits
        if hits and misses:
            rank_sum = rankdata(log_odds(logits, c))[positive].sum()
            areas.append((rank_sum - hits * (hits + 1) / 2) / (hits * misses))
    return float(np.mean(areas)) if areas else float("nan")


def auc_classes(classes: int) -> list[int]:
    """The classes that are set against the rest: of two, one says it all."""
    return [1] if classes == 2 else list(range(classes))


def log_odds(logits: Floats, c: int) -> Floats:
    """float64 [n]: of class `c` against the rest."""
    rest = np.delete(logits, c, axis=1)
    odds: Floats = logits[:, c] - (rest[:, 0] if rest.shape[1] == 1 else logsumexp(rest, axis=1))
    return odds


def brier(probabilities: Floats, label: Ints) -> float:
    """½ · mean over rows of Σ over classes (p - y)²."""
    rows = np.arange(len(label))
    # Σ(p - y)² = Σp² - 2·p_true + 1
    squared = (probabilities**2).sum(axis=1) - 2 * probabilities[rows, label] + 1
    return float(squared.mean() / 2)


@dataclass(frozen=True)
class Reliability:
    """Per bin: mean confidence, accuracy and number of rows, by ascending confidence."""

    confidence: Floats
    accuracy: Floats
    n: Ints

    @property
    def ece(self) -> float:
        return float((self.n * np.abs(self.accuracy - self.confidence)).sum() / self.n.sum())


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


def equal_mass(confidence: Floats, bins: int = BINS) -> tuple[Ints, Ints]:
    """(first place of each bin, rows by ascending confidence)."""
    order = np.argsort(confidence)
    ordered = confidence[order].astype(np.float64)
    cuts = np.arange(bins) * len(ordered) // bins
    return np.unique(np.searchsorted(ordered, ordered[cuts], side="left")), order
