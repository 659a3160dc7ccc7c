"""All metrics of one run from its logits, and what each row contributes to them.

To first order a metric is its value plus the mean of one *influence* per row: what one row more of
its kind would add, times n (see `standard_errors`). A row's *contribution* is that value plus its
influence, so that every metric is the mean of its contributions, as the accuracy is of the rows'
0 and 1. What holds for means over the same rows, pairing above all, then holds for all metrics.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from finetone.statistics import metrics, standard_errors
from finetone.statistics.metrics import METRICS, Bools, Floats, Ints, Margins

SCORES = ("accuracy", "loss", *METRICS)
BOUNDS = dict.fromkeys(SCORES, (0.0, 1.0)) | {"loss": (0.0, np.inf), "mcc": (-1.0, 1.0)}
EVERY_SCORE = (*SCORES, *(f"{metric}_se" for metric in SCORES))
ERRORS = ("loss", "brier", "ece")  # lower is better; the others behave like a share of rows
OF_CONFUSION = {
    "balanced_accuracy": (metrics.balanced_accuracy, standard_errors.of_balanced_accuracy),
    "macro_f1": (metrics.macro_f1, standard_errors.of_macro_f1),
    "mcc": (metrics.mcc, standard_errors.of_mcc),
}


@dataclass(frozen=True)
class Evaluation:
    """One run on one dataset; each metric is computed when it is asked for.

    Parameters
    ----------
    logits
        [n, classes]
    label
        [n] in 0…classes-1; n ≥ 1
    """

    logits: Floats
    label: Ints

    @cached_property
    def predicted(self) -> Ints:
        """[n] predicted class; of the logits, as probabilities may round to the same number."""
        return metrics.most_likely(self.logits)

    @cached_property
    def correct(self) -> Bools:
        """[n]"""
        return self.predicted == self.label

    def value(self, metric: str) -> float:
        """Give one of SCORES; NaN where it is undefined."""
        if metric in OF_CONFUSION:
            return OF_CONFUSION[metric][0](self._counts)
        if metric == "auc":
            return self._auc[0]
        return float(self.influence(metric).mean())

    def influence(self, metric: str) -> Floats:
        """Influence [n] of each row; of a mean over rows (accuracy, loss …) its contribution."""
        if metric not in self._known:
            self._known[metric] = self._influence(metric)
        return self._known[metric]

    @cached_property
    def _known(self) -> dict[str, Floats]:
        return {}

    def _influence(self, metric: str) -> Floats:
        rows = np.arange(len(self.label))
        if metric in OF_CONFUSION:
            return OF_CONFUSION[metric][1](self._counts, self.label, self.predicted)
        if metric == "auc":
            return self._auc[1]
        if metric == "accuracy":
            return self.correct.astype(np.float64)
        if metric == "loss":
            loss: Floats = -self._log_p[rows, self.label]
            return loss
        if metric == "brier":
            return metrics.brier(self._p, self.label)
        return metrics.gaps(self._p[rows, self.predicted], self.correct)

    def values(self, names: Iterable[str]) -> dict[str, float]:
        """Several of EVERY_SCORE: `<metric>_se` is a metric's standard error over new rows."""
        return {
            name: float(self.influence(metric).std()) / len(self.label) ** 0.5
            if (metric := name.removesuffix("_se")) != name
            else float(self.value(name))
            for name in names
        }

    def contributions(self, metric: str) -> Floats:
        """[n] whose mean is the metric; NaN where it is undefined."""
        influence = self.influence(metric)
        if metric in OF_CONFUSION or metric == "auc":
            return influence - influence.mean() + self.value(metric)
        return influence

    @cached_property
    def _log_p(self) -> Floats:
        return metrics.log_softmax(self.logits)

    @cached_property
    def _p(self) -> Floats:
        return np.exp(self._log_p)

    @cached_property
    def _counts(self) -> Margins:
        return Margins.of_rows(self.label, self.predicted, self.logits.shape[1])

    @cached_property
    def _auc(self) -> tuple[float, Floats]:
        placed = metrics.placements(self.logits, self.label)
        return standard_errors.of_auc(placed, len(self.label))
