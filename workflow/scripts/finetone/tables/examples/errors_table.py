"""errors.csv: rows that all methods get wrong, or that divide them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from finetone.comparison.panel import Panel
from finetone.statistics.metrics import Floats
from finetone.tables.examples.texts import panels_with_texts

CUT = 300  # characters of a text shown
MOST = 50  # rows of each kind


def table(predictions: Sequence[Path], texts: Mapping[str, Path]) -> pd.DataFrame:
    """Rows that methods get wrong, for every dataset whose test split is in `texts`.

    Parameters
    ----------
    predictions
        Prediction files.
    texts
        {dataset: Parquet file of its test split}.
    """
    found = panels_with_texts(predictions, texts)
    return pd.concat([errors(panel, of_rows) for panel, of_rows in found])


def errors(panel: Panel, texts: list[str], most: int = MOST) -> pd.DataFrame:
    """Rows that every method gets wrong, and rows on which the methods disagree most.

    A method is wrong on a row if more than half of its seeds are. Methods that predict one class
    for all rows (the majority control) do not count: they would make whole classes right or wrong.
    Rows `all-wrong` are ordered by the mean probability of the true label, lowest first. Rows of
    `disagreement` are ordered by how near the share of wrong methods is to one half, then by the
    standard deviation of that probability, largest first.

    Parameters
    ----------
    panel
        The predictions on one dataset.
    texts
        [n], in the panel's order of rows.
    most
        Largest number of rows of each of the two kinds.
    """
    judges = [columns for columns in panel.columns.values() if np.ptp(panel.predicted[columns]) > 0]
    names = [
        *("dataset", "id", "label", "text", "wrong_methods", "methods"),
        *("mean_probability_of_label", "why"),
    ]
    if not judges:
        return pd.DataFrame(columns=names)
    wrong = np.sum([panel.correct[c].mean(axis=0) < 0.5 for c in judges], axis=0)
    probability: Floats = np.stack([panel.label_probability[c].mean(axis=0) for c in judges])
    mean, spread = probability.mean(axis=0), probability.std(axis=0)
    all_wrong = np.flatnonzero(wrong == len(judges))
    divided = np.flatnonzero((wrong > 0) & (wrong < len(judges)))
    unlike_half = np.abs(2 * wrong - len(judges))
    chosen = [
        ("all-wrong", all_wrong[np.argsort(mean[all_wrong], kind="stable")]),
        ("disagreement", divided[np.lexsort((-spread[divided], unlike_half[divided]))]),
    ]
    rows = [
        (
            panel.dataset,
            panel.ids[row],
            panel.labels[panel.label[row]],
            excerpt(texts[row]),
            wrong[row],
            len(judges),
            mean[row],
            why,
        )
        for why, order in chosen
        for row in order[:most]
    ]
    return pd.DataFrame(rows, columns=names)


def excerpt(text: str) -> str:
    """Return the text on one line, without control characters, cut to what a table can hold."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * CUT]).split())
    return line if len(line) <= CUT else line[: CUT - 1].rstrip() + "…"
