"""Precision, recall, F1 and MCC: which printed values any two-by-two table of counts can give."""

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from finetone.published.printed import Printed, Rounding

Counts = NDArray[np.int64]
MOST_TABLES = 3_000_000  # of so many tables at most MCC is calculated
COUNTED = ("accuracy", "error", "precision", "recall", "f1", "mcc")


def counts_possible(
    n: int, positives: int, printed: Mapping[str, Printed], rounding: Rounding | None = None
) -> bool:
    """Whether one table of true and false positives and negatives gives all printed values.

    For each number of true positives every value leaves a range of false positives; the values are
    possible together if one of these ranges, intersected, holds a whole number.

    Parameters
    ----------
    n
        Rows.
    positives
        Rows of the class that precision, recall and F1 are about.
    printed
        By name (`COUNTED`); others are not looked at.
    rounding
        Either way if not given.
    """
    negatives = n - positives
    true = np.arange(positives + 1, dtype=np.int64)
    low, high = np.zeros_like(true), np.full_like(true, negatives)
    for name, value in printed.items():
        if name in ("accuracy", "error", "precision", "recall", "f1"):
            bounds = value.between(rounding)
            least, most = _false_positives(name, true, n, positives, bounds)
            low, high = np.maximum(low, least), np.minimum(high, most)
    fits = low <= high
    if not fits.any() or "mcc" not in printed:
        return bool(fits.any())
    return _mcc_possible(true[fits], low[fits], high[fits], n, positives, printed["mcc"], rounding)


def _false_positives(
    name: str, true: Counts, n: int, positives: int, bounds: tuple[Fraction, Fraction]
) -> tuple[Counts, Counts]:
    """Least and most false positives, by true positives, with which a value is within bounds."""
    # widened to nine digits: with them whole numbers of 64 bits do not overflow
    low = max(Fraction(floor(bounds[0] * 10**9), 10**9), Fraction(0))
    high = min(Fraction(ceil(bounds[1] * 10**9), 10**9), Fraction(1))
    nothing, everything = np.zeros_like(true), np.full_like(true, n - positives)
    if name == "recall":
        inside = (true * low.denominator >= low.numerator * positives) & (
            true * high.denominator <= high.numerator * positives
        )
        return np.where(inside, nothing, 1), np.where(inside, everything, 0)
    if name in ("accuracy", "error"):
        if name == "error":
            low, high = 1 - high, 1 - low
        right = true + n - positives
        return right - _floor(np.full_like(true, n), high), right - _ceil(
            np.full_like(true, n), low
        )
    # precision = true/(true + false), F1 = 2·true/(positives + true + false)
    top, rest = (true, true) if name == "precision" else (2 * true, positives + true)
    least = _ceil(top, 1 / high) - rest if high else np.where(true == 0, nothing, n + 1)
    most = _floor(top, 1 / low) - rest if low else everything
    none = true == 0  # the value is then 0, with any number of false positives
    return np.where(none, nothing, least), np.where(none, everything if not low else -1, most)


def _floor(count: Counts, factor: Fraction) -> Counts:
    return count * factor.numerator // factor.denominator


def _ceil(count: Counts, factor: Fraction) -> Counts:
    return -(-count * factor.numerator // factor.denominator)


def _mcc_possible(
    true: Counts,
    low: Counts,
    high: Counts,
    n: int,
    positives: int,
    mcc: Printed,
    rounding: Rounding | None,
) -> bool:
    """Whether a table with false positives in the ranges has this correlation (Matthews 1975)."""
    sizes = high - low + 1
    if sizes.sum() > MOST_TABLES:
        return True  # so many tables that nearly every value occurs
    least, most = (float(b) for b in mcc.between(rounding))
    a = np.repeat(true, sizes).astype(float)
    b = np.repeat(low - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
    predicted = a + b
    product = predicted * (n - predicted) * positives * (n - positives)
    value = (a * n - predicted * positives) / np.sqrt(np.where(product > 0, product, np.inf))
    return bool(((value >= least - 1e-12) & (value <= most + 1e-12)).any())


def f1_possible(
    printed: Mapping[str, Printed], rounding: Rounding | None = None, *, exact: bool
) -> bool:
    """Whether F1 agrees with precision and recall, whatever the counts.

    F1 of one class in one run is their harmonic mean. That mean is concave, so of averages, over
    classes or over runs, it is an upper bound only (Jensen).

    Parameters
    ----------
    printed
        `f1`, `precision` and `recall`.
    rounding
        Either way if not given.
    exact
        Whether they are of one class in one run.
    """
    pairs = (printed[name].between(rounding) for name in ("precision", "recall"))
    lows, highs = zip(*pairs, strict=True)
    low, high = printed["f1"].between(rounding)
    return low <= _harmonic(*highs) and (not exact or high >= _harmonic(*lows))


def _harmonic(a: Fraction, b: Fraction) -> Fraction:
    a, b = max(a, Fraction(0)), max(b, Fraction(0))
    return 2 * a * b / (a + b) if a + b else Fraction(0)
