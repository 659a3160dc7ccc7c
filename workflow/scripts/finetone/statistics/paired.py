"""Paired comparison of methods that predicted the same rows.

Two sources of chance: the rows (another test set) and the seeds (another training run). With a, b
and e for the variances of a score over seeds, rows and seed-by-row, the mean over S seeds and n rows
has the variance a/S + b/n + e/(S n). Its two estimates are

- of seeds: s²/S, the variance of the seeds' scores, moderated (see `moderation`): a/S + e/(S n);
- of rows: the variance over rows of the mean over seeds, /n: b/n + e/(S n). For a difference of two
  methods it is that of the difference row by row, which is what pairing gains.

Both hold e/(S n), so it is taken off once for each method (the two-way analysis of variance; Owen
2007, "The pigeonhole bootstrap", whose variance these closed forms are without drawing).

A difference of two binary scores can have no variance over rows at all by chance. So, as Agresti &
Min (2005) do for matched pairs, two rows are added to it, one won by either method.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from finetone.statistics import intervals
from finetone.statistics.metrics import Bools, Floats, Ints
from finetone.statistics.mixture import Mixture
from finetone.statistics.moderation import SeedVariance
from finetone.statistics.panel import Panel
from finetone.statistics.power import Design


@dataclass(frozen=True)
class Scores:
    """The accuracies of K methods on the same n rows.

    Parameters
    ----------
    methods
        their names
    of_rows
        [K, n] share of a method's seeds that are right on a row
    of_seeds
        for each method, the accuracy [S] of each seed
    residual
        [K] seed-by-row mean square; 0 for a single run
    stochastic
        [K] whether another seed would give another accuracy at all
    stated
        standard deviation over seeds to go by if no method has two runs, as a fraction
    """

    methods: list[str]
    of_rows: Floats
    of_seeds: list[Floats]
    residual: Floats
    stochastic: Bools
    stated: float | None = None

    def of(self, places: Sequence[int]) -> "Scores":
        """The methods at some places, in that order."""
        return Scores(
            [self.methods[i] for i in places],
            self.of_rows[places],
            [self.of_seeds[i] for i in places],
            self.residual[places],
            self.stochastic[places],
            self.stated,
        )

    @property
    def mean(self) -> Floats:
        """[K]"""
        return self.of_rows.mean(axis=1)

    @property
    def seeds(self) -> Ints:
        """[K] runs per method."""
        return np.array([len(own) for own in self.of_seeds])

    @property
    def shared(self) -> Floats:
        """[K] seed-by-row part of the variance of a mean, which both estimates hold."""
        return self.residual / self.seeds / self.of_rows.shape[1]

    @property
    def variance(self) -> SeedVariance:
        """Over seeds."""
        return _over_seeds(self.of_seeds, self.stochastic, self.stated)

    @property
    def rows_variance(self) -> Floats:
        """[K] part of the variance of a mean that is due to rows alone."""
        # of all rows, not of one less: p (1 - p) / n, so that a single run has Wilson's interval
        found = self.of_rows.var(axis=1) / self.of_rows.shape[1] - self.shared
        return np.maximum(found, 0.0)

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        """(low [K], high [K]) of the means, shares of rows, over new seeds and new rows.

        A score interval (Wilson 1927) with as many rows as the mean's variance is worth (Korn &
        Graubard 1998; Franco et al. 2019). Over rows alone if seeds cannot be judged.
        """
        n = self.of_rows.shape[1]
        seeds, df = self.variance.of_sums(np.diag(1 / self.seeds))
        errors = Mixture(self.rows_variance, seeds, df, n)
        return intervals.scores(
            self.mean, errors.error, errors.half_width(confidence), n, confidence
        )


def accuracies(panel: Panel, deterministic: Collection[str], seed_sd: float | None) -> Scores:
    """The accuracy of every method of a panel.

    Parameters
    ----------
    deterministic
        the methods that another seed would not change
    seed_sd
        stated standard deviation over seeds, as a fraction
    """
    blocks = [panel.correct[panel.columns[method]] for method in panel.methods]
    return Scores(
        panel.methods,
        np.stack([block.mean(axis=0) for block in blocks]),
        [block.mean(axis=1) for block in blocks],
        np.array([residual_mean_square(block) for block in blocks]),
        np.array([method not in deterministic for method in panel.methods]),
        seed_sd,
    )


def _over_seeds(
    of_seeds: Sequence[Floats], stochastic: Bools, stated: float | None
) -> SeedVariance:
    own = [each.var(ddof=1) if len(each) > 1 else 0.0 for each in of_seeds]
    seeds = np.array([len(each) for each in of_seeds])
    return SeedVariance(np.array(own), seeds, stochastic, stated)


def residual_mean_square(correct: Bools) -> float:
    """Seed-by-row mean square of the two-way layout `correct` [seeds, n]; 0 for a single run."""
    seeds, n = correct.shape
    if min(seeds, n) < 2:
        return 0.0
    per_row, mean = correct.mean(axis=0), correct.mean()
    # residual sum of squares = total - rows - seeds; y² = y, as y is 0 or 1
    total = seeds * n * mean * (1 - mean)
    between_rows = seeds * float(((per_row - mean) ** 2).sum())
    between_seeds = n * float(((correct.mean(axis=1) - mean) ** 2).sum())
    return max(0.0, (total - between_rows - between_seeds) / ((seeds - 1) * (n - 1)))


@dataclass(frozen=True)
class Estimates:
    """m differences of accuracies.

    Parameters
    ----------
    value
        [m]
    errors
        what each differs by from the truth
    known
        whether seeds can be judged; if not, nothing but `value` means anything
    """

    value: Floats
    errors: Mixture
    known: bool

    def p(self, methods: int = 2) -> Floats:
        """[m] p of each by itself, or adjusted for all pairs of `methods`; NaN if not known."""
        return self._or_nan(self.errors.p(self.value, methods))

    def interval(self, confidence: float, methods: int = 2) -> tuple[Floats, Floats]:
        """Give intervals (low [m], high [m]) inside [-1, 1]; NaN if not known.

        They exclude 0 where `p` is below 1 - confidence, and hold at once for all pairs of
        `methods`.
        """
        half = self._or_nan(self.errors.half_width(confidence, methods))
        return np.maximum(self.value - half, -1.0), np.minimum(self.value + half, 1.0)

    def _or_nan(self, numbers: Floats) -> Floats:
        return numbers if self.known else np.full_like(numbers, np.nan)


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
        K
    """

    design: Design
    names: list[tuple[str, str]]
    methods: int

    def detectable(self, confidence: float) -> Floats:
        """Give the true difference [m] that an experiment like this finds with 80 % power.

        NaN if not known, or where no difference that is possible would be found.
        """
        found = self.design.detectable(confidence)
        return self._or_nan(np.where(found <= 1, found, np.nan))


