"""leaks.csv: accuracy with and without the test rows that are also in the training split."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from finetone.errors import UserError
from finetone.files import read_json
from finetone.statistics.intervals import Interval, over_seeds
from finetone.statistics.metrics import Bools
from finetone.statistics.panel import Panel
from finetone.tables.panels import panels

COLUMNS = [
    "dataset",
    "method",
    "rows",
    "leaked_rows",
    "accuracy",
    "accuracy_unleaked",
    "difference",
    "low",
    "high",
]


def table(predictions: Sequence[Path], audit: Path, confidence: float) -> pd.DataFrame:
    """Accuracy with and without leaked rows, one row per method on the audited dataset.

    `difference` = accuracy - accuracy_unleaked: what the leaked rows add. It is the share of leaked
    rows times the difference in accuracy between leaked and other rows, which gives its interval.
    Without leaked rows it is exactly 0; if all rows are leaked it is empty.

    Parameters
    ----------
    predictions
        Prediction files.
    audit
        The audit (JSON) of a dataset.
    confidence
        Confidence level of the intervals, in (0, 1).

    Raises
    ------
    UserError
        The audit has no leaks, or names rows that are not in the predictions.
    """
    facts = read_json(audit)
    try:
        dataset, ids = facts["dataset"], facts["leaks"]["ids"]
    except (KeyError, TypeError):
        raise UserError(f"{audit}: no audit of a dataset; delete it and rerun") from None
    rows = [
        row
        for panel in panels(predictions, dataset)
        for row in _rows(panel, ids, audit, confidence)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _rows(
    panel: Panel, ids: Sequence[int], audit: Path, confidence: float
) -> list[dict[str, object]]:
    leaked = np.isin(panel.ids, ids)
    if leaked.sum() != len(set(ids)):
        raise UserError(
            f"{audit}: leaks: id {sorted(set(ids) - set(panel.ids.tolist()))[0]} is not in the "
            f"predictions on '{panel.dataset}'; delete the audit and rerun"
        )
    rows = []
    for method in panel.methods:
        correct = panel.correct[panel.columns[method]]
        with_all = panel.mean_accuracy(method)
        without = float(correct[:, ~leaked].mean()) if not leaked.all() else float("nan")
        low, high = _added(correct, leaked, confidence)
        rows.append(
            {
                "dataset": panel.dataset,
                "method": method,
                "rows": len(panel.ids),
                "leaked_rows": int(leaked.sum()),
                "accuracy": with_all,
                "accuracy_unleaked": without,
                "difference": with_all - without,
                "low": low,
                "high": high,
            }
        )
    return rows


def _added(correct: Bools, leaked: Bools, confidence: float) -> Interval:
    """Square-and-add interval for what the leaked rows add to the accuracy.

    For a difference of independent proportions (Newcombe 1998, method 10; Zou & Donner 2008), made
    of the intervals that accuracies have everywhere. Seed effects are taken as independent in the
    two sets of rows, although they partly cancel: the interval is rather too wide than too narrow.

    Parameters
    ----------
    correct
        [seeds, n].
    leaked
        [n].
    confidence
        In (0, 1).
    """
    if not leaked.any():
        return 0.0, 0.0
    if leaked.all():
        return float("nan"), float("nan")
    (a, a_low, a_high), (b, b_low, b_high) = (
        (float(part.mean()), *over_seeds(part.mean(axis=1), part.shape[1], confidence))
        for part in (correct[:, leaked], correct[:, ~leaked])
    )
    share = float(leaked.mean())
    low = a - b - np.hypot(a - a_low, b_high - b)
    high = a - b + np.hypot(a_high - a, b - b_low)
    return float(share * low), float(share * high)
