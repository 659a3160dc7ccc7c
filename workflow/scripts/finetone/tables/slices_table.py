"""slices.csv: accuracy by length of the text and by label."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from finetone.statistics import paired
from finetone.statistics.panel import Panel
from finetone.tables.texts import panels_with_texts

QUARTERS = 4
COLUMNS = ["dataset", "method", "kind", "slice", "n", "accuracy", "low", "high", "least", "most"]


def table(
    predictions: Sequence[Path],
    texts: Mapping[str, Path],
    confidence: float,
    deterministic: Sequence[str],
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
    deterministic
        The methods that another seed would not change.
    seed_sd
        Stated standard deviation over seeds, in points, where no method has two runs.
    """
    found = panels_with_texts(predictions, texts)
    stated = None if seed_sd is None else seed_sd / 100
    return pd.concat([slices(each, own, confidence, deterministic, stated) for each, own in found])


def slices(
    panel: Panel,
    texts: list[str],
    confidence: float,
    deterministic: Collection[str],
    seed_sd: float | None,
) -> pd.DataFrame:
    """Accuracy by quarter of text length and by label, with intervals over seeds and rows.

    How much seeds vary is judged within each slice, from all methods together (`paired.Scores`).

    Parameters
    ----------
    panel
        The predictions on one dataset.
    texts
        [n], in the panel's order of rows.
    confidence
        Confidence level of the intervals, in (0, 1).
    deterministic
        The methods that another seed would not change.
    seed_sd
        Stated standard deviation over seeds, as a fraction, where no method has two runs.

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
    tables = []
    for place, (kind, name, chosen) in enumerate(parts):
        n = int(chosen.sum())
        if not n:
            continue
        scores = paired.scores_of(panel.of_rows(chosen), "accuracy", deterministic, seed_sd)
        low, high = scores.interval(confidence)
        one = pd.DataFrame({"method": panel.methods, "accuracy": scores.mean})
        one = one.assign(low=low, high=high, kind=kind, slice=name, n=n, place=place)
        quarter_of = lengths[chosen] if kind == "length" else None
        one["least"] = pd.NA if quarter_of is None else quarter_of.min()
        one["most"] = pd.NA if quarter_of is None else quarter_of.max()
        tables.append(one.assign(order=range(len(one))))
    found = pd.concat([each.astype({"least": "Int64", "most": "Int64"}) for each in tables])
    return found.sort_values(["order", "place"]).assign(dataset=panel.dataset)[COLUMNS]
