"""leaks.csv: accuracy with and without the test rows that are, or nearly are, in the training split."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from finetone.comparison.panel import Panel
from finetone.comparison.scores import Scores, scores_of
from finetone.errors import UserError
from finetone.files import read_json
from finetone.formats import similar_rows
from finetone.statistics.metrics import Bools, Floats
from finetone.statistics.variance.roles import Roles
from finetone.tables.panels import panels

COLUMNS = [
    *("dataset", "method", "rows", "leaked_rows", "accuracy", "accuracy_unleaked"),
    *("difference", "low", "high", "near_rows", "accuracy_distinct", "distinct_difference"),
    *("distinct_low", "distinct_high"),
]
WITHOUT = COLUMNS[: COLUMNS.index("near_rows")]


def table(
    predictions: Sequence[Path],
    audit: Path,
    near_duplicates: Path,
    confidence: float,
    roles: Roles,
    seed_sd: float | None,
) -> pd.DataFrame:
    """Accuracy with and without leaked rows, one row per method on the audited dataset.

    `difference` = accuracy - accuracy_unleaked: what the leaked rows add. It is the share of leaked
    rows times the difference in accuracy between leaked and other rows, which gives its interval.
    Without leaked rows it is exactly 0; if all rows are leaked it is empty. `near_rows` have a
    near-duplicate in train but no text that is there as it is; `accuracy_distinct` is without both,
    and `distinct_difference` = accuracy - accuracy_distinct.

    Parameters
    ----------
    predictions
        Prediction files.
    audit
        The audit (JSON) of a dataset.
    near_duplicates
        Its list of near-duplicates.
    confidence
        Confidence level of the intervals, in (0, 1).
    roles
        Of the methods, which decide how chance is judged.
    seed_sd
        Stated standard deviation over seeds, in points, where no method has two runs.

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
    pairs = similar_rows.read(near_duplicates)
    near_ids = pairs.loc[(pairs["split"] == "test") & (pairs["other_split"] == "train"), "id"]
    tables = []
    for panel in panels(predictions, dataset):
        leaked = np.isin(panel.ids, ids)
        if leaked.sum() != len(set(ids)):
            raise UserError(
                f"{audit}: leaks: id {sorted(set(ids) - set(panel.ids.tolist()))[0]} is not in the "
                f"predictions on '{panel.dataset}'; delete the audit and rerun"
            )
        near = np.isin(panel.ids, near_ids) & ~leaked
        found = _leaks(panel, leaked, confidence, roles, seed_sd)
        both = _leaks(panel, leaked | near, confidence, roles, seed_sd)
        found["near_rows"] = int(near.sum())
        found["accuracy_distinct"] = both["accuracy_unleaked"]
        for name in ("difference", "low", "high"):
            found[f"distinct_{name}"] = both[name]
        tables.append(found[COLUMNS])
    return pd.concat(tables)


def _leaks(
    panel: Panel, leaked: Bools, confidence: float, roles: Roles, seed_sd: float | None
) -> pd.DataFrame:
    found = pd.DataFrame({"method": panel.methods}).assign(
        dataset=panel.dataset,
        rows=len(panel.ids),
        leaked_rows=int(leaked.sum()),
        accuracy=[panel.mean_accuracy(method) for method in panel.methods],
    )
    if leaked.all():
        return found.reindex(columns=WITHOUT)
    if not leaked.any():
        clean = found.assign(difference=0.0, low=0.0, high=0.0)
        return clean.assign(accuracy_unleaked=found["accuracy"])[WITHOUT]
    own, rest = (
        scores_of(panel.of_rows(chosen), "accuracy", roles, seed_sd) for chosen in (leaked, ~leaked)
    )
    found["accuracy_unleaked"] = rest.mean
    found["difference"] = found["accuracy"] - rest.mean
    low, high = _square_and_add(own, rest, confidence)
    found["low"], found["high"] = leaked.mean() * low, leaked.mean() * high
    return found[WITHOUT]


def _square_and_add(a: Scores, b: Scores, confidence: float) -> tuple[Floats, Floats]:
    """(low [K], high [K]) of differences a - b of accuracies on different rows.

    Of independent proportions (Newcombe 1998, method 10; Zou & Donner 2008), made of the intervals
    that accuracies have everywhere, which are right with few rows, too. Seed effects are taken as
    independent in the two sets of rows, although they partly cancel: it is rather too wide.
    """
    (a_low, a_high), (b_low, b_high) = a.interval(confidence), b.interval(confidence)
    difference = a.mean - b.mean
    low = difference - np.hypot(a.mean - a_low, b_high - b.mean)
    high = difference + np.hypot(a_high - a.mean, b.mean - b_low)
    return low, high
