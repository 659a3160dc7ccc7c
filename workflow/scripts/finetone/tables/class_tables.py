"""confusion.csv and per_class.csv: which classes are taken for which, and how well each is found.

Both are means over a method's seeds. Cells of the confusion that no run has are left out, so that a
table of many classes stays short.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from finetone.comparison.panel import Panel
from finetone.statistics import intervals
from finetone.statistics.classes import RATIOS, Ratio, ratios
from finetone.statistics.intervals import bounded
from finetone.statistics.metrics import Bools, Floats, confusion
from finetone.statistics.variance.mixture import Mixture, half_widths
from finetone.statistics.variance.moderation import SeedVariance, varying_as
from finetone.statistics.variance.roles import Roles, apart
from finetone.tables.panels import panels

CONFUSION = ["dataset", "method", "true", "predicted", "rows", "share"]
PER_CLASS = [
    *("dataset", "method", "label", "seeds", "n", "predicted_n"),
    *(column for name in RATIOS for column in bounded(name)),
]


def table(
    predictions: Sequence[Path], confidence: float, roles: Roles
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(confusion, per_class) of all datasets.

    Parameters
    ----------
    predictions
        Prediction files of the test rows.
    confidence
        Confidence level of the intervals, in (0, 1).
    roles
        Of the methods, which decide how chance is judged.
    """
    confused, classes = [], []
    for panel in panels(predictions):
        confused += list(_confused(panel))
        classes.append(_classes(panel, confidence, roles))
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


def _classes(panel: Panel, confidence: float, roles: Roles) -> pd.DataFrame:
    """Methods one after the other, as in the other tables, each with all classes."""
    chance = panel.stochastic(roles), apart(panel.methods, roles)
    runs = [panel.predicted[own] for own in panel.columns.values()]
    classes, methods = len(panel.labels), len(runs)
    found = [[ratios(panel.label, own, c) for own in runs] for c in range(classes)]
    table = pd.DataFrame(
        {
            "dataset": panel.dataset,
            "method": np.repeat(panel.methods, classes),
            "label": np.tile(panel.labels, methods),
            "seeds": np.repeat([len(seeds) for seeds in panel.seeds.values()], classes),
            "n": np.tile(np.bincount(panel.label, minlength=classes), methods),
            "predicted_n": [
                found[c][m]["precision"].n for m in range(methods) for c in range(classes)
            ],
        }
    )
    for name in RATIOS:
        each = [[of_method[name] for of_method in of_class] for of_class in found]
        mean = np.array([[ratio.mean for ratio in of_class] for of_class in each])
        low, high = _ends(each, mean, panel, *chance, confidence)
        for column, values in zip(bounded(name), (mean, low, high), strict=True):
            table[column] = values.T.ravel()
    return table[PER_CLASS]


def _ends(
    of_classes: Sequence[Sequence[Ratio]],
    mean: Floats,
    panel: Panel,
    stochastic: Bools,
    alone: Bools,
    confidence: float,
) -> tuple[Floats, Floats]:
    """Score intervals (low, high) over new seeds and new rows; as `mean` [classes, methods].

    The variance over seeds is judged together with the other methods' (`moderation`). NaN where
    the mean is.
    """
    low, high = np.full((2, *mean.shape), np.nan)
    usable = np.isfinite(mean)
    n = np.ones(mean.shape)
    errors = []
    for c, of_class in enumerate(of_classes):
        fine = usable[c]
        chosen = [each for each, known in zip(of_class, fine, strict=True) if known]
        if not chosen:
            continue
        seeds = np.array([len(each.values) for each in chosen])
        own = np.array([each.own for each in chosen])
        like = varying_as(list(np.array(panel.methods)[fine]), panel.ensembles)
        known = stochastic[fine], None, like, alone[fine]
        over_seeds = SeedVariance(own, seeds, *known).of_means()
        rows = np.array([each.rows for each in chosen]) * panel.inflation[fine]
        n[c, fine] = [each.n for each in chosen]
        errors.append(Mixture(rows, *over_seeds, round(float(n[c, fine].min()))))
    if not errors:
        return low, high
    error = np.concatenate([each.error for each in errors])
    half = half_widths(errors, confidence)
    low[usable], high[usable] = intervals.scores(mean[usable], error, half, n[usable], confidence)
    return low, high
