"""learning_curve.csv, …_fit.csv and …_crossings.csv: scores against the number of training rows.

The rows of a seed are nested: those of a smaller number are among those of a larger one. Each seed
has rows of its own, so intervals are over other training rows, too; but with most of the rows there
are, seeds share most of them, and it can hardly be told what other rows would change. The last point
is that of the usual runs on all rows. `comparison.learning_curve` says how gains and crossings get
their intervals.
"""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from finetone.comparison.learning_curve import Curves, curves_of
from finetone.comparison.scores import Scores, scores_of
from finetone.files import read_json
from finetone.statistics.intervals import bounded
from finetone.statistics.variance.roles import Roles
from finetone.tables.panels import panels

MORE = 1000  # rows that the fit is asked about, beside as many as there are
POINTS = [
    *("dataset", "method", "rows", "all_rows", "metric", "score", "low", "high", "seeds", "n")
]
FIT = [
    *("dataset", "method", "metric", "points", "rows", *bounded("limit"), *bounded("exponent")),
    *("scale", "more", *bounded("gain"), *bounded("gain_twice"), "reason"),
]
CROSSINGS = ["dataset", "a", "b", "metric", "rows", "low", "high", "share"]
TOO_FEW = "fewer than three different numbers of rows"


def table(
    curve: Sequence[Path],
    predictions: Sequence[Path],
    data: Path,
    metric: str,
    confidence: float,
    roles: Roles,
    seed_sd: float | None,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """(learning_curve, learning_curve_fit, learning_curve_crossings) on the source dataset.

    Parameters
    ----------
    curve
        Prediction files …/rows<number>/<method>/seed<k>.parquet of the test rows.
    predictions
        Those of the usual runs of these methods.
    data
        Folder of the dataset.
    metric
        What methods are compared by, one of `evaluation.SCORES`.
    confidence
        Confidence level of the intervals, in (0, 1).
    roles
        Of the methods, which decide how chance is judged; deterministic ones if the rows were the same.
    seed_sd
        Stated standard deviation over seeds, in points, where no method has two runs.
    seed
        Of the draws that intervals are made of.
    """
    by_rows: dict[int, list[Path]] = {}
    for path in curve:
        by_rows.setdefault(int(path.parts[-3].removeprefix("rows")), []).append(path)
    numbers, paths = sorted(by_rows), [by_rows[number] for number in sorted(by_rows)]
    total = sum(read_json(data / "manifest.json")["rows"]["train"].values())
    # where rows are drawn anew by every seed, no method is deterministic
    every_row: Roles = {"controls": roles.get("controls", ())}
    found: list[Scores] = []
    for own in paths:
        (panel,) = panels(own)
        found.append(scores_of(panel, metric, every_row, seed_sd))
    (panel,) = panels(predictions)
    found.append(scores_of(panel, metric, roles, seed_sd))
    if panel.folds:  # each was trained on all but one fold
        total = round(total * (1 - 1 / panel.folds.number))
    numbers.append(total)
    points = pd.concat(
        [_points(each, rows, confidence) for each, rows in zip(found, numbers, strict=True)]
    )
    points["all_rows"] = points["rows"] == total
    points["place"] = points["method"].map(found[-1].methods.index)
    points = points.sort_values(["place", "rows"], kind="stable")
    curves = curves_of(found, numbers, seed)
    frames = (
        points,
        pd.DataFrame([_fit(curves, method, confidence) for method in found[-1].methods]),
        pd.DataFrame(_crossings(curves, confidence), columns=[*CROSSINGS[1:3], *CROSSINGS[4:]]),
    )
    columns = (POINTS, FIT, CROSSINGS)
    about = {"dataset": panel.dataset, "metric": metric}
    return tuple(  # type: ignore[return-value]
        frame.assign(**about).reindex(columns=names)
        for frame, names in zip(frames, columns, strict=True)
    )


def _points(scores: Scores, rows: int, confidence: float) -> pd.DataFrame:
    low, high = scores.interval(confidence)
    return pd.DataFrame(
        {
            "method": scores.methods,
            "rows": rows,
            **{"score": scores.mean, "low": low, "high": high, "seeds": scores.seeds},
            "n": scores.of_rows.shape[1],
        }
    )


def _fit(curves: Curves, method: str, confidence: float) -> dict[str, Any]:
    own = curves.scores[curves.methods.index(method)]
    there = curves.rows[np.isfinite(own)]
    row: dict[str, Any] = {"method": method, "points": len(np.unique(there)), "reason": ""}
    law = curves.law(method)
    if law is None:
        return row | {"reason": TOO_FEW}
    now = float(there[-1])
    estimates = {
        "limit": law.limit(confidence),
        "exponent": law.exponent(confidence),
        "gain": law.gain(MORE, confidence),
        "gain_twice": law.gain(now, confidence),
    }
    for name, values in estimates.items():
        row |= dict(zip(bounded(name), values, strict=True))
    return row | {"rows": int(now), "more": MORE, "scale": float(law.law.scale[0])}


def _crossings(curves: Curves, confidence: float) -> list[dict[str, Any]]:
    found = []
    for first, second in combinations(curves.methods, 2):
        crossing = curves.crossing(first, second)
        if crossing is not None:
            low, high = crossing.interval(confidence)
            row = {"a": crossing.few, "b": crossing.many, "rows": crossing.rows}
            found.append(row | {"low": low, "high": high, "share": crossing.share})
    return found
