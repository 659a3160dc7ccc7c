"""All metrics of one run from its logits, each with its standard error."""

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

    logits: [n, classes]; label: [n] in 0…classes-1; n ≥ 1.
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
    return {
        "n": n,
        "correct": int(correct.sum()),
        "accuracy": float(correct.mean()),
        **{name: float(value) for name, value in values.items()},
        **{f"{name}_se": standard_error(influence) for name, influence in influences.items()},
    }
