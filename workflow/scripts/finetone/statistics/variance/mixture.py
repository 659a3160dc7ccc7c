"""Tests and intervals for a number whose error has two sources, one of them hardly known.

The error is normal with variance v_row + v_seed, where v_seed is an estimate with few degrees of
freedom. Given the estimate, the true seed part is taken as v_seed · df / χ²(df): its fiducial
distribution, as in the Behrens-Fisher solution, which errs on the safe side. (Satterthwaite's t
for the sum does not: when the estimated seed part is small by chance, its uncertainty vanishes.)
So a tail probability is the normal one, averaged over χ²(df):

    p(x) = E [ 2 Φ(-x / √(v_row + v_seed · df / χ²)) ]

The row part is an estimate, too; where rows are few, it is averaged over χ²(n - 1) likewise.

For all pairs of K methods the normal tail is replaced by that of the *range* of K normal
variables, R_K(√2 x / √…): the studentized range of Tukey's test, in its form for unequal variances
(Games & Howell 1976). p is then adjusted for all pairs, and the interval that such a p excludes 0
from is simultaneous: with the stated confidence all of them hold at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from scipy import special, stats
from scipy.optimize.elementwise import find_root

from finetone.statistics.metrics import Floats, Ints

MANY_ROWS = 200  # from here on the row part counts as known
WIDEST = 40.0  # standard errors; beyond, the tail is nothing that a float can hold
AT_ONCE = 500  # numbers, to limit memory
GRID = np.linspace(0.0, WIDEST, 8001)


def _quantile_nodes(fine: int) -> tuple[Floats, Floats]:
    """Probabilities and weights to average over a distribution with.

    Dense in the lower tail, where a χ² near zero makes the error large.
    """
    edges = np.concatenate([[0.0], np.geomspace(1e-9, 0.02, fine), np.linspace(0.02, 1, fine)[1:]])
    return (edges[1:] + edges[:-1]) / 2, np.diff(edges)


@cache
def _log_range_tail(methods: int) -> Floats:
    """log P(range of `methods` ≥ 2 standard normal variables > √2 · x) for x in GRID."""
    pair = np.log(2) + stats.norm.logsf(GRID)
    if methods == 2:
        return np.minimum(pair, 0.0)
    z = np.linspace(-9.0, 9.0, 361)  # plenty: sums of such smooth functions converge at once
    density = stats.norm.pdf(z) * (z[1] - z[0])
    shift = np.sqrt(2) * GRID[:, None]
    inside = special.ndtr(-z) - special.ndtr(-z - shift)
    tail = 1 - methods * (density * inside ** (methods - 1)).sum(axis=1)
    # where the integral has lost its digits, Bonferroni's bound, which is sharp there
    bound = np.log(methods * (methods - 1) / 2) + pair
    with np.errstate(invalid="ignore", divide="ignore"):
        exact = np.where(tail > 1e-9, np.log(np.maximum(tail, 1e-300)), bound)
    return np.minimum(np.maximum(exact, pair), np.minimum(bound, 0.0))


@dataclass(frozen=True)
class Mixture:
    """Errors of m numbers.

    Parameters
    ----------
    rows
        [m] variance from test rows
    seeds
        [m] variance from seeds
    df
        [m] degrees of freedom of `seeds`; infinite where it is known
    n
        rows tested on
    """

    rows: Floats
    seeds: Floats
    df: Floats
    n: int

    @property
    def error(self) -> Floats:
        """[m] standard error."""
        return np.sqrt(self.rows + self.seeds)

    @cached_property
    def _scales(self) -> tuple[Floats, Floats]:
        """(possible standard errors [m, nodes], weights [nodes])."""
        few = self.n < MANY_ROWS
        u, weight = _quantile_nodes(20 if few else 48)
        df = np.clip(self.df, 0.1, 1e6)[:, None]  # from a million on it counts as known
        distinct, which = np.unique(df, return_inverse=True)  # most share theirs
        drawn = stats.chi2.ppf(u, distinct[:, None])[which.ravel()]
        seeds = self.seeds[:, None] * df / drawn
        if not few:
            return np.sqrt(self.rows[:, None] + seeds), weight
        left = max(self.n - 1, 1)
        rows = self.rows[:, None] * left / stats.chi2.ppf(u, left)
        both = rows[:, :, None] + seeds[:, None, :]
        return np.sqrt(both.reshape(len(df), len(u) ** 2)), np.outer(weight, weight).ravel()

    def p(self, value: Floats, methods: int = 2) -> Floats:
        """[m] two-sided p of `value` [m] against 0, adjusted for all pairs of `methods` methods.

        Never 0; 1 where the value is 0.
        """
        return self._p(np.abs(value), np.arange(len(self.rows)), methods)

    def _p(self, distance: Floats, chosen: Ints, methods: int) -> Floats:
        """[c] p of a distance [c] from 0 of the numbers at the places `chosen` [c]."""
        scales, weight = self._scales
        with np.errstate(invalid="ignore", divide="ignore"):
            x = np.where(distance[:, None] > 0, distance[:, None] / scales[chosen], 0.0)
        tail = np.exp(np.interp(np.minimum(x, WIDEST), GRID, _log_range_tail(max(methods, 2))))
        return np.clip(tail @ weight, np.finfo(float).tiny, 1.0)

    def half_width(self, confidence: float, methods: int = 2) -> Floats:
        """[m] half of the interval around a number; for `methods` > 2 simultaneous over all pairs.

        As wide as the number may be off by with p = 1 - confidence; 0 where it has no error.
        """
        chosen = np.flatnonzero(self.error > 0)
        half = np.zeros_like(self.error)
        if len(chosen):
            level, error = np.log(1 - confidence), self.error

            def above(log_errors: Floats, place: Ints) -> Floats:
                return np.log(self._p(np.exp(log_errors) * error[place], place, methods)) - level

            ends = np.full(len(chosen), np.log(0.1)), np.full(len(chosen), np.log(1e5))
            found = find_root(above, ends, args=(chosen,), tolerances={"xrtol": 1e-9})
            half[chosen] = np.exp(found.x) * error[chosen]
        return half


def half_widths(several: Sequence[Mixture], confidence: float) -> Floats:
    """Half widths [Σ m] of the numbers of several mixtures, one after the other.

    As `half_width` of each; those of equally many rows are searched for together, for with a thousand
    classes one search for each would take minutes.
    """
    rows, seeds, df = (
        np.concatenate([getattr(each, name) for each in several])
        for name in ("rows", "seeds", "df")
    )
    n = np.concatenate([np.full(len(each.rows), min(each.n, MANY_ROWS)) for each in several])
    half = np.zeros(len(n))
    for alike in np.unique(n):
        chosen = np.flatnonzero(n == alike)
        for part in np.array_split(chosen, -(-len(chosen) // AT_ONCE)):
            half[part] = Mixture(rows[part], seeds[part], df[part], int(alike)).half_width(
                confidence
            )
    return half
