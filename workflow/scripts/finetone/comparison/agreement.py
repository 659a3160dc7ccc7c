"""Agreement of two runs on the same rows, for all pairs of runs at once."""

from collections.abc import Hashable, Sequence

import numpy as np
from scipy import stats

from finetone.comparison.panel import Panel
from finetone.statistics.intervals import around
from finetone.statistics.metrics import Bools, Floats, Ints
from finetone.statistics.variance.mixture import Mixture
from finetone.statistics.variance.moderation import SeedVariance
from finetone.statistics.variance.roles import Roles, apart

FEW_CLASSES = 8  # up to here it is quicker to count pairs of classes than to look at every row


def counting(n: int) -> type[np.floating]:
    """Return the smallest float type whose sums of up to `n` ones are exact."""
    return np.float32 if n < 2**24 else np.float64


def seed_pairs(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Pair the runs of two methods, by equal seed where that is possible.

    Without a common seed, or where one method has a single run (it draws no random numbers), every
    run is paired with every run.

    Parameters
    ----------
    a, b
        What tells the runs of each method from each other, such as their seeds.

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
        Both [runs, runs]; NaN where a run predicts one class for all rows: it agrees with any
        other exactly as often as by chance, so kappa would be 0 whatever the other one does.
    """
    n = predicted.shape[1]
    constant = np.ptp(predicted, axis=1) == 0
    empty = constant[:, None] | constant[None, :]
    share = np.stack([np.bincount(run, minlength=classes) / n for run in predicted])
    count = _by_class if classes <= FEW_CLASSES else _by_row
    observed, common, crossed = count(predicted, share)
    expected = share @ share.T
    with np.errstate(invalid="ignore", divide="ignore"):
        value: Floats = np.where(empty, np.nan, (observed - expected) / (1 - expected))
        rest = 1 - value
        # through the class frequencies, a row predicted as i and j changes by share[j] + share[i]
        twice = share**2 @ share.T + share @ (share**2).T + 2 * crossed
        squares = observed - 2 * rest * common + rest**2 * twice - (value - expected * rest) ** 2
        error: Floats = np.sqrt(np.maximum(squares, 0) / n) / (1 - expected)
    return value, np.where(empty, np.nan, error)


def _by_class(predicted: Ints, share: Floats) -> tuple[Floats, Floats, Floats]:
    """Means [runs, runs] over rows, predicted as i by run a and as j by run b, from counts of (i, j).

    Of whether i is j; of that times share[a, j] + share[b, i]; and of share[a, j] · share[b, i].
    """
    (runs, n), classes = predicted.shape, share.shape[1]
    observed, common, crossed = np.zeros((3, runs, runs))
    ones = [(predicted == c).astype(counting(n)) for c in range(classes)]
    for i in range(classes):
        for j in range(classes):
            joint = (ones[i] @ ones[j].T).astype(np.float64) / n
            crossed += joint * np.outer(share[:, j], share[:, i])
            if i == j:
                observed += joint
                common += joint * (share[:, [i]] + share[:, i])
    return observed, common, crossed


def _by_row(predicted: Ints, share: Floats) -> tuple[Floats, Floats, Floats]:
    """As `_by_class`, in a time that does not depend on the number of classes."""
    runs, n = predicted.shape
    observed, common, crossed = np.zeros((3, runs, runs))
    for a, own in enumerate(predicted):
        for b, other in enumerate(predicted):
            same, mine, theirs = own == other, share[a][other], share[b][own]
            observed[a, b] = same.mean()
            common[a, b] = (same @ (mine + theirs)) / n
            crossed[a, b] = (mine @ theirs) / n
    return observed, common, crossed


def of_methods(
    panel: Panel, pairs: Sequence[tuple[str, str]], roles: Roles, confidence: float
) -> Floats:
    """Agreement of pairs of methods, over the pairs of their runs.

    The variance of kappa over seeds is judged from all pairs together (`moderation`). Pairs share
    methods, so what they know of it is at most what the methods' runs do: the degrees of freedom are
    no more than Σ (S - 1) over methods. The variance over rows is the mean of that of the single
    runs, an upper bound. Where seeds cannot be judged, the interval is over rows alone. Pairs of runs
    without a kappa do not count.

    Parameters
    ----------
    panel
        The predictions on one dataset.
    pairs
        [m], names of methods.
    roles
        Of the methods, which decide how chance is judged.
    confidence
        Of the intervals of kappa, in (0, 1).

    Returns
    -------
    array
        [m, 4]: median p of McNemar's test over pairs of runs, mean kappa, its interval; NaN where
        kappa is undefined.
    """
    tests = mcnemar(panel.correct)
    value, error = kappa(panel.predicted, len(panel.labels))
    found = np.full((len(pairs), 4), np.nan)
    own, of_rows = np.zeros(len(pairs)), np.zeros(len(pairs))
    seeds, inflation = np.ones(len(pairs), dtype=int), panel.inflation
    for place, (a, b) in enumerate(pairs):
        runs = seed_pairs(panel.runs(a), panel.runs(b))
        i = [panel.columns[a].start + x for x, _ in runs]
        j = [panel.columns[b].start + y for _, y in runs]
        found[place, 0] = np.median(tests[i, j])
        known = np.isfinite(value[i, j])
        if not known.any():
            own[place] = np.nan  # says nothing of how much seeds vary
            continue
        agreed = value[i, j][known]
        found[place, 1] = np.mean(agreed)
        own[place] = np.var(agreed, ddof=1) if len(agreed) > 1 else 0.0
        worse = max(inflation[panel.methods.index(method)] for method in (a, b))
        of_rows[place] = np.mean(np.square(error[i, j][known])) * worse
        seeds[place] = _independent(panel.runs(a), panel.runs(b))
    varies = dict(zip(panel.methods, panel.stochastic(roles), strict=True))
    drawing = np.array([varies[a] or varies[b] for a, b in pairs], dtype=bool)
    controls = dict(zip(panel.methods, apart(panel.methods, roles), strict=True))
    alone = np.array([controls[a] or controls[b] for a, b in pairs], dtype=bool)
    variance, df = SeedVariance(own, seeds, drawing, apart=alone).of_means()
    most = sum(len(runs) - 1 for method, runs in panel.seeds.items() if varies[method])
    errors = Mixture(of_rows, variance, np.minimum(df, max(most, 1)), len(panel.label))
    found[:, 2:] = np.stack(around(found[:, 1], errors, confidence, (-1.0, 1.0)), axis=1)
    return found


def _independent(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """How many of the pairs that `seed_pairs` makes are independent of each other."""
    shared = len(set(a) & set(b))
    if min(len(a), len(b)) == 1:
        return max(len(a), len(b))
    return shared or min(len(a), len(b))
