"""Learning curves of several methods on the same test rows, and what follows from them.

A curve has a mean score for each number of training rows. Its errors are of two kinds, as everywhere
(`scores`): the test rows, which all methods and all numbers share, so that these errors are drawn
jointly; and the seeds, each of which has training rows of its own, so that what another choice of
labelled rows would change is among them. Whatever is derived from the curves is computed for many
draws of their errors, and its interval is of the percentiles of the results.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finetone.comparison.scores import Scores
from finetone.seeds import derive
from finetone.statistics.evaluation import BOUNDS, ERRORS
from finetone.statistics.metrics import Floats, Ints
from finetone.statistics.power_law import PARAMETERS, PowerLaw, excess, fit

DRAWS = 1000
PART = 50  # draws at once, to limit memory
MOST_DF = 1e6  # from here on a variance counts as known


@dataclass(frozen=True)
class Curves:
    """Curves of K methods.

    Attributes
    ----------
    metric
        One of `evaluation.SCORES`.
    methods
        [K] names.
    rows
        [m] numbers of training rows, ascending.
    scores
        [K, m]; NaN where a method was not trained with so many.
    variances
        [K, m] of the scores, over new seeds, new training rows and new test rows.
    draws
        [D, K, m] the scores with errors drawn.
    """

    metric: str
    methods: list[str]
    rows: Floats
    scores: Floats
    variances: Floats
    draws: Floats

    @property
    def sign(self) -> int:
        """-1 where lower is better."""
        return -1 if self.metric in ERRORS else 1

    def law(self, method: str) -> "Fitted | None":
        """The power law of a method's curve; None with fewer than three different numbers of rows."""
        own = self.methods.index(method)
        there = np.isfinite(self.scores[own])
        if len(np.unique(self.rows[there])) < PARAMETERS:
            return None
        rows, scores = self.rows[there], self.sign * self.scores[own, there]
        low, high = BOUNDS[self.metric]
        best = high if self.sign > 0 else -low
        # an error of exactly 0, of scores that are all 0 or 1, would outweigh all others
        variances = np.maximum(self.variances[own, there], 1e-8)
        law = fit(rows, scores[None, :], 1 / variances, best)
        wider = excess(rows, scores, variances, law) ** 0.5
        drawn = self.sign * self.draws[:, own, there]
        drawn = scores + wider * (drawn - scores)
        return Fitted(law, fit(rows, drawn, 1 / variances, best), rows, self.sign)

    def crossing(self, first: str, second: str) -> "Crossing | None":
        """Where the better one of two methods changes; None if it does not, as measured."""
        a, b = (self.methods.index(name) for name in (first, second))
        there = np.isfinite(self.scores[a]) & np.isfinite(self.scores[b])
        if there.sum() < 2:
            return None
        rows = self.rows[there]
        measured = self.sign * (self.scores[a, there] - self.scores[b, there])
        at = _crossings(rows, measured[None, :])[0]
        if not np.isfinite(at):
            return None
        drawn = self.sign * (self.draws[:, a, :][:, there] - self.draws[:, b, :][:, there])
        found = _crossings(rows, drawn)
        few, many = (
            (first, second) if measured[np.flatnonzero(measured)[0]] > 0 else (second, first)
        )
        return Crossing(few, many, float(at), found)


@dataclass(frozen=True)
class Fitted:
    """A law and how far it may be off.

    Attributes
    ----------
    law
        Of the scores.
    draws
        Of the scores with errors drawn.
    rows
        [m] numbers of rows of the points that it was fitted to.
    sign
        -1 where lower is better, for which the law is of the negative.
    """

    law: PowerLaw
    draws: PowerLaw
    rows: Floats
    sign: int

    def score(self, rows: float, confidence: float) -> tuple[float, float, float]:
        """The expected score with so many rows, with its interval."""
        return self._with_interval(self.law.at(rows)[0], self.draws.at(rows), confidence, self.sign)

    def gain(self, more: float, confidence: float) -> tuple[float, float, float]:
        """What so many more rows than at the last point add, with its interval; positive is better."""
        now = self.rows[-1]
        gain, drawn = self.law.gain(now, more)[0], self.draws.gain(now, more)
        return self._with_interval(gain, drawn, confidence, 1)

    def limit(self, confidence: float) -> tuple[float, float, float]:
        """The score with any number of rows, with its interval."""
        return self._with_interval(self.law.limit[0], self.draws.limit, confidence, self.sign)

    def exponent(self, confidence: float) -> tuple[float, float, float]:
        """The exponent, with its interval."""
        return self._with_interval(self.law.exponent[0], self.draws.exponent, confidence, 1)

    def _with_interval(
        self, value: float, drawn: Floats, confidence: float, sign: int
    ) -> tuple[float, float, float]:
        low, high = np.sort(sign * np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2]))
        return float(sign * value), float(low), float(high)


