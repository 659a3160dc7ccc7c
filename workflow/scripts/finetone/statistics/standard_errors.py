"""Standard errors of one run's metrics over new test rows.

Each metric is, to first order, its value plus the mean of one *influence* per row, so its standard
error is the influences' standard deviation / √n (the infinitesimal jackknife: Efron 1982). For means
over rows (loss, Brier) that is the ordinary standard error; for the AUC it is DeLong, DeLong &
Clarke-Pearson's (1988). A metric that is undefined has none.
"""

from collections.abc import Callable

import numpy as np

from finetone.statistics.metrics import Bools, Counts, Floats, Ints

STEP = 1e-4  # of a cell's share, in rows: small beside one row, large beside rounding


def standard_error(influence: Floats) -> float:
    """Of a metric from its rows' influences [n]; NaN for fewer than two rows."""
    if len(influence) < 2 or not np.isfinite(influence).all():
        return float("nan")
    return float(influence.std(ddof=1) / np.sqrt(len(influence)))


def of_cells(metric: Callable[[Counts], float], table: Ints) -> Floats:
    """How a metric of a confusion table answers to one row more in each cell, times n."""
    n, value = table.sum(), metric(table)
    answers = np.full(table.size, np.nan)
    for cell in np.flatnonzero(table):  # empty cells have no rows to ask for
        more = table.astype(np.float64)
        more.flat[cell] += STEP
        answers[cell] = (metric(more) - value) / STEP * n
    return answers


def of_auc(placed: list[tuple[Bools, Floats]], n: int) -> Floats:
    """Influences [n] on the mean area of `metrics.placements`: DeLong's, each side by its size."""
    found = []
    for positive, share in placed:
        hits = int(positive.sum())
        weight = np.where(positive, n / hits, n / (n - hits))
        found.append((share - share[positive].mean()) * weight)
    return np.mean(found, axis=0) if found else np.full(n, np.nan)
