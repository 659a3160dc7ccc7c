"""What an interval says of a difference: one is better, both are practically equal, or neither."""

import numpy as np
from numpy.typing import NDArray

from finetone.statistics.metrics import Floats

EQUAL, OPEN = "equal", "open"
VERDICTS = ("a better", "b better", EQUAL, OPEN)


def verdicts(
    low: Floats, high: Floats, margin: float, lower_is_better: bool = False
) -> NDArray[np.object_]:
    """Judge differences a - b by their intervals.

    - `equal`: the whole interval is inside the margin, so that the methods are practically equal
      (two one-sided tests: Schuirmann 1987), even where it excludes 0;
    - `a better`, `b better`: it excludes 0, but is not inside the margin;
    - `open`: neither can be said.

    Parameters
    ----------
    low, high
        [m]; NaN where nothing is known, which is no verdict ("").
    margin
        Of a difference that does not matter, in the units of the metric.
    lower_is_better
        As of a loss.
    """
    above, below = ("b better", "a better") if lower_is_better else ("a better", "b better")
    found = np.full(len(low), OPEN, dtype=object)
    found[low > 0], found[high < 0] = above, below
    found[(low >= -margin) & (high <= margin)] = EQUAL
    found[np.isnan(low) | np.isnan(high)] = ""
    return found
