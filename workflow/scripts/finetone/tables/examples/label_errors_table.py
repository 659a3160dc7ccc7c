"""label_errors.csv: rows whose label the methods contradict most, though they never learned from it.

The rows are those that methods are tested on, in cross-validation all. Each method gives a row the
probability of its label, mean over seeds, less that of the likeliest other class: the normalized margin
of confident learning (Northcutt, Jiang & Chuang 2021). It is standardised by its rank among the rows, so
that a method that is always sure does not outvote the others, and averaged over methods, which count by
the log-odds of their accuracy: so voters of unequal skill are best heard (Nitzan & Paroush 1982).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from finetone.comparison.panel import Panel
from finetone.statistics.metrics import Floats, Ints
from finetone.tables.examples.errors_table import asked, excerpt
from finetone.tables.examples.texts import panels_with_texts

MOST = 200  # rows shown
COLUMNS = [
    *("dataset", "rank", "id", "label", "suggested", "contradicting", "methods"),
    *("probability_of_label", "probability_of_suggested", "text", "says"),
]


def table(
    predictions: Sequence[Path], texts: Mapping[str, Path], controls: Sequence[str]
) -> pd.DataFrame:
    """The rows that are most likely labelled wrongly, the likeliest first.

    Parameters
    ----------
    predictions
        Prediction files of the source dataset.
    texts
        {dataset: Parquet file of the rows that methods are tested on}.
    controls
        Methods that are there to be beaten, and are not asked.
    """
    found = panels_with_texts(predictions, texts)
    return pd.concat([label_errors(panel, of_rows, controls) for panel, of_rows in found])


def label_errors(
    panel: Panel, texts: Sequence[str], controls: Sequence[str] = (), most: int = MOST
) -> pd.DataFrame:
    """Rows of one dataset that at least half of the methods contradict, at most `most`.

    Parameters
    ----------
    panel
        Its predictions.
    texts
        [n], in the panel's order of rows.
    controls
        Methods that are not asked; nor are those that predict one class for all rows.
    most
        Largest number of rows.
    """
    voters = asked(panel, controls)
    if not voters:
        return pd.DataFrame(columns=COLUMNS)
    p = np.stack([panel.probabilities[panel.columns[method]].mean(axis=0) for method in voters])
    doubt, of_label = doubts(p, panel.label)
    rows = np.arange(len(panel.label))
    taken = p.argmax(axis=2)
    against = taken != panel.label
    others = p.mean(axis=0)
    others[rows, panel.label] = -1.0
    suggested = others.argmax(axis=1)
    order = np.argsort(-doubt, kind="stable")
    order = order[2 * against.sum(axis=0)[order] >= len(voters)][:most]
    found = []
    for rank, row in enumerate(order, start=1):
        says = [
            f"{method}: {panel.labels[taken[m, row]]} ({100 * p[m, row, taken[m, row]]:.0f} %)"
            for m, method in enumerate(voters)
        ]
        found.append(
            (
                *(panel.dataset, rank, panel.ids[row], panel.labels[panel.label[row]]),
                *(panel.labels[suggested[row]], int(against[:, row].sum()), len(voters)),
                *(of_label[row], others[row, suggested[row]], excerpt(texts[row])),
                "; ".join(says),
            )
        )
    return pd.DataFrame(found, columns=COLUMNS)


def doubts(p: Floats, label: Ints) -> tuple[Floats, Floats]:
    """(how much the methods contradict each label [n], mean probability of the label [n]).

    Parameters
    ----------
    p
        [methods, n, classes] probabilities.
    label
        [n]
    """
    rows = np.arange(len(label))
    own = p[:, rows, label]
    others = p.copy()
    others[:, rows, label] = -1.0
    margin = own - others.max(axis=2)
    ranks = stats.rankdata(-margin, axis=1) / (len(label) + 1)
    right = (margin > 0).sum(axis=1) + 0.5
    skill = np.log((p.shape[2] - 1) * right / (len(label) + 1 - right))
    weights = np.maximum(skill, 0.0)
    if not weights.any():  # none is better than chance
        weights = np.ones(len(p))
    found: Floats = weights @ stats.norm.ppf(ranks) / weights.sum()
    return found, own.mean(axis=0)
