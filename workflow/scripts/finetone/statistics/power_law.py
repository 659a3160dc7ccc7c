"""A score against the number of training rows n: limit - scale · n^-exponent.

Learning curves of classifiers follow such a power law with a limit well over the range that one
measures (Hestness et al. 2017; Viering & Loog 2021), in which extrapolation by a small factor is
possible and by a large one is not.
"""

from dataclasses import dataclass

import numpy as np

from finetone.statistics.metrics import Floats

EXPONENTS = np.geomspace(0.05, 2.0, 75)  # of the laws that are tried
PARAMETERS = 3
AT_ONCE = 200  # curves, to limit memory


@dataclass(frozen=True)
class PowerLaw:
    """Laws of R curves.

    Attributes
    ----------
    limit, scale, exponent
        [R]; `scale` is what the score lacks at `unit` rows.
    unit
        Number of rows that `scale` is for.
    """

    limit: Floats
    scale: Floats
    exponent: Floats
    unit: float

    def at(self, rows: float) -> Floats:
        """Scores [R] with so many rows."""
        return self.limit - self.scale * (rows / self.unit) ** -self.exponent

    def gain(self, rows: float, more: float) -> Floats:
        """By how much [R] the score rises with more rows than there are."""
        return self.at(rows + more) - self.at(rows)


def fit(rows: Floats, scores: Floats, weights: Floats, best: float) -> PowerLaw:
    """Fit laws by weighted least squares, of which none falls or exceeds the best possible score.

    For each exponent tried the other two are in closed form, so there is no minimum to miss.

    Parameters
    ----------
    rows
        [m] numbers of rows, three different ones at least.
    scores
        [R, m], higher is better.
    weights
        [m]
    best
        The best possible score.
    """
    parts = [_fit(rows, part, weights, best) for part in _parts(scores)]
    limit, scale, exponent = (np.concatenate(each) for each in zip(*parts, strict=True))
    return PowerLaw(limit, scale, exponent, float(rows.max()))


def _parts(scores: Floats) -> list[Floats]:
    return np.array_split(scores, -(-len(scores) // AT_ONCE))


def _fit(rows: Floats, scores: Floats, weights: Floats, best: float) -> tuple[Floats, ...]:
    x = (rows / rows.max())[None, :] ** -EXPONENTS[:, None]  # [E, m]
    w = weights / weights.sum()
    mean_x, mean_y = x @ w, scores @ w  # [E], [R]
    spread = (w * (x - mean_x[:, None]) ** 2).sum(axis=1)
    scale = -((scores - mean_y[:, None]) * w) @ (x - mean_x[:, None]).T / spread  # [R, E]
    scale = np.maximum(scale, 0.0)
    limit = mean_y[:, None] + scale * mean_x
    through = ((best - scores) * w) @ x.T / ((w * x**2).sum(axis=1))  # with the limit at the best
    beyond = limit > best
    scale, limit = np.where(beyond, np.maximum(through, 0.0), scale), np.minimum(limit, best)
    misfit = scores[:, None, :] - limit[:, :, None] + scale[:, :, None] * x
    chosen = (misfit**2 @ w).argmin(axis=1)
    each = np.arange(len(scores))
    return limit[each, chosen], scale[each, chosen], EXPONENTS[chosen]


def excess(rows: Floats, scores: Floats, variances: Floats, law: PowerLaw) -> float:
    """By what the variances of the scores [m] of one curve are to be multiplied to explain its misfit.

    The chi-square of the fit per degree of freedom, at least 1; 1 where there is none.

    Parameters
    ----------
    rows, scores, variances
        [m]
    law
        Of this curve alone.
    """
    left = len(rows) - PARAMETERS
    if left < 1:
        return 1.0
    misfit = scores - np.array([law.at(n)[0] for n in rows])
    return max(1.0, float((misfit**2 / variances).sum()) / left)
