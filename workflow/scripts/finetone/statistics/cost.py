"""What accuracy costs."""

import numpy as np
from numpy.typing import NDArray

from finetone.statistics.metrics import Floats

FLOPS_PER_PARAMETER = 2
"""One multiplication and one addition per weight and token, forward (Kaplan et al. 2020, 2.1)."""


def ms_per_million_parameters(seconds: Floats, parameters: Floats) -> Floats:
    """Milliseconds per batch of 32 for every million parameters."""
    return 1000 * seconds / (parameters / 1e6)


def on_frontier(accuracy: Floats, cost: Floats) -> NDArray[np.object_]:
    """True where no other method is at least as accurate and at most as costly, and better in one
    (Pareto frontier); None where either number is missing."""
    known = np.isfinite(accuracy) & np.isfinite(cost)
    result = np.full(len(accuracy), None, dtype=object)
    for i in np.flatnonzero(known):
        no_worse = known & (accuracy >= accuracy[i]) & (cost <= cost[i])
        result[i] = not (no_worse & ((accuracy > accuracy[i]) | (cost < cost[i]))).any()
    return result
