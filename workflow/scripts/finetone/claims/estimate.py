"""A number with its errors, as tests of claims need it: an interval, a p for any edge, and reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, inf, log, nan

import numpy as np
from scipy import stats

from finetone.claims.phrases import NOTHING, Phrase
from finetone.statistics.evaluation import BOUNDS
from finetone.statistics.intervals import SHAPES, Shape, around
from finetone.statistics.metrics import Floats
from finetone.statistics.variance.mixture import Mixture


class Missing(Exception):
    """Data that a test needs and our tables do not hold; `what` names it."""

    def __init__(self, what: Phrase) -> None:
        super().__init__(what.text("en"))
        self.what = what


def error_of(rows: float, seeds: float = 0.0, df: float = inf, n: int = 1_000_000) -> Mixture:
    """Errors of a single number: variance over rows, over seeds and the df of the latter."""
    return Mixture(np.array([rows]), np.array([seeds]), np.array([df]), n)


NO_ERROR = error_of(0.0)


@dataclass(frozen=True)
class Estimate:
    """A number whose error is symmetric around it.

    Attributes
    ----------
    value
        The estimate.
    errors
        From test rows and seeds; of a time, the spread of its measurement counts as seeds.
    design
        Its errors if the methods varied from seed to seed as methods here do on average.
    seeds, rows
        Fewest runs and test rows that it rests on; 0 if it is not made of any.
    unknown
        Why its errors cannot be judged; then it decides nothing.
    """

    value: float
    errors: Mixture
    design: Mixture
    seeds: int = 0
    rows: int = 0
    unknown: Phrase = NOTHING

    @property
    def exact(self) -> bool:
        """Whether it is a count or a fact, which has no error."""
        return False

    def interval(self, confidence: float) -> tuple[float, float]:
        """(low, high); NaN where the errors are unknown, or none at all by chance."""
        if self.unknown or not self.errors.error[0] > 0:
            return nan, nan
        half = float(self.errors.half_width(confidence)[0])
        return self.value - half, self.value + half

    def p(self, edge: float) -> float:
        """Two-sided p of the truth being `edge`: below 1 - confidence if no interval holds it."""
        return self._p(self.value - edge)

    def reach(self, level: float, power: float) -> float:
        """How far from an edge the truth must be, for a test at `level` to find it.

        Parameters
        ----------
        level
            Of the test, in (0, 1), as 0.05.
        power
            Probability of finding it (Bloom 1995 adds the two quantiles).
        """
        if self.unknown:
            return nan
        half = float(self.design.half_width(1 - level)[0])
        return half + float(stats.norm.ppf(power) * self.design.error[0])

    def needed(self, smaller: float) -> tuple[float, float]:
        """Seeds alone, or rows alone, that would make the error `smaller` times as large.

        Parameters
        ----------
        smaller
            Below 1.

        Returns
        -------
        tuple
            Numbers of seeds and of rows; infinite where the other part alone is larger.
        """
        rows, seeds = float(self.design.rows[0]), float(self.design.seeds[0])
        wanted = (rows + seeds) * smaller**2
        more_seeds = ceil(self.seeds * seeds / (wanted - rows)) if wanted > rows else inf
        more_rows = ceil(self.rows * rows / (wanted - seeds)) if wanted > seeds else inf
        return more_seeds if self.seeds and seeds else nan, more_rows if self.rows else nan

    def width(self, low: float, high: float) -> float:
        """Half of an expected range, on the scale of `reach`."""
        return (high - low) / 2

    def shown(self, distance: float) -> float:
        """A distance on the scale of `reach`, as a reader wants it."""
        return distance

    def _p(self, distance: float) -> float:
        if self.unknown or not self.errors.error[0] > 0:
            return nan
        return float(self.errors.p(np.array([distance]))[0])


@dataclass(frozen=True)
class Exact(Estimate):
    """A count or a fact, which has no error."""

    errors: Mixture = NO_ERROR
    design: Mixture = NO_ERROR

    @property
    def exact(self) -> bool:
        """True."""
        return True

    def interval(self, confidence: float) -> tuple[float, float]:
        """The value itself, twice."""
        return self.value, self.value

    def p(self, edge: float) -> float:
        """0 but for the value itself."""
        return float(self.value == edge)


@dataclass(frozen=True)
class Mean(Estimate):
    """The mean of a metric over seeds (and methods), with the interval that summary.csv has.

    Attributes
    ----------
    metric
        One of `evaluation.SCORES`.
    """

    metric: str = "accuracy"

    @property
    def _shape(self) -> Shape:
        return SHAPES.get(self.metric, "share")

    def interval(self, confidence: float) -> tuple[float, float]:
        """A score interval of shares, a symmetric one of errors; over rows alone if need be."""
        low, high = around(
            np.array([self.value]), self.errors, confidence, BOUNDS[self.metric], self._shape
        )
        return float(low[0]), float(high[0])

    def p(self, edge: float) -> float:
        """The level at which `interval` ends at `edge`."""
        least, most = BOUNDS[self.metric]
        if self.unknown:
            return nan
        if self._shape == "symmetric":
            return self._p(self.value - edge)
        if self._shape == "skewed":
            return self._p((self.value - edge) * np.sqrt(self.value / edge)) if edge > 0 else 0.0
        value, at = (self.value - least) / (most - least), (edge - least) / (most - least)
        if not 0 < at < 1:
            return float(value == at)
        error = float(self.errors.error[0]) / (most - least)
        inside = 0 < value < 1
        rows = value * (1 - value) / error**2 if inside and error > 0 else self.errors.n
        quantile = abs(value - at) / np.sqrt(at * (1 - at) / rows)
        if error > 0:
            return self._p(quantile * error * (most - least))
        return float(2 * stats.norm.sf(quantile))


@dataclass(frozen=True)
class Ratio(Estimate):
    """A ratio of positive numbers; its errors are those of its logarithm (delta method)."""

    def interval(self, confidence: float) -> tuple[float, float]:
        """Symmetric on the logarithm."""
        half = (super().interval(confidence)[1]) - self.value
        return self.value * exp(-half), self.value * exp(half)

    def p(self, edge: float) -> float:
        """On the logarithm; no ratio is 0."""
        return self._p(log(self.value / edge)) if edge > 0 else self._p(inf)

    def width(self, low: float, high: float) -> float:
        """On the logarithm."""
        return log(high / low) / 2 if low > 0 else inf

    def shown(self, distance: float) -> float:
        """As a share of the ratio."""
        return exp(distance) - 1


@dataclass(frozen=True)
class Correlation(Estimate):
    """A rank correlation, with the values that it has when models are drawn again.

    Attributes
    ----------
    draws
        [resamples], ascending.
    """

    draws: tuple[float, ...] = ()

    def interval(self, confidence: float) -> tuple[float, float]:
        """Percentile interval over models."""
        low, high = np.quantile(self.draws, [(1 - confidence) / 2, (1 + confidence) / 2])
        return float(low), float(high)

    def p(self, edge: float) -> float:
        """Twice the smaller share of draws on a side of `edge`, the edge counted as a draw."""
        beyond = 1 + min(np.sum(np.array(self.draws) <= edge), np.sum(np.array(self.draws) >= edge))
        return float(min(1.0, 2 * beyond / (1 + len(self.draws))))

    def reach(self, level: float, power: float) -> float:
        """By Fisher's transformation, from 0."""
        return float(np.tanh(super().reach(level, power)))

    def needed(self, smaller: float) -> tuple[float, float]:
        """Neither: it takes more models."""
        return nan, nan


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
    value = sum(e.value * w for e, w in zip(estimates, weights, strict=True))
    if all(e.exact for e in estimates):
        return Exact(value)
    return Estimate(
        value,
        _sum([e.errors for e in estimates], weights),
        _sum([e.design for e in estimates], weights),
        min((e.seeds for e in estimates if e.seeds), default=0),
        min((e.rows for e in estimates if e.rows), default=0),
        next((e.unknown for e in estimates if e.unknown), NOTHING),
    )


def _sum(errors: Sequence[Mixture], weights: Sequence[float]) -> Mixture:
    squares: Floats = np.square(np.array(weights))
    rows, seeds, df = (
        np.array([float(getattr(each, name)[0]) for each in errors])
        for name in ("rows", "seeds", "df")
    )
    parts = seeds * squares
    return error_of(
        float(rows @ squares),
        float(parts.sum()),
        satterthwaite(parts, df),
        min(each.n for each in errors),
    )


def satterthwaite(parts: Floats, df: Floats) -> float:
    """Degrees of freedom of a sum of independent variances; infinite where it is known."""
    of_variance = float((parts**2 / df).sum())
    return float(parts.sum()) ** 2 / of_variance if of_variance > 0 else inf
