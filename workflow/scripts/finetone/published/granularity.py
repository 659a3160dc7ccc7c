"""Granularity: an accuracy over n rows is k/n, which only some printed values can be.

After the GRIM test for means of integers (Brown & Heathers 2017, Social Psychological and
Personality Science 8(4)). Everything is done in whole numbers: no tolerance, no rounding error.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from finetone.published.reading import Printed

Rounding = Literal["nearest", "cut"]
WINDOW = 0.05
"""Numbers of test rows are tried up to this relative distance from the stated one."""
MOST_TRIED = 2000
CONVINCING = 0.001
"""Largest p-value, adjusted for all numbers tried, at which a number of rows explains a column."""


def correct_counts(
    printed: Printed, n: int, scale: int = 100, rounding: Rounding = "nearest"
) -> range:
    """All numbers k such that k correct rows of n could have been printed as this value.

    Parameters
    ----------
    printed
        The printed accuracy.
    n
        Number of test rows.
    scale
        What an accuracy of 1 is printed as.
    rounding
        `nearest` allows both directions for a tie, since software differs; `cut` drops the
        further digits.

    Returns
    -------
    range
        Empty if there is no such k.
    """
    steps = scale * 10**printed.decimals  # an accuracy of 1 in units of the last digit
    # twice the bounds of k·steps/n, so that halves are whole numbers
    low, high = (
        (2 * printed.units - 1, 2 * printed.units + 1)
        if rounding == "nearest"
        else (2 * printed.units, 2 * printed.units + 2)
    )
    first = max(0, -((-low * n) // (2 * steps)))
    last = (high * n) // (2 * steps) if rounding == "nearest" else -((-high * n) // (2 * steps)) - 1
    return range(first, min(last, n) + 1)


def possible(printed: Printed, n: int, scale: int = 100, rounding: Rounding = "nearest") -> bool:
    """Whether some number of correct rows among n prints as this (see `correct_counts`)."""
    return len(correct_counts(printed, n, scale, rounding)) > 0


def share_possible(
    decimals: int, n: int, scale: int = 100, rounding: Rounding = "nearest"
) -> float:
    """Share of the printable values that n rows can give: the chance that a random one is possible.

    Parameters
    ----------
    decimals
        Printed digits after the point.
    n, scale, rounding
        As in `correct_counts`.
    """
    steps = scale * 10**decimals
    if n >= steps:
        return 1.0
    doubled = 2 * np.arange(n + 1, dtype=np.int64) * steps
    if rounding == "cut":
        return len(np.unique(doubled // (2 * n))) / (steps + 1)
    lowest, highest = -((n - doubled) // (2 * n)), (doubled + n) // (2 * n)
    return len(np.unique(np.concatenate([lowest, highest]))) / (steps + 1)


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


@dataclass(frozen=True)
class Candidate:
    """A number of test rows, and how many of the printed values it allows."""

    n: int
    possible: int
    drop_last: tuple[int, ...]
    """Batch sizes whose last, incomplete batch must have been dropped to leave n of the stated."""


def candidates(
    column: Sequence[Printed],
    stated: int,
    batch_sizes: Sequence[int] = (),
    scale: int = 100,
    rounding: Rounding = "nearest",
) -> list[Candidate]:
    """Try numbers of rows near the stated one, and those of whole batches; the likeliest first.

    Ties go to the number that drops incomplete batches for most batch sizes, then to the nearest
    one.

    Parameters
    ----------
    column
        The printed accuracies.
    stated
        Number of test rows that the publication states.
    batch_sizes
        Batch sizes whose last, incomplete batch may have been dropped.
    scale, rounding
        As in `correct_counts`.
    """
    reach = min(int(WINDOW * stated), MOST_TRIED // 2)
    dropped = {
        n: tuple(b for b in batch_sizes if stated // b * b == n and n != stated)
        for n in {stated // b * b for b in batch_sizes} - {0}
    }
    tried = {*range(max(1, stated - reach), stated + reach + 1), *dropped}
    found = [
        Candidate(n, sum(possible(p, n, scale, rounding) for p in column), dropped.get(n, ()))
        for n in tried
    ]
    return sorted(found, key=lambda c: (-c.possible, -len(c.drop_last), abs(c.n - stated), c.n))


def examine(
    column: Sequence[Printed],
    stated: int,
    batch_sizes: Sequence[int] = (),
    scale: int = 100,
    rounding: Rounding = "nearest",
) -> dict[str, Any]:
    """Compare a column of accuracies with the number of test rows that the publication states.

    Parameters
    ----------
    column
        The printed accuracies.
    stated
        Number of test rows that the publication states.
    batch_sizes
        Batch sizes whose last, incomplete batch may have been dropped.
    scale, rounding
        As in `correct_counts`.

    Returns
    -------
    dict
        `verdict` is `consistent` (all values are possible at the stated n), `powerless` (nearly
        any value would be), `explained` (another n, `explained_by`, allows more values than
        chance would) or `unexplained`. `chance` is for the best n alone, `chance_after_search`
        for the best of all n tried.
    """
    shares = _shares(column, stated, scale, rounding)
    hits = sum(possible(p, stated, scale, rounding) for p in column)
    tried = candidates(column, stated, batch_sizes, scale, rounding)
    best = tried[0]
    alone = chance(_shares(column, best.n, scale, rounding), best.possible)
    searched = min(1.0, alone * len(tried))
    if hits == len(column):
        verdict = "powerless" if min(shares) > 0.99 else "consistent"
    elif searched < CONVINCING:
        verdict = "explained"
    else:
        verdict = "unexplained"
    return {
        "rounding": rounding,
        "n_stated": stated,
        "values": len(column),
        "possible": hits,
        "impossible": len(column) - hits,
        "share_of_stray_values_possible": float(np.mean(shares)),
        "verdict": verdict,
        "explained_by": best.n if verdict == "explained" else None,
        "best": [
            {"n": c.n, "possible": c.possible, "drop_last_of_batch_sizes": list(c.drop_last)}
            for c in tried[:5]
        ],
        "chance": alone,
        "chance_after_search": searched,
        "tried": len(tried),
    }


def _shares(column: Sequence[Printed], n: int, scale: int, rounding: Rounding) -> list[float]:
    by_decimals = {d: share_possible(d, n, scale, rounding) for d in {p.decimals for p in column}}
    return [by_decimals[p.decimals] for p in column]
