"""Granularity: an accuracy over n rows is k/n, which only some printed values can be.

After the GRIM test for means of integers (Brown & Heathers 2017, Social Psychological and
Personality Science 8(4)). Everything is done in whole numbers: no tolerance, no rounding error.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor, gcd

import numpy as np

from finetone.published.printed import Printed, Rounding


def correct_counts(printed: Printed, of: int, rounding: Rounding = "nearest") -> range:
    """All numbers k such that k/of could have been printed as this value.

    Parameters
    ----------
    printed
        The printed share.
    of
        What is counted in: the rows of one run; rows times runs for a mean over runs.
    rounding
        `nearest` allows both directions for a tie, since software differs; `cut` drops the
        further digits.

    Returns
    -------
    range
        Empty if there is no such k.
    """
    steps, twice = printed.steps, 2 * printed.units
    # twice the bounds of k·steps/of, so that halves are whole numbers
    low, high = (twice - 1, twice + 1) if rounding == "nearest" else (twice, twice + 2)
    first = max(0, -((-low * of) // (2 * steps)))
    last = (
        (high * of) // (2 * steps) if rounding == "nearest" else -((-high * of) // (2 * steps)) - 1
    )
    return range(first, min(last, of) + 1)


def possible(printed: Printed, of: int, rounding: Rounding = "nearest") -> bool:
    """Whether some k of `of` prints as this (see `correct_counts`)."""
    return len(correct_counts(printed, of, rounding)) > 0


def neighbours(printed: Printed, of: int, rounding: Rounding = "nearest") -> list[Printed]:
    """The nearest possible values below and above one that is not (see `correct_counts`)."""
    below = floor(printed.share * of)
    low, high = (Fraction(k * printed.steps, of) for k in (below, below + 1))
    half = Fraction(1, 2) if rounding == "nearest" else 0
    # of the two ways to print a tie the nearer one
    units = floor(low + half), ceil(high - half) if half else floor(high)
    return [printed.moved(u - printed.units) for u in units if u <= printed.steps]


def share_possible(printed: Printed, of: int, rounding: Rounding = "nearest") -> float:
    """Share of the values with as many digits that are possible: the chance of a random one.

    With fewer steps than printable values every k prints differently, and one on a tie twice:
    2k·steps/of is an odd number for every second multiple of of/gcd(2·steps, of), or for none.
    """
    steps = printed.steps
    if of >= steps:
        return 1.0
    divisor = gcd(2 * steps, of)
    ties = (divisor + 1) // 2 if rounding == "nearest" and 2 * steps // divisor % 2 else 0
    return (of + 1 + ties) / (steps + 1)


def chance(shares: Sequence[float], hits: int) -> float:
    """Exact probability that at least `hits` of independent events happen (Poisson binomial).

    Parameters
    ----------
    shares
        Probability of each event.
    hits
        Number of events.
    """
    distribution = np.ones(1)
    for share in shares:
        distribution = np.convolve(distribution, [1 - share, share])
    return float(min(1.0, distribution[hits:].sum()))
