"""The control every method must beat: the class shares of the training rows, whatever the text."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def fit(labels: npt.NDArray[np.int64], classes: int) -> tuple[dict[str, Any], int]:
    """Log shares of the classes among `labels` [n] as (facts for `load`, numbers learned).

    A class without a row counts as half a row, so that its loss in a test set stays finite. Of
    equally frequent classes the first wins.
    """
    counts = np.bincount(labels, minlength=classes)
    return {"logits": np.log(np.maximum(counts, 0.5) / len(labels)).tolist()}, classes


def load(facts: dict[str, Any]) -> Callable[[Sequence[str]], npt.NDArray[np.float32]]:
    """The function from n texts to their logits [n, classes]."""
    logits = np.array(facts["logits"], dtype=np.float32)
    return lambda texts: np.tile(logits, (len(texts), 1))
