"""Temperature scaling: one number that logits are divided by (Guo et al. 2017).

"On calibration of modern neural networks" fits it on rows that were not trained on, by the mean
cross-entropy. That is convex in the inverse temperature β, with the slope

    Σ_i (Σ_c p_ic(β) z_ic - z_i,label)

which is negative at β = 0 if the logits say more than nothing about the labels, and positive for large
β if a row is predicted wrongly. Then, and only then, is there a temperature: where the slope is 0.
"""

import numpy as np
from scipy.optimize import brentq

from finetone.statistics.metrics import Floats, Ints, log_softmax

WIDEST = 1e6  # of β on either side of 1: beyond, rounding decides


def fit(logits: Floats, label: Ints) -> tuple[float | None, str]:
    """Fit a temperature.

    Parameters
    ----------
    logits
        [n, classes]; a logit of -inf excludes a class
    label
        [n], in 0…classes-1

    Returns
    -------
    temperature, reason
        The temperature and "", or None and why there is none.
    """
    logits = logits.astype(np.float64)
    logits = logits - logits.max(axis=1, keepdims=True)
    of_label = logits[np.arange(len(label)), label]
    if not np.isfinite(of_label).all():
        return None, "a true class has probability 0"
    if (of_label == 0).all():
        return None, "no row is predicted wrongly"
    finite = np.where(np.isfinite(logits), logits, 0.0)

    def slope(log_beta: float) -> float:
        shares = np.exp(log_softmax(logits * np.exp(log_beta)))
        return float(((shares * finite).sum(axis=1) - of_label).mean())

    ends = -np.log(WIDEST), np.log(WIDEST)
    if slope(ends[0]) >= 0:
        return None, "logits say nothing about the labels"
    if slope(ends[1]) <= 0:
        return None, "no row is predicted wrongly"
    return float(np.exp(-brentq(slope, *ends, xtol=1e-10))), ""


def scaled(logits: Floats, temperature: float) -> Floats:
    """Logits [n, classes] divided by a temperature, in float64; the predicted classes are the same."""
    found: Floats = logits.astype(np.float64) / temperature
    return found
