"""Paired comparison of methods that predicted the same rows, by any metric (see `scores`)."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from finetone.comparison.power import Design
from finetone.comparison.scores import Scores, over_rows
from finetone.statistics.evaluation import BOUNDS
from finetone.statistics.metrics import Bools, Floats
from finetone.statistics.variance.mixture import Mixture


@dataclass(frozen=True)
class Estimates:
    """m differences of scores.

    Parameters
    ----------
    value
        [m]
    errors
        what each differs by from the truth
    known
        [m] whether seeds can be judged and both scores are defined; if not, nothing but `value`
        means anything
    most
        the largest difference that there can be
    """

    value: Floats
    errors: Mixture
    known: Bools
    most: float

    def p(self, methods: int = 2) -> Floats:
        """[m] p of each by itself, or adjusted for all pairs of `methods`; NaN if not known."""
        return self._or_nan(self.errors.p(self.value, methods))

    def interval(self, confidence: float, methods: int = 2) -> tuple[Floats, Floats]:
        """Give intervals (low [m], high [m]) inside [-most, most]; NaN if not known.

        They exclude 0 where `p` is below 1 - confidence, and hold at once for all pairs of
        `methods`.
        """
        half = self._or_nan(self.errors.half_width(confidence, methods))
        low, high = self.value - half, self.value + half
        return np.maximum(low, -self.most), np.minimum(high, self.most)

    def _or_nan(self, numbers: Floats) -> Floats:
        return np.where(self.known, numbers, np.nan)


@dataclass(frozen=True)
class Pairs(Estimates):
    """All pairs of K methods, first minus second.

    Parameters
    ----------
    design
        such an experiment, if all methods varied alike from seed to seed: a method's own variance
        is known too badly to plan with
    names
        [m] the two methods of each pair
    methods
        how many of them have a score
    with_best
        [m] whether one of the two is the best method
    """

    design: Design
    names: list[tuple[str, str]]
    methods: int
    with_best: Bools

    def detectable(self, confidence: float) -> Floats:
        """Give the true difference [m] that an experiment like this finds with 80 % power.

        Of pairs with the best method; NaN for all others, if not known, and where even the largest
        difference that there can be would not be found.
        """
        wanted = np.flatnonzero(self.known & self.with_best)
        found = np.full(len(self.names), np.nan)
        found[wanted] = self.design.of(wanted).detectable(confidence)
        return np.where(found <= self.most, found, np.nan)


def compare(scores: Scores) -> Pairs:
    """All pairs of methods, a before b in the scores' order, a - b."""
    k, n = scores.of_rows.shape
    first, second = np.array(list(combinations(range(k), 2)), dtype=int).reshape(-1, 2).T
    defined = np.isfinite(scores.mean)
    with np.errstate(invalid="ignore"):
        value = scores.mean[first] - scores.mean[second]
    of_rows = np.where(defined[:, None], scores.of_rows, 0.0)
    products = of_rows @ of_rows.T
    squares = np.diag(products)
    of_squares = squares[first] + squares[second] - 2 * products[first, second]
    twice = scores.shared[first] + scores.shared[second]
    rows = over_rows(of_squares, value, n, scores.unit, twice) * scores.inflation(first, second)
    coefficients = np.zeros((len(first), k))
    pair = np.arange(len(first))
    coefficients[pair, first] = 1 / scores.seeds[first]
    coefficients[pair, second] = 1 / scores.seeds[second]
    variance = scores.variance
    seeds, df = variance.of_sums(coefficients)
    pooled, df_pooled = variance.pooled
    known = defined[first] & defined[second]
    rows = np.where(known, rows, 0.0)
    design = Design(
        rows,
        coefficients,
        scores.seeds,
        scores.stochastic,
        pooled,
        bool(np.isinf(df_pooled)),
        n,
        int(defined.sum()),
        scores.apart,
    )
    return Pairs(
        value,
        Mixture(rows, seeds, df, scores.worth),
        known & variance.known,
        _span(scores.metric),
        design,
        [(scores.methods[a], scores.methods[b]) for a, b in zip(first, second, strict=True)],
        int(defined.sum()),
        (first == scores.order[0]) | (second == scores.order[0]),
    )


@dataclass(frozen=True)
class Difference:
    """Score of one method minus that of another.

    Parameters
    ----------
    estimate, low, high, p
        of this pair alone; all but the first NaN where nothing is known of seeds or a score is
        undefined
    df
        degrees of freedom of the part from seeds; infinite where it is known, or nothing
    """

    estimate: float
    low: float
    high: float
    p: float
    df: float


def difference(scores: Scores, a: str, b: str, confidence: float) -> Difference:
    """Compare two methods, a - b, their variance over seeds being judged with that of all others.

    Parameters
    ----------
    scores
        of all methods of an experiment (`scores_of`), so that they moderate each other
    """
    pairs = compare(scores)
    turned = (a, b) not in pairs.names
    place = pairs.names.index((b, a) if turned else (a, b))
    return _single(pairs, place, confidence, -1.0 if turned else 1.0)


def _single(found: Estimates, place: int, confidence: float, sign: float = 1.0) -> Difference:
    ends = sorted(sign * float(each[place]) for each in found.interval(confidence))
    p, df = float(found.p()[place]), float(found.errors.df[place])
    return Difference(sign * float(found.value[place]), ends[0], ends[1], p, df)


def drops(home: Scores, away: Scores) -> Estimates:
    """By how much each method's score is lower on other rows: home - away.

    Rows are independent, seeds are not: they are the same trained models on both, so a lucky seed
    is lucky twice, and its luck cancels in the drop. `home` and `away` have the same methods with
    the same seeds, in the same order. If `home` is cross-validated, it is other models.
    """
    with np.errstate(invalid="ignore"):
        pairs = zip(home.of_seeds, away.of_seeds, strict=True)
        lost = [-there if home.folds else here - there for here, there in pairs]
        value = home.mean - away.mean
    variance = away.over_seeds(lost)
    n = min(home.worth, away.worth)
    defined = np.isfinite(value)
    rows = np.where(defined, home.rows_variance + away.rows_variance, 0.0)
    errors = Mixture(rows, *variance.of_means(), n)
    return Estimates(value, errors, defined & variance.known, _span(home.metric))


def _span(metric: str) -> float:
    low, high = BOUNDS[metric]
    return high - low
