"""A number with its doubt, and sums of such numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from scipy import stats


class Missing(Exception):
    """A number that our tables do not hold; the text says which."""


@dataclass(frozen=True)
class Estimate:
    """A value with the variance of its error: 0 is exact, NaN unknown; 0 seeds: not from runs."""

    value: float
    variance: float = 0.0
    freedom: float = inf
    seeds: int = 0
    rows: int = 0

    def interval(self, confidence: float) -> tuple[float, float]:
        """t-interval around the value."""
        critical = stats.t.ppf((1 + confidence) / 2, self.freedom)
        half = 0.0 if self.variance == 0 else float(critical * np.sqrt(self.variance))
        return self.value - half, self.value + half


def combine(estimates: Sequence[Estimate], weights: Sequence[float]) -> Estimate:
    """Weighted sum of independent estimates; degrees of freedom after Welch and Satterthwaite."""
    parts = [e.variance * w**2 for e, w in zip(estimates, weights, strict=True)]
    variance = sum(parts)
    doubt = sum(v**2 / e.freedom for v, e in zip(parts, estimates, strict=True))
    known = [e.seeds for e in estimates if e.seeds]
    return Estimate(
        sum(e.value * w for e, w in zip(estimates, weights, strict=True)),
        variance,
        variance**2 / doubt if doubt > 0 else inf,
        min(known, default=0),
        max(e.rows for e in estimates),
    )
