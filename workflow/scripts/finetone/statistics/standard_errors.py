"""Standard errors of one run's metrics over new test rows.

To first order, a metric is its value plus the mean of one *influence* per row. Its standard error
is therefore the standard deviation of the influences / √n (the infinitesimal jackknife: Efron
1982). For means over rows (loss, Brier) this is the ordinary standard error; for the AUC it is that
of DeLong, DeLong & Clarke-Pearson (1988). An undefined metric has no standard error.
"""

from collections.abc import Callable

import numpy as np

from finetone.statistics.metrics import Bools, Counts, Floats, Ints

STEP = 1e-4  # of a derivative, in rows: small compared with one row, large with rounding errors


def standard_error(influence: Floats) -> float:
    """Standard error of a metric from the influences of its rows.

    Parameters
    ----------
    influence
        [n].

    Returns
    -------
    float
        NaN for fewer than two rows and for influences that are not finite.
    """
    if len(influence) < 2 or not np.isfinite(influence).all():
        return float("nan")
    return float(influence.std(ddof=1) / np.sqrt(len(influence)))


def of_cells(metric: Callable[[Counts], float], table: Ints) -> Floats:
    """Influence of one row in each cell of a confusion table on a metric, by finite differences.

    Parameters
    ----------
    metric
        A function of a confusion table, which may hold fractions.
    table
        [true class, predicted class].

    Returns
    -------
    array
        [classes²], in the order of `table.flat`; NaN for cells without rows.
    """
    n, value = table.sum(), metric(table)
    influence = np.full(table.size, np.nan)
    for cell in np.flatnonzero(table):  # the others have no rows
        more = table.astype(np.float64)
        more.flat[cell] += STEP
        influence[cell] = (metric(more) - value) / STEP * n
    return influence


def of_auc(placed: list[tuple[Bools, Floats]], n: int) -> Floats:
    """Influences of all rows on the AUC (DeLong, DeLong & Clarke-Pearson 1988).

    Parameters
    ----------
    placed
        From `metrics.placements`.
    n
        Number of rows.

    Returns
    -------
    array
        [n]; NaN where the AUC is undefined.
    """
    found = []
    for positive, share in placed:
        hits = int(positive.sum())
        weight = np.where(positive, n / hits, n / (n - hits))
        found.append((share - share[positive].mean()) * weight)
    return np.mean(found, axis=0) if found else np.full(n, np.nan)
