"""How large a true difference must be for an experiment to find it, and how likely it is to.

The test rejects where the difference found is wider than the half width h of its interval (see
`mixture`), and h depends on the variance over seeds *as estimated* from S seeds of K methods, which
differs from experiment to experiment. So the power for a true difference δ with the true standard
error σ is an average over those estimates (Bloom 1995 takes one quantile, as if they did not vary):

    power(δ) = E [ Φ((δ - h) / σ) ]

The estimates are drawn: each method's own variance is σ²_seeds χ²(S - 1) / (S - 1), from which
`moderation` makes the pair's. The draws are the same for every design, so that what a design is
planned for does not jump from one to the next.
"""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from scipy import stats
from scipy.optimize.elementwise import find_root

from finetone.statistics.metrics import Bools, Floats, Ints
from finetone.statistics.variance.mixture import Mixture
from finetone.statistics.variance.moderation import SeedVariance, summed

POWER = 0.8
DRAWS, NODES = 480, 24  # experiments drawn, and values that they are summed up to


@dataclass(frozen=True)
class Design:
    """m differences between K methods, all of which vary alike from seed to seed.

    Parameters
    ----------
    rows
        [m] variance of each difference from test rows
    coefficients
        [m, K] 1/S in the columns of the two methods of a difference
    seeds
        [K] runs per method
    stochastic
        [K] whether another seed would give another score at all
    variance
        of a method's score over seeds
    certain
        whether that variance is stated, and not estimated in the experiment
    n
        rows tested on
    methods
        how many are compared
    apart
        [K] whether how much a method varies says nothing of the others; none if None
    """

    rows: Floats
    coefficients: Floats
    seeds: Ints
    stochastic: Bools
    variance: float
    certain: bool
    n: int
    methods: int
    apart: Bools | None = None

    def of(self, places: Ints) -> "Design":
        """The differences at some places."""
        return replace(self, rows=self.rows[places], coefficients=self.coefficients[places])

    @property
    def error(self) -> Floats:
        """[m] true standard error of each difference."""
        drawing: Floats = self.coefficients @ self.stochastic
        return np.sqrt(self.rows + self.variance * drawing)

    def power(self, difference: float, confidence: float) -> Floats:
        """[m] probability that a true difference is found, adjusted for all pairs of methods."""
        half = self._half_widths(confidence)
        return self._power(np.full(len(half), difference), half, self.error)

    def detectable(self, confidence: float) -> Floats:
        """[m] true difference found with 80 % power, adjusted for all pairs; may be above 1."""
        half, error = self._half_widths(confidence), self.error
        found = np.zeros(len(error))
        some = np.flatnonzero(error > 0)
        if len(some):

            def lacking(difference: Floats, place: Ints) -> Floats:
                return self._power(difference, half[place], error[place]) - POWER

            ends = half[some].min(axis=1), half[some].max(axis=1) + 2 * error[some]
            found[some] = find_root(lacking, ends, args=(some,), tolerances={"xrtol": 1e-6}).x
        return found

    @staticmethod
    def _power(difference: Floats, half: Floats, error: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            distance = (difference[:, None] - half) / error[:, None]
        found: Floats = stats.norm.cdf(distance).mean(axis=1)
        return found

    def _half_widths(self, confidence: float) -> Floats:
        """[m, NODES] equally likely half widths of the intervals."""
        seeds, df = self._estimates
        m, nodes = seeds.shape
        rows = np.repeat(self.rows, nodes)
        errors = Mixture(rows, seeds.ravel(), df.ravel(), self.n)
        return errors.half_width(confidence, self.methods).reshape(m, nodes)

    @cached_property
    def _estimates(self) -> tuple[Floats, Floats]:
        """(estimated variance from seeds [m, NODES], its degrees of freedom [m, NODES])."""
        if self.certain or not (self.stochastic & (self.seeds > 1)).any():
            drawing = self.coefficients @ self.stochastic
            return self.variance * drawing[:, None], np.full((len(self.rows), 1), np.inf)
        shape = self.coefficients.shape
        apart = np.zeros(shape[1], bool) if self.apart is None else self.apart
        given = (self.coefficients, self.seeds, self.stochastic, apart)
        seeds, df = _drawn(shape, *(each.tobytes() for each in given))
        return self.variance * seeds, df


@lru_cache(maxsize=256)  # a planner asks for the same seeds with many numbers of rows
def _drawn(
    shape: tuple[int, int], coefficients: bytes, seeds: bytes, stochastic: bytes, apart: bytes
) -> tuple[Floats, Floats]:
    """Estimates of `Design._estimates` where the true variance is 1; arrays as bytes."""
    weights = np.frombuffer(coefficients, float).reshape(shape)
    runs, drawing = np.frombuffer(seeds, int), np.frombuffer(stochastic, bool)
    alone = np.frombuffer(apart, bool)
    df = np.where(drawing, runs - 1, 0)
    several = np.maximum(df, 1)
    own = stats.chi2.ppf(np.random.default_rng(0).random((DRAWS, len(runs))), several) / several
    moderated = SeedVariance(own[0], runs, drawing, apart=alone).weights
    drawn = summed(np.where(df > 0, own, 0.0), df, moderated, weights)
    variance, inverse = drawn[0].T, 1 / drawn[1].T
    order = np.argsort(variance, axis=1)

    def summed_up(values: Floats) -> Floats:
        ordered = np.take_along_axis(values, order, axis=1)
        found: Floats = ordered.reshape(len(values), NODES, DRAWS // NODES).mean(axis=2)
        return found

    with np.errstate(divide="ignore"):
        return summed_up(variance), 1 / summed_up(inverse)