def compare(scores: Scores) -> Pairs:
    """All pairs of methods, a before b in the scores' order, a - b."""
    k, n = scores.of_rows.shape
    first, second = np.array(list(combinations(range(k), 2)), dtype=int).reshape(-1, 2).T
    products = scores.of_rows @ scores.of_rows.T
    squares = np.diag(products)
    of_squares = squares[first] + squares[second] - 2 * products[first, second]
    value = scores.mean[first] - scores.mean[second]
    more = n + 2  # two rows added, one won by either
    rows = ((np.maximum(of_squares, 0.0) + 2) / more - (value * n / more) ** 2) / more
    coefficients = np.zeros((len(first), k))
    pair = np.arange(len(first))
    coefficients[pair, first] = 1 / scores.seeds[first]
    coefficients[pair, second] = 1 / scores.seeds[second]
    variance = scores.variance
    seeds, df = variance.of_sums(coefficients)
    pooled, df_pooled = variance.pooled
    twice = scores.shared[first] + scores.shared[second]
    rows = np.maximum(rows - twice, rows / 3)
    return Pairs(
        value,
        Mixture(rows, seeds, df, n),
        variance.known,
        Design(
            rows,
            coefficients,
            scores.seeds,
            scores.stochastic,
            pooled,
            bool(np.isinf(df_pooled)),
            n,
        ),
        [(scores.methods[a], scores.methods[b]) for a, b in zip(first, second, strict=True)],
        k,
    )


def drops(home: Scores, away: Scores) -> Estimates:
    """By how much each method's accuracy is lower on other rows: home - away.

    Rows are independent, seeds are not: they are the same trained models on both, so a lucky seed
    is lucky twice, and its luck cancels in the drop. `home` and `away` have the same methods with
    the same seeds, in the same order.
    """
    lost = [here - there for here, there in zip(home.of_seeds, away.of_seeds, strict=True)]
    variance = _over_seeds(lost, home.stochastic, home.stated)
    seeds, df = variance.of_sums(np.diag(1 / home.seeds))
    n = min(home.of_rows.shape[1], away.of_rows.shape[1])
    rows = home.rows_variance + away.rows_variance
    return Estimates(home.mean - away.mean, Mixture(rows, seeds, df, n), variance.known)
