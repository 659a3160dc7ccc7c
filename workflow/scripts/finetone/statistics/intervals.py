"""Confidence intervals for proportions and means.

Every function takes the confidence level in (0, 1) and returns (low, high).
"""

from typing import Literal

import numpy as np
from scipy import stats

from finetone.statistics.evaluation import BOUNDS
from finetone.statistics.metrics import Floats
from finetone.statistics.variance.mixture import Mixture

Interval = tuple[float, float]
Shape = Literal["share", "skewed", "symmetric"]
SHAPES: dict[str, Shape] = {"loss": "skewed", "ece": "symmetric"}  # of metrics; others are shares


def bounded(name: str) -> list[str]:
    """The three columns of a number with its interval (or quartiles)."""
    return [name, f"{name}_low", f"{name}_high"]


def wilson(correct: float, n: float, confidence: float) -> Interval:
    """Score interval for a proportion (Wilson 1927): near-nominal coverage, inside [0, 1]."""
    return score(correct / n, n, float(stats.norm.ppf((1 + confidence) / 2)))


def score(p: float, n: float, critical: float) -> Interval:
    """Score interval of a proportion for any quantile; `n` may be a fraction of rows."""
    scale = 1 + critical**2 / n
    centre = (p + critical**2 / (2 * n)) / scale
    half = critical * np.sqrt(p * (1 - p) / n + critical**2 / (4 * n**2)) / scale
    # a float's width off at the ends, where the exact ones are 0 and 1
    low = 0.0 if p <= 0 else max(0.0, centre - half)
    return float(low), 1.0 if p >= 1 else float(min(1.0, centre + half))


def scores(
    mean: Floats, error: Floats, half: Floats, n: int | Floats, confidence: float
) -> tuple[Floats, Floats]:
    """Score intervals (low [m], high [m]) of shares [m] whose error has more sources than n rows.

    Parameters
    ----------
    error
        [m] standard error of each share; the interval is made with the number of rows that would
        have this error (Korn & Graubard 1998; Franco et al. 2019), or with n where it is 0
    half
        [m] half of the symmetric interval, whose ratio to the error is the quantile
    """
    usual = float(stats.norm.ppf((1 + confidence) / 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        some = error > 1e-9  # beyond rounding
        worth = np.where(some, mean * (1 - mean) / error**2, n)
        critical = np.where(some, half / error, usual)
    worth = np.where((mean <= 0) | (mean >= 1), n, worth)
    ends = [score(*each) for each in zip(mean, worth, critical, strict=True)]
    low, high = np.array(ends).reshape(-1, 2).T
    return low, high


def of_metric(
    metric: str, mean: Floats, errors: Mixture, confidence: float
) -> tuple[Floats, Floats]:
    """Intervals (low [m], high [m]) of means [m] of a metric over new seeds and new rows.

    Of shares, among which the Brier score behaves like one, a score interval; the loss is skewed, for few
    rows make most of it; of the ECE the mean and as much on either side (see `around`).
    """
    return around(mean, errors, confidence, BOUNDS[metric], SHAPES.get(metric, "share"))


def around(
    mean: Floats,
    errors: Mixture,
    confidence: float,
    bounds: Interval = (0.0, 1.0),
    shape: Shape = "share",
) -> tuple[Floats, Floats]:
    """Intervals (low [m], high [m]) of means over new seeds and new rows: the ones of every table.

    Parameters
    ----------
    mean
        [m].
    errors
        Of the means, from rows and from seeds.
    confidence
        Confidence level, in (0, 1).
    bounds
        The least and the largest possible value.
    shape
        "share": it behaves like a share of rows once `bounds` are 0 and 1, and gets a score interval
        (Wilson 1927) with as many rows as the mean's variance is worth (Korn & Graubard 1998;
        Franco et al. 2019). "skewed": the limit of that for small shares, with a variance in
        proportion to the mean. "symmetric": the mean and as much on either side, cut off at `bounds`.

    Returns
    -------
    low, high
        NaN where a mean or its error is not finite, and where what is no share does not vary at all:
        that says nothing about how much it would.
    """
    usable = np.isfinite(mean) & np.isfinite(errors.error)
    if shape != "share":
        usable &= errors.error > 1e-9 * np.abs(mean)  # beyond rounding
    low = np.full(len(mean), np.nan)
    high = low.copy()
    half, value, error = errors.half_width(confidence)[usable], mean[usable], errors.error[usable]
    least, most = bounds
    if shape == "skewed":
        # (μ - m)² = h² μ / m, solved for μ
        twice = half**2 / (2 * value)
        high[usable] = value + twice + half * np.sqrt(1 + (half / value / 2) ** 2)
        low[usable] = value**2 / high[usable]
        return low, high
    if shape == "symmetric":
        low[usable] = np.maximum(value - half, least)
        high[usable] = np.minimum(value + half, most)
        return low, high
    span = most - least
    ends = scores((value - least) / span, error / span, half / span, errors.n, confidence)
    low[usable], high[usable] = (least + span * end for end in ends)
    return low, high


def clopper_pearson(correct: int, n: int, confidence: float) -> Interval:
    """Exact interval for a proportion (Clopper & Pearson 1934): never below nominal coverage."""
    tail = (1 - confidence) / 2
    low = stats.beta.ppf(tail, correct, n - correct + 1) if correct > 0 else 0.0
    high = stats.beta.ppf(1 - tail, correct + 1, n - correct) if correct < n else 1.0
    return float(low), float(high)


def student(values: Floats, confidence: float) -> Interval:
    """t-interval for the mean of independent values; NaN for fewer than two that differ."""
    if len(values) < 2 or np.ptp(values) == 0:
        return float("nan"), float("nan")
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    half = stats.t.ppf((1 + confidence) / 2, len(values) - 1) * error
    return float(np.mean(values) - half), float(np.mean(values) + half)
