"""Where methods go wrong: reliability, slices of the data, single rows."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from finetone.errors import UserError
from finetone.formats.predictions_reader import Panel
from finetone.statistics import intervals
from finetone.statistics.metrics import Floats, reliability

QUARTERS = 4
CUT = 300  # characters of a text shown


def reliability_bins(panel: Panel, confidence: float) -> pd.DataFrame:
    """Confidence in the predicted class against accuracy, seeds pooled, bins of equal mass.

    `n` counts predictions (rows x seeds). The Wilson interval uses n / seeds, since predictions of
    several seeds for one row are hardly more than one observation.
    """
    rows = []
    for method, columns in panel.columns.items():
        bins = reliability(
            panel.probabilities[columns].max(axis=2).ravel(), panel.correct[columns].ravel()
        )
        seeds = len(panel.seeds[method])
        for number, (mean, accuracy, n) in enumerate(
            zip(bins.confidence, bins.accuracy, bins.n, strict=True), start=1
        ):
            low, high = intervals.wilson(accuracy * n / seeds, n / seeds, confidence)
            rows.append((panel.dataset, method, number, mean, accuracy, low, high, n))
    columns_ = ["dataset", "method", "bin", "confidence", "accuracy", "low", "high", "n"]
    return pd.DataFrame(rows, columns=columns_)


def read_texts(panel: Panel, path: object) -> list[str]:
    """The panel's texts in its order of ids."""
    table = pq.read_table(str(path), columns=["id", "text"])
    ids = table.column("id").to_numpy()
    order = np.argsort(ids, kind="stable")
    if not np.array_equal(ids[order], panel.ids):
        raise UserError(
            f"{path}: its ids are not those of the predictions on '{panel.dataset}'; "
            "delete the predictions and rerun"
        )
    texts: list[str] = table.column("text").take(order).to_pylist()
    return texts


def slices(panel: Panel, texts: list[str], confidence: float) -> pd.DataFrame:
    """Accuracy by quarter of text length (characters) and by label, with intervals over seeds and
    rows. `least` and `most` are the lengths within a quarter; equal lengths share one, so there
    may be fewer."""
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


def errors(panel: Panel, texts: list[str], most: int) -> pd.DataFrame:
    """Rows every method gets wrong, and rows that divide the methods most; at most `most` of each.

    A method is wrong on a row if more than half of its seeds are. Methods that give one class to
    all rows (the majority control) do not count: they would call whole classes right or wrong.
    all-wrong: by the mean probability of the true label, lowest first. disagreement: nearest to
    half of the methods wrong first, then by the spread of that probability, widest first.
    """
    judges = [columns for columns in panel.columns.values() if np.ptp(panel.predicted[columns]) > 0]
    names = [
        "dataset",
        "id",
        "label",
        "text",
        "wrong_methods",
        "methods",
        "mean_probability_of_label",
        "why",
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
    """The text on one line, without control characters, cut to what a table can hold."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * CUT]).split())
    return line if len(line) <= CUT else line[: CUT - 1].rstrip() + "…"
