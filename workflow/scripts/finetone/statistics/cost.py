"""Cost of a method: time and compute per parameter, and the frontier of accuracy and cost."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from finetone.statistics.metrics import Bools, Floats, Ints

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


@dataclass(frozen=True)
class Pace:
    """What K methods took on this machine, and how much of it there is.

    Parameters
    ----------
    train
        [K] seconds of one training; NaN where unknown
    predict
        [K] seconds of predicting one row; NaN where unknown
    seeds
        [K] runs that there are
    rows
        test rows that there are
    stochastic
        [K] whether a method has as many runs as there are seeds, or always one
    """

    train: Floats
    predict: Floats
    seeds: Ints
    rows: int
    stochastic: Bools

    def seconds(self, seeds: Ints | int, rows: int) -> Floats:
        """[K] seconds to go on to so many seeds of every method and so many test rows.

        What there is already costs nothing; NaN if a time that is needed is unknown.
        """
        runs = np.where(self.stochastic, np.maximum(seeds, self.seeds), self.seeds)
        more = runs - self.seeds
        predicted = more * max(rows, self.rows) + self.seeds * max(0, rows - self.rows)

        def spent(amount: Ints, each: Floats) -> Floats:
            found: Floats = np.where(amount > 0, amount * each, 0.0)
            return found

        return spent(more, self.train) + spent(predicted, self.predict)
