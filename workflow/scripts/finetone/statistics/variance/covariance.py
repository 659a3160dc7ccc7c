"""Variance of a mean over seeds that is due to rows alone, from what each row contributes."""

import numpy as np

from finetone.statistics.metrics import Floats


def shared(covariance: Floats) -> float:
    """What all seeds have in common: the mean of their covariances, at least 0.

    It is the variance of a mean over seeds less the seed-by-row part, which the variance over seeds
    holds already (see `paired`). Of a single run it is that run's variance.

    Parameters
    ----------
    covariance
        [S, S] covariances over rows of the values of S seeds
    """
    seeds = len(covariance)
    if seeds == 1:
        return float(covariance[0, 0])
    between = float(covariance.sum() - np.trace(covariance)) / (seeds * (seeds - 1))
    return max(0.0, between)
