"""Paired comparison of methods that predicted the same rows.

Two sources of chance are resampled: the rows (another test set) and the seeds (another training
run). This is the two-way or *pigeonhole* bootstrap (Owen 2007, "The pigeonhole bootstrap"):

- rows: n of n with replacement, the same draw for all methods and seeds, so pairing is kept;
- seeds: S-1 of S with replacement, drawn for each method by itself (Rao & Wu 1988: drawing S
  would understate the variance over S seeds by the factor (S-1)/S, a half for two seeds).
  A method with a single run is one fixed run: its interval speaks of new rows only.

Owen shows that this counts the seed-by-row residual three times: with A, B, E for the variances of
seeds, rows and residual, A/S + B/n + 3E/(Sn) instead of A/S + B/n + E/(Sn). The excess is known
from the two-way residual mean square and is taken off; left in, the test rejected 1 % of true nulls
at a nominal 5 % with two seeds, and found that much less.

The bootstrap gives the standard error; interval and p-value are Student's, with Satterthwaite's
(1946) degrees of freedom: a variance over two or three seeds is itself uncertain, which quantiles
of resamples do not show (two seeds are resampled to two points) and which made up to 22 % of true
nulls significant. The seeds of each method are worth S-1 degrees of freedom, the rows n-1, each in
proportion to its share of the variance. So few seeds that differ give wide intervals; runs that
agree, and single runs, are tested as by a normal. The interval excludes 0 exactly when p is below
1 - confidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from finetone.seeds import derive
from finetone.statistics.agreement import counting
from finetone.statistics.metrics import Bools, Floats
from finetone.statistics.panel import Panel

POWER = 0.8
CELLS = 5_000_000  # resample weights held at once: 20 MB in float32


@dataclass(frozen=True)
class Difference:
    """A difference of two accuracies, a - b.

    Attributes
    ----------
    value, low, high
        The difference with its interval, as fractions.
    error
        Bootstrap standard error.
    freedom
        Degrees of freedom of its variance; infinite if the variance is known.
    p
        Two-sided p-value.
    """

    value: float
    low: float
    high: float
    error: float
    freedom: float
    p: float

    def reversed(self) -> "Difference":
        """b - a"""
        return replace(self, value=-self.value, low=-self.high, high=-self.low)

    def detectable(self, confidence: float) -> float:
        """Smallest true difference that this design finds with 80 % power.

        Two-sided and unadjusted: the sum of two t quantiles times the standard error (Bloom 1995).
        """
        critical = sum(stats.t.ppf(q, self.freedom) for q in ((1 + confidence) / 2, POWER))
        return float(critical * self.error)


def resample_rows(correct: Bools, resamples: int, seed: int) -> Floats:
    """Accuracy of each run in each resample of the rows. correct: [runs, n] → [resamples, runs].

    Draws become counts per row and one matrix product serves all runs. Counts times 0/1 are sums
    of integers below 2^24, exact in float32: the result is the same bits on any machine.
    """
    runs, n = correct.shape
    precise = counting(n)
    columns = np.ascontiguousarray(correct.T, dtype=precise)
    random = np.random.default_rng(seed)
    block = max(1, min(resamples, CELLS // n))
    counts = np.empty((block, n), precise)
    result = np.empty((resamples, runs))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = random.integers(0, n, size=(size, n), dtype=np.int32 if n < 2**31 else np.int64)
        for row in range(size):
            counts[row] = np.bincount(drawn[row], minlength=n)
        result[start : start + size] = counts[:size] @ columns
    return result / n


def seed_weights(seeds: int, resamples: int, seed: int) -> Floats:
    """Weights [resamples, seeds], each row summing to 1; a single seed is kept as it is."""
    if seeds == 1:
        return np.ones((resamples, 1))
    drawn = np.random.default_rng(seed).multinomial(
        seeds - 1, np.full(seeds, 1 / seeds), size=resamples
    )
    return drawn / (seeds - 1)


def resample(panel: Panel, resamples: int, seed: int) -> dict[str, Floats]:
    """{method: its resampled mean accuracies [resamples]}.

    Streams are named, so adding a method or a dataset changes no other's numbers, and a method's
    seeds are drawn alike on every dataset: its runs there are the same trained models.
    """
    by_run = resample_rows(panel.correct, resamples, derive(seed, "rows", panel.dataset))
    means = {}
    for method, columns in panel.columns.items():
        weights = seed_weights(len(panel.seeds[method]), resamples, derive(seed, "seeds", method))
        means[method] = (by_run[:, columns] * weights).sum(axis=1)
    return means


def excess(panel: Panel, method: str) -> float:
    """How much the two-way bootstrap overstates the variance of a method's mean accuracy.

    It is twice the residual mean square over (seeds × rows); nothing for a single run.
    """
    correct = panel.correct[panel.columns[method]]
    seeds, n = correct.shape
    if min(seeds, n) < 2:
        return 0.0
    per_row, mean = correct.mean(axis=0), correct.mean()
    # residual sum of squares = total - rows - seeds; y² = y, as y is 0 or 1
    total = seeds * n * mean * (1 - mean)
    between_rows = seeds * float(((per_row - mean) ** 2).sum())
    between_seeds = n * float(((correct.mean(axis=1) - mean) ** 2).sum())
    residual = (total - between_rows - between_seeds) / ((seeds - 1) * (n - 1))
    return float(2 * max(0.0, residual) / (seeds * n))


def difference(
    value: float,
    resampled: Floats,
    confidence: float,
    n: float,
    luck: Sequence[Floats] = (),
    excess: float = 0.0,
) -> Difference:
    """Test and interval for an observed difference, given its resamples [resamples].

    `excess` is by how much their variance is known to be too large.

    `luck`: for each independent set of seeds, what the difference owes to each of them, up to a
    constant (for a - b, the accuracies of a's seeds and those of b's). `n`: rows.
    """
    variance = float(resampled.var(ddof=1))
    # at least a third: the residual is counted three times, and is all there is at most
    variance = max(variance / 3, variance - excess)
    error = float(np.sqrt(variance))
    if error < 1e-12:  # every resample says the same: no error to measure the difference by
        p = 1 / (1 + len(resampled)) if abs(value) > 1e-12 else 1.0
        return Difference(value, value, value, 0.0, float("inf"), p)
    freedom = satterthwaite(variance, n, luck)
    half = float(stats.t.ppf((1 + confidence) / 2, freedom)) * error
    p = float(2 * stats.t.sf(abs(value) / error, freedom))
    p = max(p, float(np.finfo(float).tiny))  # never 0
    return Difference(value, value - half, value + half, error, freedom, p)


def satterthwaite(variance: float, n: float, luck: Sequence[Floats]) -> float:
    """Degrees of freedom of a variance over seeds and rows.

    It is the sum of that of the mean over each set of seeds (S-1 each) and, for the rest, of rows
    (n-1).
    """
    of_seeds = [(float(np.var(x, ddof=1)) / len(x), len(x) - 1) for x in luck if len(x) > 1]
    of_rows = max(0.0, variance - sum(v for v, _ in of_seeds)), max(1.0, n - 1)
    doubt = sum(v**2 / freedom for v, freedom in (*of_seeds, of_rows))
    return variance**2 / doubt if doubt > 0 else float("inf")


def compare(
    panel: Panel, confidence: float, resamples: int, seed: int
) -> dict[tuple[str, str], Difference]:
    """All pairs (a before b in the panel's order) of methods, a - b."""
    means = resample(panel, resamples, seed)
    accuracy = {m: panel.mean_accuracy(m) for m in panel.methods}
    surplus = {m: excess(panel, m) for m in panel.methods}
    return {
        (a, b): difference(
            accuracy[a] - accuracy[b],
            means[a] - means[b],
            confidence,
            len(panel.ids),
            [panel.accuracies(a), panel.accuracies(b)],
            surplus[a] + surplus[b],
        )
        for i, a in enumerate(panel.methods)
        for b in panel.methods[i + 1 :]
    }
