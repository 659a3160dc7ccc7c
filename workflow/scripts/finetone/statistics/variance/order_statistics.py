"""Times measured in rounds: a median with its interval, and whether it can be trusted."""

from math import ceil, log2
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from finetone.statistics.metrics import Floats


class TimingEstimate(NamedTuple):
    """A time, a rate or a ratio of times.

    Attributes
    ----------
    value, low, high
        The median over rounds and its interval.
    doubtful
        Too few rounds were undisturbed for an interval of this confidence; all rounds were then
        used.
    """

    value: float
    low: float
    high: float
    doubtful: bool


def over_rounds(
    values: Floats, undisturbed: NDArray[np.bool_], confidence: float
) -> TimingEstimate:
    """Median over the undisturbed rounds, with the interval of two order statistics.

    The interval holds for any distribution, as long as rounds are independent: the median lies
    between the k-th least and the k-th greatest of n values with probability 1 - 2 P(B < k), B
    binomial with n and 1/2 (David & Nagaraja, Order Statistics, 2003, 7.1). k is the largest that
    gives at least the confidence: 2 for nine rounds and 95 %.

    Parameters
    ----------
    values
        One per round, [rounds].
    undisturbed
        Which rounds count, [rounds].
    confidence
        Level of the interval, in (0, 1).
    """
    doubtful = int(undisturbed.sum()) < rounds_for(confidence)
    ordered = np.sort(values if doubtful else values[undisturbed])
    k = max(1, int(stats.binom.ppf((1 - confidence) / 2, len(ordered), 0.5)))
    return TimingEstimate(
        float(np.median(ordered)), float(ordered[k - 1]), float(ordered[-k]), doubtful
    )


def rounds_for(confidence: float) -> int:
    """The fewest rounds whose least and greatest value enclose the median with this confidence."""
    return ceil(1 - log2(1 - confidence))
