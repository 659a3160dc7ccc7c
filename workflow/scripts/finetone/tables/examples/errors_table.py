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


def table(
    predictions: Sequence[Path], texts: Mapping[str, Path], controls: Sequence[str] = ()
) -> pd.DataFrame:
    """Rows that methods get wrong, for every dataset whose test split is in `texts`.

    Parameters
    ----------
    predictions
        Prediction files.
    texts
        {dataset: Parquet file of its test split}.
    controls
        Methods that are there to be beaten, and do not count.
    """
    found = panels_with_texts(predictions, texts)
    return pd.concat([errors(panel, of_rows, controls) for panel, of_rows in found])


def asked(panel: Panel, controls: Sequence[str] = ()) -> list[str]:
    """The methods that have a say on single rows: no control, and none that predicts one class only.

    A control at chance level would be right or wrong by chance; one class for all rows makes whole
    classes right or wrong.

    Parameters
    ----------
    panel
        The predictions on one dataset.
    controls
        Methods that are there to be beaten.
    """
    return [
        method
        for method, own in panel.columns.items()
        if method not in controls and np.ptp(panel.predicted[own]) > 0
    ]


def errors(
    panel: Panel, texts: list[str], controls: Sequence[str] = (), most: int = MOST
) -> pd.DataFrame:
    """Rows that every method gets wrong, and rows on which the methods disagree most.

    A method is wrong on a row if more than half of its seeds are. Only those that are `asked` count.
    Rows `all-wrong` are ordered by the mean probability of the true label, lowest first. Rows of
    `disagreement` are ordered by how near the share of wrong methods is to one half, then by the
    standard deviation of that probability, largest first.

    Parameters
    ----------
    panel
        The predictions on one dataset.
    texts
        [n], in the panel's order of rows.
    controls
        Methods that do not count.
    most
        Largest number of rows of each of the two kinds.
    """
    judges = [panel.columns[method] for method in asked(panel, controls)]
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
