"""A number with its variance, and weighted sums of such numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from scipy import stats

from finetone.statistics.intervals import over_seeds


class Missing(Exception):
    """Data that a test needs and our tables do not hold; the message names it."""


@dataclass(frozen=True)
class Estimate:
    """A value with its variance.

    Attributes
    ----------
    value
        The estimate.
    variance
        Of its error; 0 if it is exact, NaN if unknown.
    df
        Degrees of freedom of the variance.
    seeds
        Number of runs; 0 if it is not from runs.
    rows
        Number of test rows; 0 if it is not from test rows.
    accuracies
        One per seed if this is the accuracy of a single method. Its interval is then the score
        interval over its own seeds (`intervals.over_seeds`), not moderated.
    """

    value: float
    variance: float = 0.0
    df: float = inf
    seeds: int = 0
    rows: int = 0
    accuracies: tuple[float, ...] = ()

    def interval(self, confidence: float) -> tuple[float, float]:
        """t-interval around the value; that over seeds for the accuracy of a single method."""
        if self.accuracies:
            return over_seeds(np.array(self.accuracies), self.rows, confidence)
        critical = stats.t.ppf((1 + confidence) / 2, self.df)
        half = 0.0 if self.variance == 0 else float(critical * np.sqrt(self.variance))
        return self.value - half, self.value + half


def combine(estimates: Sequence[Estimate], weights: Sequence[float]) -> Estimate:
    """Weighted sum of independent estimates.

    Degrees of freedom after Welch and Satterthwaite.

    Parameters
    ----------
    estimates, weights
        One weight per estimate.
    """
    if len(estimates) == 1 and weights[0] == 1:
        return estimates[0]
    parts = [e.variance * w**2 for e, w in zip(estimates, weights, strict=True)]
    variance = sum(parts)
    variance_of_variance = sum(v**2 / e.df for v, e in zip(parts, estimates, strict=True))
    known = [e.seeds for e in estimates if e.seeds]
    return Estimate(
        sum(e.value * w for e, w in zip(estimates, weights, strict=True)),
        variance,
        variance**2 / variance_of_variance if variance_of_variance > 0 else inf,
        min(known, default=0),
        max(e.rows for e in estimates),
    )
