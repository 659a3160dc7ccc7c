"""slices.csv: accuracy by length of the text and by label."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from finetone.statistics import intervals
from finetone.statistics.panel import Panel
from finetone.tables.texts import panels_with_texts

QUARTERS = 4


def table(
    predictions: Sequence[Path], texts: Mapping[str, Path], confidence: float
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
    """
    found = panels_with_texts(predictions, texts)
    return pd.concat([slices(panel, of_rows, confidence) for panel, of_rows in found])


def slices(panel: Panel, texts: list[str], confidence: float) -> pd.DataFrame:
    """Accuracy by quarter of text length and by label, with intervals over seeds and rows.

    Parameters
    ----------
    panel
        The predictions on one dataset.
    texts
        [n], in the panel's order of rows.
    confidence
        Confidence level of the intervals, in (0, 1).

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
    rows = []
    for method, columns in panel.columns.items():
        for kind, name, chosen in parts:
            n = int(chosen.sum())
            if n:
                per_seed = panel.correct[columns][:, chosen].mean(axis=1)
                low, high = intervals.over_seeds(per_seed, n, confidence)
                least, most = (
                    (lengths[chosen].min(), lengths[chosen].max())
                    if kind == "length"
                    else (pd.NA, pd.NA)
                )
                row = (panel.dataset, method, kind, name, n, per_seed.mean(), low, high)
                rows.append((*row, least, most))
    names = ["dataset", "method", "kind", "slice", "n", "accuracy", "low", "high", "least", "most"]
    return pd.DataFrame(rows, columns=names).astype({"least": "Int64", "most": "Int64"})
