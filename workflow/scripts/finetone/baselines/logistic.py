"""Logistic regression on given features: fitted by scikit-learn, kept as plain arrays."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from finetone.baselines import smoothed
from finetone.baselines.baseline import Task
from finetone.data.class_weights import balanced
from finetone.errors import UserError
from finetone.log import logger

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ARRAYS = ("coefficients", "intercepts", "present")
MOST = 5000  # steps


@dataclass(frozen=True)
class Linear:
    """A linear classifier of K classes, of which c have training rows.

    Attributes
    ----------
    coefficients, intercepts
        [c, features] and [c].
    present
        [c] the classes that have training rows.
    classes
        K.
    absent
        By how much a class without training rows lies below all others.
    """

    coefficients: Floats
    intercepts: Floats
    present: Ints
    classes: int
    absent: float

    @classmethod
    def of(cls, arrays: dict[str, Any], classes: int, rows: int) -> "Linear":
        """From its `arrays`; `rows` are those that it learned from.

        A class without a training row gets the lowest logit of the text less log 2n, as if half a
        row of n had been seen: never chosen, yet of finite loss.
        """
        absent = float(np.log(2 * rows))
        kept = {name: arrays[name] for name in ARRAYS}
        return cls(**kept, classes=classes, absent=absent)

    @property
    def arrays(self) -> dict[str, Any]:
        """What is kept of it."""
        return {name: getattr(self, name) for name in ARRAYS}

    @property
    def numbers(self) -> int:
        """How many were learned: of two classes, one is the other's opposite."""
        share = 2 if len(self.present) == 2 else 1
        return int(self.coefficients.size + self.intercepts.size) // share

    def logits(self, features: Any) -> npt.NDArray[np.float32]:
        """Logits [n, K] of features [n, features], dense or sparse."""
        scores = features @ self.coefficients.T
        scores += self.intercepts
        every = np.repeat(scores.min(axis=1, keepdims=True) - self.absent, self.classes, axis=1)
        every[:, self.present] = scores
        return every.astype(np.float32)

    def unscaled(self, mean: Floats, deviation: Floats) -> "Linear":
        """The same classifier for features as they were before (x - mean) / deviation."""
        coefficients = self.coefficients / deviation
        return replace(
            self, coefficients=coefficients, intercepts=self.intercepts - coefficients @ mean
        )


def fit(
    features: Any,
    labels: Ints,
    classes: int,
    C: float,
    threads: int,
    config_key: str = "",
    tolerance: float = 1e-6,
    class_weights: Floats | None = None,
    label_smoothing: float = 0.0,
) -> Linear:
    """Fit by L-BFGS, which draws nothing at random.

    Of two classes one vector of coefficients is penalised, of more one per class, as scikit-learn
    does it.

    Parameters
    ----------
    features, labels
        [n, features], dense or sparse, and [n], of two classes at least.
    classes
        How many there are, with or without rows.
    C
        Inverse strength of the L2 penalty.
    threads
        CPU threads.
    config_key
        Place of the method in the configuration, to warn with if the fit has not converged.
    tolerance
        Largest gradient at the end; as small as by default, rounding decides no prediction.
    class_weights
        [K] in the loss; a row of a class counts as much as one of another without.
    label_smoothing
        Share of a label that is spread evenly over the classes, as torch's cross-entropy does it.
    """
    present = np.unique(labels)
    weights = np.ones(len(present)) if class_weights is None else class_weights[present]
    with threadpool_limits(threads), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        if label_smoothing:  # scikit-learn has none
            found = smoothed.minimum(features, labels, C, weights, label_smoothing, tolerance, MOST)
            coefficients, intercepts, steps = found
        else:
            by_class = None if class_weights is None else dict(zip(present, weights, strict=True))
            model = LogisticRegression(
                C=C, solver="lbfgs", tol=tolerance, max_iter=MOST, class_weight=by_class
            )
            model.fit(features, labels)
            coefficients, intercepts, steps = model.coef_, model.intercept_, max(model.n_iter_)
            if len(present) == 2:  # scikit-learn keeps one row, the second class's log odds
                coefficients = np.concatenate([-coefficients, coefficients]) / 2
                intercepts = np.concatenate([-intercepts, intercepts]) / 2
    if config_key and steps >= MOST:
        logger.warning("%s: logistic regression has not converged; lower C", config_key)
    arrays = {"coefficients": coefficients, "intercepts": intercepts, "present": present}
    return Linear.of(arrays, classes, len(labels))


def require_two_classes(labels: Ints, names: list[str], config_key: str) -> None:
    """Check that there are rows of two classes.

    Raises
    ------
    UserError
        There are not.
    """
    present = np.unique(labels)
    if len(present) < 2:
        raise UserError(
            f"{config_key}: every training row is {names[present[0]]!r}; this kind needs rows "
            "of two classes"
        )


def loss(task: Task) -> dict[str, Any]:
    """What makes the loss of a method another than the plain one, as arguments of `fit`."""
    weighted = task.settings.get("class_weights")
    return {
        "class_weights": balanced(task.labels, task.names) if weighted else None,
        "label_smoothing": task.settings.get("label_smoothing", 0.0),
    }
