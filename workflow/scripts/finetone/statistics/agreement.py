"""Agreement of two runs on the same rows, for all pairs of runs at once."""

import numpy as np
from scipy import stats

from finetone.statistics.metrics import Bools, Floats, Ints


def counting(n: int) -> type[np.floating]:
    """Return the smallest float type whose sums of up to `n` ones are exact."""
    return np.float32 if n < 2**24 else np.float64


def seed_pairs(a: list[int], b: list[int]) -> list[tuple[int, int]]:
    """Pair the runs of two methods, by equal seed where that is possible.

    Without a common seed, or where one method has a single run (it draws no random numbers), every
    run is paired with every run.

    Parameters
    ----------
    a, b
        Seeds of the runs of each method.

    Returns
    -------
    list of (int, int)
        Positions in `a` and in `b`.
    """
    shared = [(a.index(s), b.index(s)) for s in a if s in b]
    if shared and min(len(a), len(b)) > 1:
        return shared
    return [(i, j) for i in range(len(a)) for j in range(len(b))]


def mcnemar(correct: Bools) -> Floats:
    """McNemar's exact two-sided test between all pairs of runs.

    Under the null hypothesis, a row that exactly one of two runs gets right is equally likely to be
    either's. The p-value is twice the smaller binomial tail, at most 1; it is 1 without such rows.

    Parameters
    ----------
    correct
        [runs, n].

    Returns
    -------
    array
        p-values [runs, runs].
    """
    ones: Floats = correct.astype(counting(correct.shape[1]))
    both = (ones @ ones.T).astype(np.int64)
    right = np.diag(both)
    only_a, only_b = right[:, None] - both, right[None, :] - both
    smaller, discordant = np.minimum(only_a, only_b), only_a + only_b
    p: Floats = np.minimum(1.0, 2 * stats.binom.cdf(smaller, discordant, 0.5))
    return p


def kappa(predicted: Ints, classes: int) -> tuple[Floats, Floats]:
    """Cohen's kappa (1960) between all pairs of runs, with its standard error over rows.

    Kappa is the agreement beyond what the class frequencies of both runs give by chance. The
    standard error is that of Fleiss, Cohen & Everitt (1969).

    Parameters
    ----------
    predicted
        [runs, n], in 0…classes-1.
    classes
        Number of classes.

    Returns
    -------
    kappa, standard_error
        Both [runs, runs]; NaN where both runs always predict one and the same class.
    """
    runs, n = predicted.shape
    ones = [(predicted == c).astype(counting(n)) for c in range(classes)]
    # share of each class in a run [runs, 1]; of each pair of classes in two runs [runs, runs]
    share = [one.sum(axis=1, dtype=np.float64)[:, None] / n for one in ones]
    joint = [[(a @ b.T).astype(np.float64) / n for b in ones] for a in ones]
    observed = sum((joint[c][c] for c in range(classes)), np.zeros((runs, runs)))
    expected = sum((one @ one.T for one in share), np.zeros((runs, runs)))
    with np.errstate(invalid="ignore", divide="ignore"):
        value: Floats = np.where(expected == 1, np.nan, (observed - expected) / (1 - expected))
        rest = 1 - value
        squares = -((value - expected * rest) ** 2)
        for i in range(classes):
            for j in range(classes):
                weight = (share[j] + share[i].T) * rest  # through the class frequencies
                squares += joint[i][j] * ((1 - weight) if i == j else weight) ** 2
        error: Floats = np.sqrt(np.maximum(squares, 0) / n) / (1 - expected)
    return value, error
