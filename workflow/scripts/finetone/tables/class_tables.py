"""confusion.csv and per_class.csv: which classes are taken for which, and how well each is found.

Both are means over a method's seeds. Cells of the confusion that no run has are left out, so that a
table of many classes stays short.
"""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from finetone.statistics import intervals
from finetone.statistics.classes import RATIOS, Ratio, ratios
from finetone.statistics.intervals import bounded
from finetone.statistics.metrics import Bools, Floats, confusion
from finetone.statistics.mixture import Mixture
from finetone.statistics.moderation import SeedVariance
from finetone.statistics.panel import Panel
from finetone.tables.panels import panels

CONFUSION = ["dataset", "method", "true", "predicted", "rows", "share"]
PER_CLASS = [
    *("dataset", "method", "label", "seeds", "n", "predicted_n"),
    *(column for name in RATIOS for column in bounded(name)),
]


def table(
    predictions: Sequence[Path], confidence: float, deterministic: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(confusion, per_class) of all datasets.

    Parameters
    ----------
    predictions
        Prediction files of the test rows.
    confidence
        Confidence level of the intervals, in (0, 1).
    deterministic
        The methods that another seed would not change.
    """
    confused, classes = [], []
    for panel in panels(predictions):
        confused += list(_confused(panel))
        classes.append(_classes(panel, confidence, deterministic))
    return pd.DataFrame(confused, columns=CONFUSION), pd.concat(classes)


def _confused(panel: Panel) -> Iterator[tuple[object, ...]]:
    """`rows` is a mean over seeds, `share` that of the rows of the true class."""
    classes = len(panel.labels)
    for method, own in panel.columns.items():
        runs = [confusion(panel.label, each, classes) for each in panel.predicted[own]]
        mean = np.mean(runs, axis=0)
        of_class = mean.sum(axis=1)
        for true, taken in zip(*np.nonzero(mean), strict=True):
            rows = mean[true, taken]
            names = panel.labels[true], panel.labels[taken]
            yield panel.dataset, method, *names, rows, rows / of_class[true]


def _classes(panel: Panel, confidence: float, deterministic: Collection[str]) -> pd.DataFrame:
    stochastic = np.array([method not in deterministic for method in panel.methods])
    found = []
    for number, name in enumerate(panel.labels):
        of_methods = [
            ratios(panel.label, panel.predicted[own], number) for own in panel.columns.values()
        ]
        one = pd.DataFrame({"dataset": panel.dataset, "method": panel.methods, "label": name})
        one["seeds"] = [len(seeds) for seeds in panel.seeds.values()]
        one["n"] = int((panel.label == number).sum())
        one["predicted_n"] = [each["precision"].n for each in of_methods]
        for ratio in RATIOS:
            each = [of_method[ratio] for of_method in of_methods]
            one[ratio] = [own.mean for own in each]
            one[f"{ratio}_low"], one[f"{ratio}_high"] = _ends(each, stochastic, confidence)
        found.append(one)
    # methods together, as in the other tables
    order = {method: place for place, method in enumerate(panel.methods)}
    table = pd.concat(found)[PER_CLASS]
    return table.sort_values("method", key=lambda names: names.map(order), kind="stable")


def _ends(
    of_methods: Sequence[Ratio], stochastic: Bools, confidence: float
) -> tuple[Floats, Floats]:
    """Score intervals (low [K], high [K]) over new seeds and new rows; NaN where undefined.

    The variance over seeds is judged together with the other methods' (`moderation`).
    """
    mean = np.array([each.mean for each in of_methods])
    usable = np.isfinite(mean)
    low = np.full(len(mean), np.nan)
    high = low.copy()
    chosen = [each for each, fine in zip(of_methods, usable, strict=True) if fine]
    if not chosen:
        return low, high
    seeds = np.array([len(each.values) for each in chosen])
    own = np.array([each.own for each in chosen])
    over_seeds = SeedVariance(own, seeds, stochastic[usable]).of_sums(np.diag(1 / seeds))
    rows = np.array([each.rows for each in chosen])
    n = np.array([each.n for each in chosen])
    errors = Mixture(rows, *over_seeds, round(float(n.min())))
    half = errors.half_width(confidence)
    low[usable], high[usable] = intervals.scores(mean[usable], errors.error, half, n, confidence)
    return low, high
