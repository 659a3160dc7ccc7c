"""How well a time is measured, from what the tables hold of it."""

from collections.abc import Mapping
from math import inf, log, nan

import numpy as np
import pandas as pd
from scipy import stats

from finetone.statistics.moderation import SeedVariance

QUARTILES = {  # the timing whose spread a measurement shares
    "seconds_per_32": "seconds_per_32",
    "ms_per_million_parameters": "seconds_per_32",
    "train_tokens_per_s": "seconds_per_32",
    "inference_examples_per_s": "inference_examples_per_s",
}
LEAST_BATCHES = 5  # that a timing is made of (engine/speed)


def log_variance(
    table: pd.DataFrame, seeds: Mapping[str, int], metric: str, method: str
) -> tuple[float, float]:
    """Variance of the logarithm of a measured time or rate, and its degrees of freedom.

    Of a timing in batches it is the spread of the batches (their quartiles are 1.35 standard
    deviations apart), not divided by their number: what disturbs a timing, other programs above
    all, lasts longer than a batch, so that the median is hardly better known than one batch is. A
    training time is a mean over runs, whose variance is judged as that of scores is (`moderation`).

    Parameters
    ----------
    table
        efficiency.csv.
    seeds
        Number of runs by method.
    metric
        One of `schema.TIMINGS`.
    method
        A method in it.

    Returns
    -------
    variance, df
        NaN where no spread was measured.
    """
    own = (table["method"] == method).to_numpy()
    if name := QUARTILES.get(metric):
        low, high = (float(table.loc[own, f"{name}_{end}"].iloc[0]) for end in ("low", "high"))
        if not 0 < low < high < inf:  # or NaN
            return nan, nan
        return (log(high / low) / (2 * float(stats.norm.ppf(0.75)))) ** 2, LEAST_BATCHES - 1
    if metric == "train_seconds":
        mean, sd = (table[name].to_numpy(float) for name in ("train_seconds", "train_seconds_sd"))
        runs = np.array([max(1, seeds.get(each, 1)) for each in table["method"]])
        variance = SeedVariance((sd / mean) ** 2, runs, np.full(len(table), True))
        found, df = (float(each[own][0]) for each in variance.of_means())
        return (found, df) if variance.known else (nan, nan)
    return nan, nan
