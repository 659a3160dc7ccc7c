"""What the calibration error of a run would be if the true one were θ, for several θ (`calibration`)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from finetone.statistics.metrics import Bools, Floats, Ints, equal_mass

NODES = 48  # values of θ that are tried
HALF_NORMAL = 1 - 2 / np.pi  # variance of |X| for a standard normal X
REACH = 10.0  # standard errors around T in which they are


@dataclass(frozen=True)
class Bins:
    """Rows of one or several runs in bins of equal confidence, and T = Σ weight · |gap|.

    Parameters
    ----------
    n, right
        [b] rows in each bin, and how many of them are predicted rightly
    stated
        [b] mean confidence in the predicted class
    runs
        how many runs the bins are of
    """

    n: Ints
    right: Floats
    stated: Floats
    runs: int = 1

    @classmethod
    def of(cls, confidence: Floats, correct: Bools) -> "Bins":
        """Bin the rows of one run by `confidence` [n] in the predicted class."""
        starts, order = equal_mass(confidence)
        n = np.diff(np.append(starts, len(order)))
        right = np.add.reduceat(correct[order].astype(np.float64), starts)
        stated = np.add.reduceat(confidence[order].astype(np.float64), starts) / n
        return cls(n, right, np.minimum(stated, 1 - 1e-9))

    @classmethod
    def together(cls, runs: Sequence["Bins"]) -> "Bins":
        """The bins of several runs, whose T is the mean of theirs."""
        return cls(
            np.concatenate([each.n for each in runs]),
            np.concatenate([each.right for each in runs]),
            np.concatenate([each.stated for each in runs]),
            len(runs),
        )

    @property
    def rows(self) -> int:
        """Rows of one run."""
        return int(self.n.sum()) // self.runs

    @property
    def weight(self) -> Floats:
        """[b] share of each bin in T."""
        return self.n / self.n.sum()

    @property
    def error(self) -> float:
        """T, the expected calibration error as it is seen."""
        return float(self.weight @ np.abs(self.right / self.n - self.stated))


@dataclass(frozen=True)
class Hypotheses:
    """What T would be for several true calibration errors θ, the first of which is 0.

    Parameters
    ----------
    error
        [g] θ, ascending
    expected, variance, skewness
        [g] of the T of one run over new rows
    clear
        [g] from 0, where the signs of all gaps are chance, to 1, where none is
    """

    error: Floats
    expected: Floats
    variance: Floats
    skewness: Floats
    clear: Floats

    @classmethod
    def about(cls, bins: Bins) -> "Hypotheses":
        """Those worth trying for what is seen in `bins`."""
        n, stated, weight, seen = bins.n, bins.stated, bins.weight, bins.error
        gap = bins.right / n - stated
        kept = (bins.right + stated) / (n + 1)
        noise = (stated * (1 - stated) + kept * (1 - kept)) / 2
        # that of a mean over runs is smaller, but shown by them together
        scale = bins.runs * (weight**2 * kept * (1 - kept) / n).sum()
        scale = np.sqrt(scale + weight @ (np.abs(gap) - seen) ** 2 / bins.rows)
        wanted = np.linspace(max(0.0, seen - REACH * scale), min(1.0, seen + REACH * scale), NODES)
        wanted = np.unique(np.append(0.0, wanted))
        per_unit = noise / (weight @ noise)
        limits = np.abs(gap) / per_unit
        tried = [
            *(np.linspace(0, 1, 64) * np.sort(limits)[len(limits) // 2], limits),
            *(np.linspace(0, 1, 64) * limits.max(), -np.geomspace(1e-4, 4 * REACH, 128) * scale),
        ]
        thresholds = np.unique(np.concatenate(tried))[::-1, None]
        side = np.where(gap == 0, -1.0, np.sign(gap))

        def shares(threshold: Floats) -> Floats:
            size = np.maximum(np.abs(gap) - threshold * per_unit, 0)
            return np.clip(stated + side * size, 0.0, 1.0)

        reached = np.abs(shares(thresholds) - stated) @ weight
        found = shares(np.interp(wanted, reached, thresholds[:, 0])[:, None])
        found[0] = stated
        error = np.abs(found - stated) @ weight
        # a bin that is right throughout is not sure to be: one row more, as often right as stated
        p = found + (stated - found) / (n + 1)
        first = _mean_distance(n, stated, p)
        second = p * (1 - p) / n + (p - stated) ** 2
        third = _normal_third(p - stated, np.sqrt(p * (1 - p) / n))
        expected = error + (first - np.abs(p - stated)) @ weight
        own = bins.runs * (second - first**2) @ weight**2
        plain = bins.runs * (p * (1 - p) / n) @ weight**2
        variance = own + (np.abs(found - stated) - error[:, None]) ** 2 @ weight / bins.rows
        with np.errstate(invalid="ignore", divide="ignore"):
            skewness = bins.runs**2 * (third @ weight**3) / variance**1.5
            clear = (np.where(plain > 0, own / plain, 1.0) - HALF_NORMAL) / (1 - HALF_NORMAL)
        skewness = np.where(variance > 0, skewness, 0.0)
        return cls(error, expected, variance, skewness, np.clip(clear, 0.0, 1.0))


def _mean_distance(n: Ints, stated: Floats, p: Floats) -> Floats:
    """E |X/n - stated| of a binomial X (n, p)."""
    at = n * stated
    whole = np.floor(at)
    below, below_less = stats.binom.cdf(whole, n, p), stats.binom.cdf(whole - 1, n - 1, p)
    found: Floats = p - stated + 2 * (stated * below - p * below_less)
    return found


def _normal_third(mean: Floats, sd: Floats) -> Floats:
    """Third central moment of |X| for a normal X."""
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(sd > 0, np.abs(mean) / sd, np.inf)
    z = np.minimum(z, 30.0)
    density, inside = np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2), special.erf(z / np.sqrt(2))
    first = density + z * inside
    third = density * (2 + z**2) + z * (z**2 + 3) * inside
    found: Floats = (third - 3 * first * (1 + z**2) + 2 * first**3) * sd**3
    return found
