"""Expected calibration error of a few runs: how much of it is chance, and an interval for the rest.

The ECE of a run (`metrics.gaps`) is T = Σ_b w_b |right_b / n_b - confidence_b| over bins. Sizes of
noisy gaps add up, so T is far above 0 for a perfectly calibrated model, too. What it would be on
average, and how much it varies, if bin b were right with probability p_b is known exactly: right_b is
binomial (De Moivre's mean absolute deviation).

Hypotheses "the true calibration error is θ" are tested for all θ ≥ 0. Of all ways in which the bins
may share an error θ, the one that fits best is taken: gaps are shrunk towards 0 by a soft threshold
(the maximum of a normal likelihood under a limit on Σ w|gap|) or, for a θ above T, stretched. From
these hypotheses (as in Chuang & Lai 2000, "Hybrid resampling methods for confidence intervals",
without resampling)

- p: how often a calibrated model (θ = 0) has such a T (the consistency test of Bröcker & Smith 2007,
  "Increasing the reliability of reliability diagrams", in closed form);
- debiased: the θ at which T is what one expects; 0 where even a calibrated model has more;
- interval: the θ that are not rejected, in the order of Feldman & Cousins (1998, "Unified approach to
  the classical statistical analysis of small signals"), which passes from a one-sided test at the
  edge θ = 0 to a two-sided one. It holds 0 where p is at least 1 - confidence.

The seeds of a method share their rows, and each has its own error: variances add up as in `paired`.
At θ = 0 another seed has no other error, so the part from seeds is at most θ² there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special, stats

from finetone.statistics.covariance import shared
from finetone.statistics.metrics import Bools, Floats, Ints, equal_mass
from finetone.statistics.mixture import Mixture
from finetone.statistics.moderation import SeedVariance

NODES = 48  # values of θ that are tried
REACH = 10.0  # standard errors around T in which they are


@dataclass(frozen=True)
class Bins:
    """Rows of one or several runs in bins of equal confidence, and T = Σ weight · |gap|.

    Parameters
    ----------
    n, right
        [b] rows in each bin, and how many of them are predicted rightly
    stated
        [b] mean confidence in the predicted class
    runs
        how many runs the bins are of
    """

    n: Ints
    right: Floats
    stated: Floats
    runs: int = 1

    @classmethod
    def of(cls, confidence: Floats, correct: Bools) -> "Bins":
        """Bin the rows of one run by `confidence` [n] in the predicted class."""
        starts, order = equal_mass(confidence)
        n = np.diff(np.append(starts, len(order)))
        right = np.add.reduceat(correct[order].astype(np.float64), starts)
        stated = np.add.reduceat(confidence[order].astype(np.float64), starts) / n
        return cls(n, right, np.minimum(stated, 1 - 1e-9))

    @classmethod
    def together(cls, runs: Sequence["Bins"]) -> "Bins":
        """The bins of several runs, whose T is the mean of theirs."""
        return cls(
            np.concatenate([each.n for each in runs]),
            np.concatenate([each.right for each in runs]),
            np.concatenate([each.stated for each in runs]),
            len(runs),
        )

    @property
    def rows(self) -> int:
        """Rows of one run."""
        return int(self.n.sum()) // self.runs

    @property
    def weight(self) -> Floats:
        """[b] share of each bin in T."""
        return self.n / self.n.sum()

    @property
    def error(self) -> float:
        """T, the expected calibration error as it is seen."""
        return float(self.weight @ np.abs(self.right / self.n - self.stated))


@dataclass(frozen=True)
class Hypotheses:
    """What T would be for several true calibration errors θ, the first of which is 0.

    Parameters
    ----------
    error
        [g] θ, ascending
    expected, variance, skewness
        [g] of the T of one run over new rows
    """

    error: Floats
    expected: Floats
    variance: Floats
    skewness: Floats

    @classmethod
    def about(cls, bins: Bins) -> "Hypotheses":
        """Those worth trying for what is seen in `bins`."""
        n, stated, weight, seen = bins.n, bins.stated, bins.weight, bins.error
        gap = bins.right / n - stated
        kept = (bins.right + stated) / (n + 1)
        noise = (stated * (1 - stated) + kept * (1 - kept)) / 2
        # that of a mean over runs is smaller, but shown by them together
        scale = bins.runs * (weight**2 * kept * (1 - kept) / n).sum()
        scale = np.sqrt(scale + weight @ (np.abs(gap) - seen) ** 2 / bins.rows)
        wanted = np.linspace(max(0.0, seen - REACH * scale), min(1.0, seen + REACH * scale), NODES)
        wanted = np.unique(np.append(0.0, wanted))
        per_unit = noise / (weight @ noise)
        limits = np.abs(gap) / per_unit
        tried = [
            *(np.linspace(0, 1, 64) * np.sort(limits)[len(limits) // 2], limits),
            *(np.linspace(0, 1, 64) * limits.max(), -np.geomspace(1e-4, 4 * REACH, 128) * scale),
        ]
        thresholds = np.unique(np.concatenate(tried))[::-1, None]
        side = np.where(gap == 0, -1.0, np.sign(gap))

        def shares(threshold: Floats) -> Floats:
            size = np.maximum(np.abs(gap) - threshold * per_unit, 0)
            return np.clip(stated + side * size, 0.0, 1.0)

        reached = np.abs(shares(thresholds) - stated) @ weight
        found = shares(np.interp(wanted, reached, thresholds[:, 0])[:, None])
        found[0] = stated
        error = np.abs(found - stated) @ weight
        # a bin that is right throughout is not sure to be: one row more, as often right as stated
        p = found + (stated - found) / (n + 1)
        first = _mean_distance(n, stated, p)
        second = p * (1 - p) / n + (p - stated) ** 2
        third = _normal_third(p - stated, np.sqrt(p * (1 - p) / n))
        expected = error + (first - np.abs(p - stated)) @ weight
        own = bins.runs * (second - first**2) @ weight**2
        variance = own + (np.abs(found - stated) - error[:, None]) ** 2 @ weight / bins.rows
        with np.errstate(invalid="ignore", divide="ignore"):
            skewness = bins.runs**2 * (third @ weight**3) / variance**1.5
        return cls(error, expected, variance, np.where(variance > 0, skewness, 0.0))


def _mean_distance(n: Ints, stated: Floats, p: Floats) -> Floats:
    """E |X/n - stated| of a binomial X (n, p)."""
    at = n * stated
    whole = np.floor(at)
    below, below_less = stats.binom.cdf(whole, n, p), stats.binom.cdf(whole - 1, n - 1, p)
    found: Floats = p - stated + 2 * (stated * below - p * below_less)
    return found


def _normal_third(mean: Floats, sd: Floats) -> Floats:
    """Third central moment of |X| for a normal X."""
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(sd > 0, np.abs(mean) / sd, np.inf)
    z = np.minimum(z, 30.0)
    density, inside = np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2), special.erf(z / np.sqrt(2))
    first = density + z * inside
    third = density * (2 + z**2) + z * (z**2 + 3) * inside
    found: Floats = (third - 3 * first * (1 + z**2) + 2 * first**3) * sd**3
    return found


@dataclass(frozen=True)
class Runs:
    """Calibration of the runs of one method on the same rows.

    Parameters
    ----------
    bins
        of each run
    shared
        the part of the variance over rows that all runs have in common
    """

    bins: Sequence[Bins]
    shared: float

    @classmethod
    def of(cls, confidence: Floats, correct: Bools) -> "Runs":
        """`confidence` in the predicted class and `correct` [S, n]."""
        gap: Floats = correct - confidence.astype(np.float64)
        gap -= gap.mean(axis=1, keepdims=True)
        products = gap @ gap.T
        alone = float(np.diag(products).mean())
        part = shared(products) / alone if alone > 0 else 1.0
        return cls([Bins.of(*run) for run in zip(confidence, correct, strict=True)], part)

    @cached_property
    def errors(self) -> Floats:
        """[S] ECE of each run."""
        return np.array([each.error for each in self.bins])

    @cached_property
    def hypotheses(self) -> Hypotheses:
        """Of all runs together."""
        return Hypotheses.about(Bins.together(self.bins))


@dataclass(frozen=True)
class Calibration:
    """What is known of the calibration of one method.

    Parameters
    ----------
    ece
        mean over its runs
    expected
        what that would be for a calibrated model that is as sure
    debiased, low, high
        the true error, and the interval for it over new rows and new seeds
    p
        of a test of perfect calibration
    """

    ece: float
    expected: float
    debiased: float
    low: float
    high: float
    p: float


def assess(methods: Sequence[Runs], stochastic: Bools, confidence: float) -> list[Calibration]:
    """Assess the calibration of methods on the same rows; seeds are judged together (`moderation`).

    Parameters
    ----------
    stochastic
        [K] whether another seed would give another error at all
    """
    seeds = np.array([len(runs.bins) for runs in methods])
    own = [runs.errors.var(ddof=1) if len(runs.bins) > 1 else 0.0 for runs in methods]
    variance = SeedVariance(np.array(own), seeds, stochastic)
    between, df = variance.of_sums(np.diag(1 / seeds))
    return [
        _assess(runs, float(of_seeds), float(freedom), confidence)
        for runs, of_seeds, freedom in zip(methods, between, df, strict=True)
    ]


def _assess(runs: Runs, of_seeds: float, df: float, confidence: float) -> Calibration:
    """`of_seeds`: variance of the mean due to seeds, and to seeds by rows, with its `df`."""
    tried, s, seen = runs.hypotheses, len(runs.bins), float(runs.errors.mean())
    rows = runs.shared * tried.variance
    most = (tried.error**2 + tried.variance - rows) / s
    seeds = np.minimum(of_seeds, most) if of_seeds > 0 else (tried.variance - rows) / s
    known = np.where(of_seeds < most, df, np.inf)
    errors = Mixture(rows, seeds, known, runs.bins[0].rows)
    p = _p(tried, errors, seen)
    debiased = float(np.interp(seen, tried.expected, tried.error))
    held = np.flatnonzero(p >= 1 - confidence)
    if not len(held):  # between two of those tried
        held = np.array([int(np.argmin(np.abs(tried.error - debiased)))])
    level = stats.norm.isf((1 - confidence) / 2)
    with np.errstate(divide="ignore"):
        score = np.minimum(stats.norm.isf(p / 2), 40.0)  # nearly straight on either side

    def end(inside: int, outside: int) -> float:
        if not 0 <= outside < len(p) or score[outside] <= score[inside]:
            return float(tried.error[inside])
        part = np.clip((level - score[inside]) / (score[outside] - score[inside]), 0.0, 1.0)
        return float(tried.error[inside] + part * (tried.error[outside] - tried.error[inside]))

    low, high = end(held[0], held[0] - 1), end(held[-1], held[-1] + 1)
    low, high = min(low, debiased), max(high, debiased)
    return Calibration(seen, float(tried.expected[0]), debiased, low, high, float(p[0]))


def _p(tried: Hypotheses, errors: Mixture, seen: float) -> Floats:
    """[g] p of each hypothesis in the order of Feldman & Cousins.

    With x for the distance of T from what a calibrated model has, and μ for that of what is expected
    under θ (≥ 0), both in standard errors, an x is the less likely against the best θ ≥ 0 the larger
    d is: |x - μ|, or √(μ² - 2xμ) for a negative x, whose best θ is 0. The x on the other side that
    is as unlikely is μ ∓ d, or, where that is negative, (μ² - d²) / 2μ.
    """
    scale = errors.error
    with np.errstate(invalid="ignore", divide="ignore"):
        away = np.where(scale > 0, (seen - tried.expected) / scale, 0.0)
        off = np.where(scale > 0, np.maximum(tried.expected - tried.expected[0], 0.0) / scale, 0.0)
    away = np.clip(away, -30.0, 30.0)
    away = away - tried.skewness * (np.minimum(away**2, 9.0) - 1) / 6  # Cornish & Fisher 1938
    x = off + away
    distance = np.where(x >= 0, np.abs(away), np.sqrt(np.maximum(off**2 - 2 * x * off, 0.0)))
    with np.errstate(invalid="ignore", divide="ignore"):
        other = (off**2 + distance**2) / (2 * off)
    other = np.where(distance <= off, distance, other)
    below = np.where(off > 0, errors.p(np.where(off > 0, other, 0.0) * scale) / 2, 0.0)
    found = errors.p(distance * scale) / 2 + below
    # a calibrated model is tested on one side: no T is too small
    alone = errors.p(np.abs(x) * scale) / 2
    return np.where(off > 0, found, np.where(x >= 0, alone, 1 - alone))
