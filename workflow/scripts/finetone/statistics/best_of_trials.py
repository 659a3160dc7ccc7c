"""How good the best of k trials is expected to be, from the scores of all trials.

By it one sees whether a method is better, or was tuned more. Both estimators are exact sums over the
ordered scores; nothing is drawn.
"""

import numpy as np

from finetone.statistics.metrics import Floats


def expected_best(scores: Floats) -> Floats:
    """The estimator of Dodge et al. (2019): the k trials are drawn with replacement.

    With B trials, the best of k is the i-th worst with probability (i/B)^k - ((i-1)/B)^k. It is a
    little too low, for of k draws some are the same trial (Tang et al. 2020).

    Parameters
    ----------
    scores
        [B], higher is better.

    Returns
    -------
    array
        [B] for k = 1 … B.
    """
    ordered = np.sort(scores)
    share = np.arange(len(ordered) + 1) / max(len(ordered), 1)
    powers = share[None, :] ** np.arange(1, len(ordered) + 1)[:, None]
    best: Floats = np.diff(powers, axis=1) @ ordered
    return best


def expected_best_of_different(scores: Floats) -> Floats:
    """The unbiased estimator (Tang et al. 2020): the k trials are different ones of the B.

    With B trials, the best of k is the i-th worst with probability C(i-1, k-1) / C(B, k).

    Parameters
    ----------
    scores
        [B], higher is better.

    Returns
    -------
    array
        [B] for k = 1 … B.
    """
    ordered, number = np.sort(scores), len(scores)
    chance = np.zeros((number, number))
    for k in range(1, number + 1):
        # C(i-1, k-1) / C(B, k) from the best down: each is the one above it times (i-k)/(i-1)
        chance[k - 1, -1] = k / number
        for i in range(number, k, -1):
            chance[k - 1, i - 2] = chance[k - 1, i - 1] * (i - k) / (i - 1)
    best: Floats = chance @ ordered
    return best
