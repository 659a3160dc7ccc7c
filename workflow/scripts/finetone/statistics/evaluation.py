"""All metrics of one run from its logits, each with its rows' influences on it."""

import numpy as np

from finetone.statistics import metrics
from finetone.statistics.metrics import Floats, Ints
from finetone.statistics.standard_errors import of_auc, of_cells, standard_error

OF_CONFUSION = {
    "balanced_accuracy": metrics.balanced_accuracy,
    "macro_f1": metrics.macro_f1,
    "mcc": metrics.mcc,
}


def evaluate(logits: Floats, label: Ints) -> dict[str, float]:
    """`n`, `correct`, `accuracy`, `loss` and METRICS of one run, and `<metric>_se` of the last two.

    Parameters
    ----------
    logits
        [n, classes]
    label
        [n] in 0…classes-1; n ≥ 1
    """
    values, influences = scores(logits, label)
    errors = {f"{name}_se": standard_error(each) for name, each in influences.items()}
    n, correct = len(label), int(influences["accuracy"].sum())
    del errors["accuracy_se"]
    return {"n": n, "correct": correct, **values, **errors}


def scores(logits: Floats, label: Ints) -> tuple[dict[str, float], dict[str, Floats]]:
    """(accuracy, loss and METRICS of one run; each row's influence [n] on each of them).

    To first order a metric is a constant plus the mean of its influences: what one row more of a
    kind would add, times n (see `standard_errors`). Parameters as in `evaluate`.
    """
    n, classes = logits.shape
    rows = np.arange(n)
    log_p = metrics.log_softmax(logits)
    p = np.exp(log_p)
    # of the logits themselves, so that probabilities which round to the same number do not tie
    predicted = logits.argmax(axis=1)
    correct = predicted == label
    table = metrics.confusion(label, predicted, classes)
    cell = label.astype(np.int64) * classes + predicted
    placed = metrics.placements(logits, label)
    of_rows = {  # metrics that are means over rows, each its own influence
        "accuracy": correct,
        "loss": -log_p[rows, label],
        "brier": metrics.brier(p, label),
        "ece": metrics.gaps(p[rows, predicted], correct),
    }
    values = {
        **{name: each.mean() for name, each in of_rows.items()},
        "auc": np.mean([share[side].mean() for side, share in placed]) if placed else np.nan,
        **{name: metric(table) for name, metric in OF_CONFUSION.items()},
    }
    influences = {
        **of_rows,
        "auc": of_auc(placed, n),
        **{name: of_cells(metric, table)[cell] for name, metric in OF_CONFUSION.items()},
    }
    return {name: float(value) for name, value in values.items()}, influences
