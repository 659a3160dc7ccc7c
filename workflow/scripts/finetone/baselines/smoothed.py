"""Logistic regression on smoothed labels, which scikit-learn does not have."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax

Floats = npt.NDArray[np.float64]


def minimum(
    features: Any,
    labels: npt.NDArray[np.int64],
    C: float,
    weights: Floats,
    smoothing: float,
    tolerance: float,
    most_steps: int,
) -> tuple[Floats, Floats, int]:
    """Minimise C times the sum of the rows' losses plus half the squared coefficients, by L-BFGS.

    Parameters
    ----------
    features
        [n, features], dense or sparse.
    labels
        [n], of c classes.
    C
        Inverse strength of the L2 penalty.
    weights
        [c] of the classes in the loss. As in torch, one goes with its class's share of a label.
    smoothing
        Share of a label that is spread evenly over the c classes.
    tolerance
        Largest gradient of the mean loss at the end.
    most_steps
        Steps to take at most.

    Returns
    -------
    tuple
        Coefficients [c, features], intercepts [c], and the steps that were taken.
    """
    numbers = np.unique(labels, return_inverse=True)[1]
    rows, classes, width = len(labels), len(weights), features.shape[1]
    targets = np.full((rows, classes), smoothing / classes)
    targets[np.arange(rows), numbers] += 1 - smoothing
    targets *= weights
    total = targets.sum(axis=1, keepdims=True)
    # the two rows of a binary classifier are ±w/2: together they have half the square of w
    penalty = (2 if classes == 2 else 1) / (C * rows)

    def loss(flat: Floats) -> tuple[float, Floats]:
        """Mean loss with the penalty, and its gradient."""
        matrix = flat.reshape(classes, width + 1)
        log_p = log_softmax(features @ matrix[:, :-1].T + matrix[:, -1], axis=1)
        slope = (total * np.exp(log_p) - targets) / rows
        gradient = np.empty_like(matrix)
        gradient[:, :-1] = (features.T @ slope).T + penalty * matrix[:, :-1]
        gradient[:, -1] = slope.sum(axis=0)
        value = -(targets * log_p).sum() / rows + penalty / 2 * (matrix[:, :-1] ** 2).sum()
        return value, gradient.ravel()

    limits = {"maxiter": most_steps, "gtol": tolerance, "ftol": 64 * np.finfo(float).eps}
    found = minimize(
        loss, np.zeros(classes * (width + 1)), jac=True, method="L-BFGS-B", options=limits
    )
    matrix = found.x.reshape(classes, width + 1)
    return matrix[:, :-1], matrix[:, -1], found.nit
