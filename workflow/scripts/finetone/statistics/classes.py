"""Precision, recall and F1 of every class, of several runs on the same rows.

Each is a ratio of counts, so a row's influence on it (see `standard_errors`) is known: for a ratio
a / b of means it is (a_row - ratio · b_row) / b. Rows that neither are of a class nor are taken for it
have none.
"""

from dataclasses import dataclass

import numpy as np

from finetone.statistics.metrics import Floats, Ints
from finetone.statistics.variance.covariance import shared

RATIOS = ("precision", "recall", "f1")


@dataclass(frozen=True)
class Ratio:
    """One of RATIOS of one class over S runs.

    Attributes
    ----------
    values
        [S]; NaN where it is undefined.
    rows
        Part of the variance of their mean that is due to rows alone; NaN where undefined.
    n
        Rows it is of, mean over runs: those predicted, those true, or half of both.
    """

    values: Floats
    rows: float
    n: float

    @property
    def mean(self) -> float:
        """Over the runs; NaN if undefined for any."""
        return float(self.values.mean())

    @property
    def own(self) -> float:
        """Variance over the runs; 0 for a single one."""
        return float(self.values.var(ddof=1)) if len(self.values) > 1 else 0.0


def ratios(label: Ints, predicted: Ints, of_class: int) -> dict[str, Ratio]:
    """Compute the RATIOS of one class.

    Precision is undefined if the class is never predicted, recall if no row is of it, F1 if both.

    Parameters
    ----------
    label
        [n]
    predicted
        [S, n]
    of_class
        the class
    """
    rows = np.flatnonzero((label == of_class) | (predicted == of_class).any(axis=0))
    true = np.broadcast_to(label[rows] == of_class, (len(predicted), len(rows))).astype(float)
    taken = (predicted[:, rows] == of_class).astype(float)
    parts = {
        "precision": (true * taken, taken),
        "recall": (true * taken, true),
        "f1": (true * taken, (true + taken) / 2),
    }
    return {name: _ratio(*part, len(label)) for name, part in parts.items()}


def _ratio(above: Floats, below: Floats, n: int) -> Ratio:
    """Σ above / Σ below of each run, both [S, some rows] and 0 on all others of the `n`."""
    total = below.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = above.sum(axis=1, keepdims=True) / total
        influence = (above - values * below) / total * n
        covariance = influence @ influence.T / max(n - 1, 1) / n
    return Ratio(values[:, 0], shared(covariance), float(total.mean()))
