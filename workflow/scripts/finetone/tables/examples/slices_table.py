"""slices.csv: accuracy by length of the text and by label."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from finetone.comparison.panel import Panel
from finetone.comparison.scores import scores_of
from finetone.statistics.intervals import scores
from finetone.statistics.variance.mixture import half_widths
from finetone.statistics.variance.roles import Roles
from finetone.tables.examples.texts import panels_with_texts

QUARTERS = 4
COLUMNS = ["dataset", "method", "kind", "slice", "n", "accuracy", "low", "high", "least", "most"]


def table(
    predictions: Sequence[Path],
    texts: Mapping[str, Path],
    confidence: float,
    roles: Roles,
    seed_sd: float | None,
) -> pd.DataFrame:
    """Accuracy by slice, for every dataset whose test split is in `texts`.

    Parameters
    ----------
    predictions
        Prediction files.
    texts
        {dataset: Parquet file of its test split}.
    confidence
        Confidence level of the intervals, in (0, 1).
    roles
        Of the methods, which decide how chance is judged.
    seed_sd
        Stated standard deviation over seeds, in points, where no method has two runs.
    """
    found = panels_with_texts(predictions, texts)
    return pd.concat([slices(each, own, confidence, roles, seed_sd) for each, own in found])


def slices(
    panel: Panel, texts: list[str], confidence: float, roles: Roles, seed_sd: float | None
) -> pd.DataFrame:
    """Accuracy by quarter of text length and by label, with intervals over seeds and rows.

    How much seeds vary is judged within each slice, from all methods together (`Scores`).

    Parameters
    ----------
    panel
        The predictions on one dataset.
    texts
        [n], in the panel's order of rows.
    confidence
        Confidence level of the intervals, in (0, 1).
    roles
        Of the methods, which decide how chance is judged.
    seed_sd
        Stated standard deviation over seeds, in points, where no method has two runs.

    Returns
    -------
    DataFrame
        `least` and `most` are the lengths (characters) within a quarter. Equal lengths share a
        quarter, so there may be fewer than four.
    """
    lengths = np.array([len(text) for text in texts])
    cuts = np.unique(np.quantile(lengths, np.arange(1, QUARTERS) / QUARTERS, method="lower"))
    quarter = np.searchsorted(cuts, lengths, side="left")
    parts = [
        ("length", f"q{place}", quarter == number)
        for place, number in enumerate(np.unique(quarter), start=1)
    ] + [("label", name, panel.label == c) for c, name in enumerate(panel.labels)]
    tables, errors = [], []
    for place, (kind, name, chosen) in enumerate(parts):
        own = lengths[chosen]
        if not len(own):
            continue
        own_scores = scores_of(panel.of_rows(chosen), "accuracy", roles, seed_sd)
        errors.append(own_scores.errors)
        least, most = (own.min(), own.max()) if kind == "length" else (None, None)
        for order, (method, accuracy) in enumerate(
            zip(panel.methods, own_scores.mean, strict=True)
        ):
            part = (order, place, method, kind, name, len(own), accuracy, least, most)
            tables.append((panel.dataset, *part))
    names = [
        *("dataset", "order", "place", "method", "kind", "slice", "n", "accuracy", "least"),
        "most",
    ]
    found = pd.DataFrame(tables, columns=names).astype({"least": "Int64", "most": "Int64"})
    error = np.concatenate([each.error for each in errors])
    half, n = half_widths(errors, confidence), found["n"].to_numpy(float)
    ends = scores(found["accuracy"].to_numpy(float), error, half, n, confidence)
    found["low"], found["high"] = ends
    return found.sort_values(["order", "place"])[COLUMNS]
