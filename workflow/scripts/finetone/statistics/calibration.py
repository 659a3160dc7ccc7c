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
from scipy import stats

from finetone.statistics.hypotheses import HALF_NORMAL, Bins, Hypotheses
from finetone.statistics.metrics import Bools, Floats, Ints, gaps
from finetone.statistics.variance.covariance import shared
from finetone.statistics.variance.mixture import Mixture
from finetone.statistics.variance.moderation import SeedVariance


@dataclass(frozen=True)
class Runs:
    """Calibration of the runs of one method on the same rows.

    Parameters
    ----------
    bins
        of each run
    alike, together
        correlation over rows of two runs' gaps, and of what rows contribute to T; 1 for one run
    """

    bins: Sequence[Bins]
    alike: float
    together: float

    @classmethod
    def of(cls, confidence: Floats, correct: Bools) -> "Runs":
        """`confidence` in the predicted class and `correct` [S, n]."""
        runs = list(zip(confidence, correct, strict=True))
        plain: Floats = correct - confidence.astype(np.float64)
        signed = np.stack([gaps(*run) for run in runs])
        return cls([Bins.of(*run) for run in runs], _alike(plain), _alike(signed))

    def common(self, clear: Floats) -> Floats:
        """[g] part of the variance of T that all runs have in common; `clear` as in `Hypotheses`.

        Where signs are chance, T is of sizes of gaps around 0, which have less in common than the
        gaps themselves; where signs are clear, it is of the gaps with their signs.
        """
        part = self.alike
        sizes = 2 / np.pi * (np.sqrt(1 - part**2) + part * np.arcsin(part) - 1) / HALF_NORMAL
        found: Floats = sizes + clear * (self.together - sizes)
        return found

    @cached_property
    def errors(self) -> Floats:
        """[S] ECE of each run."""
        return np.array([each.error for each in self.bins])

    @cached_property
    def hypotheses(self) -> Hypotheses:
        """Of all runs together."""
        return Hypotheses.about(Bins.together(self.bins))


def _alike(values: Floats) -> float:
    """Mean correlation, at least 0, of the rows of [S, n]; 1 for a single run."""
    away = values - values.mean(axis=1, keepdims=True)
    products = away @ away.T
    alone = float(np.diag(products).mean())
    return min(shared(products) / alone, 1.0) if alone > 0 else 1.0


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


def assess(
    methods: Sequence[Runs],
    stochastic: Bools,
    confidence: float,
    like: Ints | None = None,
    apart: Bools | None = None,
) -> list[Calibration]:
    """Assess the calibration of methods on the same rows; seeds are judged together (`moderation`).

    Parameters
    ----------
    stochastic
        [K] whether another seed would give another error at all
    like
        [K] place of the method whose variance over seeds each goes by
    apart
        [K] whether how much a method varies says nothing of the others; none if None
    """
    seeds = np.array([len(runs.bins) for runs in methods])
    own = [runs.errors.var(ddof=1) if len(runs.bins) > 1 else 0.0 for runs in methods]
    variance = SeedVariance(np.array(own), seeds, stochastic, None, like, apart)
    between, df = variance.of_sums(np.diag(1 / seeds))
    return [
        _assess(runs, float(of_seeds), float(freedom), confidence)
        for runs, of_seeds, freedom in zip(methods, between, df, strict=True)
    ]


def _assess(runs: Runs, of_seeds: float, df: float, confidence: float) -> Calibration:
    """`of_seeds`: variance of the mean due to seeds, and to seeds by rows, with its `df`."""
    tried, s, seen = runs.hypotheses, len(runs.bins), float(runs.errors.mean())
    rows = runs.common(tried.clear) * tried.variance
    least = (tried.variance - rows) / s  # chance of rows alone makes seeds differ so much
    most = least + tried.error**2 / s
    seeds = np.clip(of_seeds, least, most)
    known = np.where((least < of_seeds) & (of_seeds < most), df, np.inf)
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
