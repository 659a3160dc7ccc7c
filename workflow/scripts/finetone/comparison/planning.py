"""How many seeds and test rows would settle a difference between two methods.

What is known of the methods now is taken apart into a variance over seeds, over rows, and of seed by
row (see `paired`), and put together again for other numbers of seeds and rows. With a, b and e for
the variances of a typical method's score over seeds, of the two best methods' difference over rows,
and of one run on one row, a difference of two methods with S seeds each on n rows has the variance

    b/n + 2 (a + e/n) / S

More rows leave 2a/S and more seeds leave b/n, so either alone may never be enough.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from finetone.comparison.paired import Pairs
from finetone.comparison.power import POWER, Design
from finetone.comparison.scores import Scores
from finetone.statistics.metrics import Floats

MOST_SEEDS = 100
# two significant digits are all that a plan is good for
ROWS = [digits * 10**power for power in range(1, 6) for digits in range(10, 100)] + [10**7]


@dataclass(frozen=True)
class Components:
    """What the variance of K methods' scores is made of.

    Parameters
    ----------
    own, moderated
        [K] variance over seeds of a run's score if there were no end of rows, by the method alone
        (NaN for fewer than two runs) and judged with the other methods (NaN where nothing is known)
    df
        [K] degrees of freedom of `moderated`; infinite where it is stated or there is no chance
    rows
        [K] variance over rows of what a row contributes to the score, whatever the seed
    residual
        [K] variance of one run on one row beyond that
    """

    own: Floats
    moderated: Floats
    df: Floats
    rows: Floats
    residual: Floats


def components(scores: Scores) -> Components:
    """Take the variance of every method's score apart."""
    n = scores.of_rows.shape[1]
    variance = scores.variance
    moderated, df = variance.of_sums(np.eye(len(scores.methods)))
    with np.errstate(invalid="ignore"):
        own = np.where(variance.measured > 0, variance.own, np.nan)
        own = np.where(scores.stochastic, own, 0.0)
        moderated = np.where(variance.known | ~scores.stochastic, moderated, np.nan)
        twice = scores.residual / n
        return Components(
            np.maximum(own - twice, 0.0),
            np.maximum(moderated - twice, 0.0),
            np.where(scores.stochastic, df, np.inf),
            scores.rows_variance * n,
            scores.residual,
        )


@dataclass(frozen=True)
class Planner:
    """The difference of the two best methods, for any number of seeds and rows.

    Parameters
    ----------
    of_seeds
        variance over seeds of a typical method's score if there were no end of rows
    of_rows
        variance over rows of the difference row by row
    residual
        variance of one run on one row beyond both
    methods, stochastic
        how many there are, and how many of them draw random numbers
    controls
        how many of these vary in a way that says nothing of the others
    certain
        whether `of_seeds` is stated
    confidence
        of the test
    """

    of_seeds: float
    of_rows: float
    residual: float
    methods: int
    stochastic: int
    controls: int
    certain: bool
    confidence: float

    @property
    def least_seeds(self) -> int:
        """Without a second seed nothing is known, unless it is stated."""
        return 1 if self.certain or not self.stochastic else 2

    def design(self, seeds: int, rows: int) -> Design:
        """Two methods among all; those that draw random numbers have `seeds` runs."""
        place = np.arange(self.methods)
        drawing = place < self.stochastic
        apart = drawing & (place >= self.stochastic - self.controls)
        runs = np.where(drawing, seeds, 1)
        pair = (place < 2) / runs
        variance = self.of_seeds + self.residual / rows
        over_rows = np.array([self.of_rows / rows])
        return Design(
            over_rows, pair[None], runs, drawing, variance, self.certain, rows, self.methods, apart
        )

    def power(self, difference: float, seeds: int, rows: int) -> float:
        """Probability that a true difference is found."""
        return float(self.design(seeds, rows).power(difference, self.confidence)[0])

    def seeds(self, difference: float, rows: int) -> int | None:
        """Seeds of every method to find a difference on so many rows; None if that cannot be."""
        if not self.stochastic:
            return None
        return self._least(
            range(self.least_seeds, MOST_SEEDS + 1), difference, lambda seeds: (seeds, rows)
        )

    def rows(self, difference: float, seeds: int) -> int | None:
        """Test rows to find a difference with so many seeds; None if that cannot be."""
        return self._least(ROWS, difference, lambda rows: (seeds, rows))

    def both(self, difference: float, seeds: int, rows: int) -> tuple[int, int] | None:
        """(seeds, rows) to find a difference, as many times more of one as of the other.

        Parameters
        ----------
        seeds, rows
            those to start from
        """
        found = self._least(
            range(self.least_seeds, MOST_SEEDS + 1),
            difference,
            lambda more: (more, max(2, rows * more // seeds)),
        )
        if found is None or (needed := self.rows(difference, found)) is None:
            return None
        return found, needed

    def _least(
        self, choices: Sequence[int], difference: float, plan: Callable[[int], tuple[int, int]]
    ) -> int | None:
        place = bisect_left(
            choices, True, key=lambda each: self.power(difference, *plan(each)) >= POWER
        )
        return choices[place] if place < len(choices) else None


def planner(scores: Scores, pairs: Pairs, confidence: float) -> Planner | None:
    """What a comparison of the two best methods promises, if they vary over seeds as all do.

    None if nothing is known of seeds, or fewer than two methods have a score.

    Parameters
    ----------
    pairs
        from `paired.compare(scores)`
    """
    two = {scores.methods[place] for place in scores.order[:2]}
    pair = [place for place, names in enumerate(pairs.names) if two == set(names)]
    if not pairs.known[pair].any():
        return None
    n = scores.of_rows.shape[1]
    pooled, df = scores.variance.pooled
    alone = np.zeros(len(scores.methods), bool) if scores.apart is None else scores.apart
    several = scores.variance.pool > 0
    residual = float(scores.residual[several].mean()) if several.any() else 0.0
    drawing = scores.stochastic & np.isfinite(scores.mean)
    return Planner(
        max(0.0, pooled - residual / n),
        float(pairs.design.rows[pair[0]]) * n,
        residual,
        pairs.methods,
        int(drawing.sum()),
        int((drawing & alone).sum()),
        bool(np.isinf(df)),
        confidence,
    )
