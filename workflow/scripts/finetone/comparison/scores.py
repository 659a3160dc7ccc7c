"""Scores of methods that predicted the same rows, by any metric, with both sources of chance.

A metric is the mean over rows of what each contributes to it (`evaluation`): for the accuracy 0 or 1,
for others its value plus the row's influence. So all metrics are compared in the same way.

Two sources of chance: the rows (another test set) and the seeds (another training run). With a, b
and e for the variances of a score over seeds, rows and seed-by-row, the mean over S seeds and n rows
has the variance a/S + b/n + e/(S n). Its two estimates are

- of seeds: s²/S, the variance of the seeds' scores, moderated (see `moderation`): a/S + e/(S n);
- of rows: the variance over rows of the mean over seeds, /n: b/n + e/(S n). For a difference of two
  methods it is that of the difference row by row, which is what pairing gains.

Both hold e/(S n), so it is taken off once for each method (the two-way analysis of variance; Owen
2007, "The pigeonhole bootstrap", whose variance these closed forms are without drawing).

A difference of two binary scores can have no variance over rows at all by chance. So, as Agresti &
Min (2005) do for matched pairs, two rows are added to it, one won by either (see `unit`).

Rows of a cross-validation are worth less than as many of a test split, and their variance holds that of
seeds (`statistics.cross_validation`): the part over seeds is then none, and that over rows inflated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from finetone.comparison.panel import Panel
from finetone.statistics import intervals
from finetone.statistics.evaluation import BOUNDS, ERRORS, Evaluation
from finetone.statistics.metrics import Bools, Floats, Ints
from finetone.statistics.variance.cross_validation import Folds
from finetone.statistics.variance.mixture import Mixture
from finetone.statistics.variance.moderation import SeedVariance, varying_as
from finetone.statistics.variance.roles import Roles, apart


@dataclass(frozen=True)
class Scores:
    """One metric of K methods on the same n rows. Where it is undefined for a run, it is NaN.

    Parameters
    ----------
    metric
        one of `evaluation.SCORES`
    methods
        their names
    of_rows
        [K, n] what a row contributes to the metric, mean over a method's seeds
    of_seeds
        for each method, the metric [S] of each seed
    residual
        [K] seed-by-row mean square of the contributions; 0 for a single run
    stochastic
        [K] whether another seed would give another score at all
    unit
        by how much contributions differ on a row that one method wins (`unit`)
    stated
        standard deviation over seeds to go by if no method has two runs, in the metric's units
    ensembles
        {ensemble: the method whose runs it is the mean of}
    folds
        of a cross-validation
    by_repeat
        [K, R, n] as `of_rows`, in each repeat of the cross-validation
    apart
        [K] whether how much a method varies says nothing of the others; none if None
    """

    metric: str
    methods: list[str]
    of_rows: Floats
    of_seeds: list[Floats]
    residual: Floats
    stochastic: Bools
    unit: float
    stated: float | None = None
    ensembles: Mapping[str, str] = field(default_factory=dict)
    folds: Folds | None = None
    by_repeat: Floats | None = None
    apart: Bools | None = None

    def of(self, places: Sequence[int]) -> "Scores":
        """The methods at some places, in that order."""
        return Scores(
            self.metric,
            [self.methods[i] for i in places],
            self.of_rows[places],
            [self.of_seeds[i] for i in places],
            self.residual[places],
            self.stochastic[places],
            self.unit,
            self.stated,
            self.ensembles,
            self.folds,
            None if self.by_repeat is None else self.by_repeat[places],
            None if self.apart is None else self.apart[places],
        )

    @property
    def mean(self) -> Floats:
        """[K]"""
        return self.of_rows.mean(axis=1)

    @property
    def order(self) -> Ints:
        """[K] places of the methods, best first; of equally good ones in their own order."""
        worse = self.mean if self.metric in ERRORS else -self.mean
        return np.argsort(worse, kind="stable")  # without a score last

    @property
    def seeds(self) -> Ints:
        """[K] runs per method."""
        return np.array([len(own) for own in self.of_seeds])

    @property
    def worth(self) -> int:
        """As many independent rows as those of all methods are worth, at most."""
        n = self.of_rows.shape[1]
        return max(2, round(n / self.folds.factor)) if self.folds else n

    def inflation(self, first: Ints, second: Ints | None = None) -> Floats:
        """[m] by which variances over rows alone, of scores or of differences, are too small.

        Parameters
        ----------
        first, second
            [m] places of methods; of differences first minus second
        """
        if self.folds is None or self.by_repeat is None:
            return np.ones(len(first))
        of = self.by_repeat
        with np.errstate(invalid="ignore"):  # infinite losses
            if second is None:
                return np.array([self.folds.inflation(of[i]) for i in first])
            pairs = zip(first, second, strict=True)
            return np.array([self.folds.inflation(of[i] - of[j]) for i, j in pairs])

    @property
    def shared(self) -> Floats:
        """[K] seed-by-row part of the variance of a mean, which both estimates hold."""
        return self.residual / self.seeds / self.of_rows.shape[1]

    @property
    def variance(self) -> SeedVariance:
        """Over seeds."""
        return self.over_seeds(self.of_seeds)

    def over_seeds(self, of_seeds: Sequence[Floats]) -> SeedVariance:
        """Variance over seeds of other numbers of the same runs, [S] for each method."""
        with np.errstate(invalid="ignore"):  # infinite losses
            own = [each.var(ddof=1) if len(each) > 1 else 0.0 for each in of_seeds]
        like = varying_as(self.methods, self.ensembles)
        known = self.stochastic, self.stated, like, self.apart
        return SeedVariance(np.array(own), self.seeds, *known)

    @property
    def rows_variance(self) -> Floats:
        """[K] part of the variance of a mean that is due to rows alone."""
        # accuracies by p (1 - p) / n, so that a single run has Wilson's interval
        n = self.of_rows.shape[1]
        fewer = n if self.metric == "accuracy" else max(n - 1, 1)
        with np.errstate(invalid="ignore"):  # infinite losses
            found = self.of_rows.var(axis=1) / fewer - self.shared
        return np.maximum(found, 0.0) * self.inflation(np.arange(len(self.methods)))

    @property
    def errors(self) -> Mixture:
        """Of the means, over new seeds and new rows."""
        return Mixture(self.rows_variance, *self.variance.of_means(), self.worth)

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        """(low [K], high [K]) of the means over new seeds and new rows (`intervals.of_metric`).

        Over rows alone if seeds cannot be judged.
        """
        return intervals.of_metric(self.metric, self.mean, self.errors, confidence)


def scores_of(panel: Panel, metric: str, roles: Roles, seed_sd: float | None) -> Scores:
    """One metric of every method of a panel.

    Parameters
    ----------
    metric
        one of `evaluation.SCORES`
    roles
        of the methods, which decide how chance is judged
    seed_sd
        stated standard deviation over seeds, in points (hundredths of the metric), where no method
        has two runs
    """
    blocks = (
        np.stack(
            [Evaluation(each, panel.label).contributions(metric) for each in panel.logits[own]]
        )
        for own in panel.columns.values()
    )
    return made_of(
        metric,
        dict(zip(panel.methods, blocks, strict=True)),
        panel.label,
        panel.stochastic(roles),
        None if seed_sd is None else seed_sd / 100,
        panel.ensembles,
        panel.folds,
        apart(panel.methods, roles),
    )


def made_of(
    metric: str,
    blocks: Mapping[str, Floats],
    label: Ints,
    stochastic: Bools,
    seed_sd: float | None = None,
    ensembles: Mapping[str, str] | None = None,
    folds: Folds | None = None,
    apart: Bools | None = None,
) -> Scores:
    """Make `Scores` of what each row contributes.

    Parameters
    ----------
    blocks
        {method: [seeds, n]}, from `Evaluation.contributions`
    label
        [n]
    stochastic
        [K], in the order of `blocks`
    seed_sd
        stated standard deviation over seeds, in the metric's units
    ensembles
        {ensemble: the method whose runs it is the mean of}
    folds
        of a cross-validation, in which `stochastic` is false for all methods
    apart
        [K] whether how much a method varies says nothing of the others
    """
    of_rows = np.stack([block.mean(axis=0) for block in blocks.values()])
    by_repeat = None
    if folds:
        by_repeat = np.stack([folds.by_repeat(name, block) for name, block in blocks.items()])
    residual = [0.0 if folds else residual_mean_square(block) for block in blocks.values()]
    return Scores(
        metric,
        list(blocks),
        of_rows,
        [block.mean(axis=1) for block in blocks.values()],
        np.array(residual),
        stochastic,
        unit(metric, of_rows, label),
        seed_sd,
        ensembles or {},
        folds,
        by_repeat,
        apart,
    )


def unit(metric: str, of_rows: Floats, label: Ints) -> float:
    """By how much the contributions of two methods differ on a row that one of them wins.

    For the accuracy it is 1: right against wrong. In the other shares each class has the same
    weight, so that a row of class y weighs 1 / (K p_y); of these weights the root mean square over
    rows, times the metric's span. Loss, Brier score and ECE have no such row; it is the
    standard deviation of a method's contributions there.
    """
    if metric == "accuracy":
        return 1.0
    if metric in ERRORS:
        spread = of_rows[np.isfinite(of_rows).all(axis=1)].var(axis=1)
        return float(np.sqrt(spread.mean())) if len(spread) else 0.0
    _, rows = np.unique(label, return_counts=True)
    low, high = BOUNDS[metric]
    return float((high - low) * np.sqrt((len(label) / rows).sum()) / len(rows))


def residual_mean_square(block: Floats) -> float:
    """Seed-by-row mean square of the two-way layout `block` [seeds, n]; 0 for a single run."""
    seeds, n = block.shape
    if min(seeds, n) < 2:
        return 0.0
    with np.errstate(invalid="ignore"):  # infinite losses
        centred = block - block.mean()
        # residual sum of squares = total - rows - seeds
        total = float((centred**2).sum())
        between_rows = seeds * float((centred.mean(axis=0) ** 2).sum())
        between_seeds = n * float((centred.mean(axis=1) ** 2).sum())
    return float(np.maximum(0.0, total - between_rows - between_seeds)) / ((seeds - 1) * (n - 1))


def over_rows(of_squares: Floats, value: Floats, n: int, unit: float, shared: Floats) -> Floats:
    """[m] variance over rows of mean differences `value`, without the part that seeds share.

    `of_squares` [m] is the sum over rows of the squared differences.
    """
    more = n + 2  # two rows added, one won by either
    sum_of_squares = np.maximum(of_squares, 0.0) + 2 * unit**2
    found = (sum_of_squares / more - (value * n / more) ** 2) / more
    return np.maximum(found - shared, found / 3)
