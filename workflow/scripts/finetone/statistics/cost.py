"""Cost of a method: time and compute per parameter, and the frontier of accuracy and cost."""

import numpy as np
from numpy.typing import NDArray

from finetone.statistics.metrics import Floats

FLOPS_PER_PARAMETER = 2
"""One multiplication and one addition per weight and token, forward (Kaplan et al. 2020, 2.1)."""


def ms_per_million_parameters(seconds: Floats, parameters: Floats) -> Floats:
    """Milliseconds per batch of 32 and per million parameters.

    Parameters
    ----------
    seconds
        Seconds per batch of 32, [methods].
    parameters
        Number of parameters, [methods].

    Returns
    -------
    array
        [methods].
    """
    return 1000 * seconds / (parameters / 1e6)


def on_frontier(accuracy: Floats, cost: Floats) -> NDArray[np.object_]:
    """Find the methods on the Pareto frontier of accuracy and cost.

    A method is on it if no other is at least as accurate and at most as costly, and better in one.

    Parameters
    ----------
    accuracy, cost
        [methods]; NaN where unknown.

    Returns
    -------
    array
        [methods] of True, False, or None where the accuracy or the cost is unknown.
    """
    known = np.isfinite(accuracy) & np.isfinite(cost)
    result = np.full(len(accuracy), None, dtype=object)
    for i in np.flatnonzero(known):
        no_worse = known & (accuracy >= accuracy[i]) & (cost <= cost[i])
        result[i] = not (no_worse & ((accuracy > accuracy[i]) | (cost < cost[i]))).any()
    return result
