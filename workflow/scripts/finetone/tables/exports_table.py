"""exports.csv: what an exported model keeps of the original, and what it costs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from finetone.comparison import paired, scores
from finetone.comparison.panel import Panel
from finetone.files import read_json
from finetone.formats.predictions import header
from finetone.statistics.intervals import bounded, wilson
from finetone.tables.method_facts import whole
from finetone.tables.panels import panels
from finetone.tables.timings import timings

ORIGINAL, FORMS = "original", ("fp32", "int8")
COLUMNS = [
    *("dataset", "method", "form", "seed", "n"),
    *(*bounded("accuracy"), *bounded("difference"), *bounded("agreement")),
    *("bytes", *bounded("inference_examples_per_s"), *bounded("relative_prediction"), "doubtful"),
]


def table(
    predictions: Sequence[Path],
    forms: Sequence[Path],
    speeds: Sequence[Path],
    exported: Sequence[Path],
    confidence: float,
) -> pd.DataFrame:
    """One row per exported model and form, the original first.

    `difference` is accuracy minus the original's on the same rows. It is one trained model in
    several forms, so its interval is over new rows alone. `agreement` is the share of rows that
    both predict alike.

    Parameters
    ----------
    predictions
        Prediction files of the originals.
    forms
        Those of their forms.
    speeds
        Timings of originals and forms, in the order of `predictions`.
    exported
        The exported folders, in the same order.
    confidence
        Level of the intervals, in (0, 1).
    """
    heads = {header(path).method: path for path in forms}
    found = []
    for original, speed, folder in zip(predictions, speeds, exported, strict=True):
        method = header(original).method
        own = [heads[f"{method} {form}"] for form in FORMS]
        (panel,) = panels([original, *own])
        rows = _accuracies(panel, confidence)
        rows["bytes"] = pd.Series(read_json(folder / "manifest.json")["bytes"])
        rows = rows.join(timings(speed, confidence, ORIGINAL))
        rows["seed"] = panel.seeds[method][0]
        found.append(rows.reset_index(names="form").assign(method=method))
    return whole(pd.concat(found)[COLUMNS])


def _accuracies(panel: Panel, confidence: float) -> pd.DataFrame:
    """Accuracies, their differences and agreements, with the form as index."""
    names, n = panel.methods, len(panel.ids)
    of_all = scores.scores_of(panel, "accuracy", {"deterministic": names}, None)
    pairs = paired.compare(of_all)
    ends = dict(zip(pairs.names, zip(*pairs.interval(confidence), strict=True), strict=True))
    rows: list[dict[str, Any]] = []
    for place, name in enumerate(names):
        right = int(panel.correct[place].sum())
        same = int((panel.predicted[place] == panel.predicted[0]).sum())
        low, high = ends.get((names[0], name), (0.0, 0.0))
        rows.append(
            {
                "dataset": panel.dataset,
                "n": n,
                **_bounded("accuracy", right / n, *wilson(right, n, confidence)),
                **_bounded("difference", (right - int(panel.correct[0].sum())) / n, -high, -low),
                **_bounded("agreement", same / n, *wilson(same, n, confidence)),
            }
        )
    return pd.DataFrame(rows, index=[ORIGINAL, *FORMS])


def _bounded(name: str, value: float, low: float, high: float) -> dict[str, float]:
    return dict(zip(bounded(name), np.array([value, low, high]) + 0.0, strict=True))