@dataclass(frozen=True)
class Crossing:
    """Where two curves cross.

    Attributes
    ----------
    few, many
        The method that is better with fewer rows, and with more.
    rows
        Where the measured curves cross, read off between their points.
    draws
        [D] where those with errors drawn do; NaN where they do not.
    """

    few: str
    many: str
    rows: float
    draws: Floats

    @property
    def share(self) -> float:
        """Share of the draws that cross at all between the first and the last point."""
        return float(np.isfinite(self.draws).mean())

    def interval(self, confidence: float) -> tuple[float, float]:
        """Of the draws that cross."""
        tails = [(1 - confidence) / 2, (1 + confidence) / 2]
        low, high = np.quantile(self.draws[np.isfinite(self.draws)], tails)
        return float(low), float(high)


def curves_of(scores: Sequence[Scores], rows: Sequence[int], seed: int) -> Curves:
    """Curves from the scores at each number of training rows.

    Parameters
    ----------
    scores
        [m] of the methods that were trained with so many rows, on the same test rows.
    rows
        [m] numbers of training rows, ascending.
    seed
        Of the draws.
    """
    methods = list(dict.fromkeys(name for each in scores for name in each.methods))
    shape = len(methods), len(rows)
    means, of_seeds, df = (np.full(shape, fill) for fill in (np.nan, 0.0, np.inf))
    n = scores[0].of_rows.shape[1]
    centred, places = np.zeros((shape[0] * shape[1], n)), []
    for column, each in enumerate(scores):
        own: Ints = np.array([methods.index(name) for name in each.methods])
        means[own, column] = each.mean
        with np.errstate(invalid="ignore"):
            variance, freedom = each.variance.of_means()
        of_seeds[own, column], df[own, column] = np.nan_to_num(variance), freedom
        flat = own * shape[1] + column
        # in a cross-validation rows are worth less than they seem
        wider = np.sqrt(each.inflation(np.arange(len(own))))
        centred[flat] = (each.of_rows - each.mean[:, None]) * wider[:, None]
        places += flat.tolist()
    usable = np.isfinite(centred).all(axis=1)
    centred[~usable] = 0.0
    means.ravel()[~usable] = np.nan
    generator = np.random.default_rng(derive(seed, "learning curve"))
    by_rows = np.concatenate(
        [generator.standard_normal((part, n)) @ centred.T / n for part in (PART,) * (DRAWS // PART)]
    )
    df = np.minimum(df, MOST_DF)
    scales = df / generator.chisquare(df, (DRAWS, *shape))
    by_seeds = np.sqrt(of_seeds * scales) * generator.standard_normal((DRAWS, *shape))
    return Curves(
        metric=scores[0].metric,
        methods=methods,
        rows=np.array(rows, dtype=float),
        scores=means,
        variances=(centred**2).mean(axis=1).reshape(shape) / n + of_seeds,
        draws=means + by_rows.reshape(DRAWS, *shape) + by_seeds,
    )


def _crossings(rows: Floats, differences: Floats) -> Floats:
    """[D] where differences [D, m] change their sign first, on a logarithmic scale; NaN if never.

    Where they are 0, the method that was ahead before still is: after a tie at some number of rows the
    other one takes the lead there.
    """
    ahead = np.sign(differences)
    for place in range(1, len(rows)):
        tied = ahead[:, place] == 0
        ahead[tied, place] = ahead[tied, place - 1]
    before, after = differences[:, :-1], differences[:, 1:]
    changes = ahead[:, :-1] * ahead[:, 1:] < 0
    first = changes.argmax(axis=1)
    each = np.arange(len(differences))
    left, right = before[each, first], after[each, first]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = left / (left - right)
    low, high = np.log(rows[:-1])[first], np.log(rows[1:])[first]
    found: Floats = np.where(changes.any(axis=1), np.exp(low + share * (high - low)), np.nan)
    return found
