"""Checks of a published table that need nothing but the table."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import erfc, log, sqrt
from typing import Any

import numpy as np

from finetone.published.reading import Printed, Result
from finetone.statistics.multiple_testing import holm


def lowest_loss(accuracy: float) -> float:
    """Lowest mean cross-entropy (nats) that is possible with an accuracy over the same rows.

    Where the true class is not the predicted one, another class has at least its probability p.
    Then 2p ≤ 1, and the row costs -ln p ≥ ln 2, whatever the number of classes. A right prediction
    can cost almost nothing. The mean is therefore at least (1 - accuracy)·ln 2.

    Parameters
    ----------
    accuracy
        In [0, 1].
    """
    return (1 - accuracy) * log(2)


def loss_possible(accuracy: Printed, loss: Printed, scale: int = 100) -> bool:
    """Whether the loss is possible with the accuracy, whichever way both were rounded.

    Parameters
    ----------
    accuracy, loss
        As printed; the loss in nats.
    scale
        What an accuracy of 1 is printed as.
    """
    return float(loss.highest) >= lowest_loss(min(1.0, float(accuracy.highest / scale)))


@dataclass(frozen=True)
class Repeat:
    """A row of the table in which all results are those of an earlier row, `original`."""

    model: str
    original: str
    values: int
    chance: float
    """Upper bound of P(any two rows of the table agree in all results), for uniform digits."""


def repeats(results: Sequence[Result]) -> list[Repeat]:
    """Find rows with at least two results that repeat an earlier row, epoch by epoch.

    Losses must agree where both rows have them; a row without losses can still be a copy.
    """
    rows: dict[str, dict[int, Result]] = {}
    for result in results:
        rows.setdefault(result.model, {})[result.epoch] = result
    found: dict[str, Repeat] = {}
    pairs = len(rows) * (len(rows) - 1) // 2
    for (original, first), (model, second) in combinations(rows.items(), 2):
        same = len(first) > 1 and first.keys() == second.keys() and model not in found
        if same and all(_agree(first[epoch], second[epoch]) for epoch in first):
            coincidence = float(np.prod([1 / _printable(results, first[e]) for e in first]))
            found[model] = Repeat(model, original, len(first), min(1.0, pairs * coincidence))
    return list(found.values())


def _agree(a: Result, b: Result) -> bool:
    same_loss = a.loss is None or b.loss is None or a.loss.value == b.loss.value
    return a.accuracy.value == b.accuracy.value and same_loss


def _printable(results: Sequence[Result], result: Result) -> int:
    """Number of values that can be printed between the smallest and the largest of the column."""
    column = [r.accuracy.value for r in results if r.epoch == result.epoch]
    steps = (max(column) - min(column)) * 10**result.accuracy.decimals
    return int(steps) + 1


def two_proportions(a: float, b: float, n: int) -> float:
    """Two-sided p-value of a = b for proportions of n rows each (pooled z-test).

    The test is unpaired, which is all that a table without predictions allows. Models tested on the
    same rows agree on most of them, so a paired test would detect smaller differences.

    Parameters
    ----------
    a, b
        Proportions, in [0, 1].
    n
        Number of rows behind each.
    """
    pooled = (a + b) / 2
    error = sqrt(2 * pooled * (1 - pooled) / n)
    if error == 0:
        return 1.0 if a == b else 0.0
    return erfc(abs(a - b) / error / sqrt(2))


def rankings(results: Sequence[Result], n: int, scale: int = 100, level: float = 0.05) -> Any:
    """Test which pairs of results differ significantly, from the printed accuracies alone.

    Parameters
    ----------
    results
        One result per model.
    n
        Number of test rows.
    scale
        What an accuracy of 1 is printed as.
    level
        Family-wise error rate (Holm 1979).

    Returns
    -------
    dict
        Counts of pairs, and in `open` the pairs that do not differ significantly, the better
        first.
    """
    ranked = sorted(results, key=lambda r: -r.accuracy.value)
    pairs = list(combinations(ranked, 2))

    def share(result: Result) -> float:
        return float(result.accuracy.value / Fraction(scale))

    raw = np.array([two_proportions(share(a), share(b), n) for a, b in pairs])
    adjusted = holm(raw)
    return {
        "n": n,
        "pairs": len(pairs),
        "below_level": int((raw < level).sum()),
        "told_apart": int((adjusted < level).sum()),
        "open": [
            {"a": a.model, "b": b.model, "p": float(p), "p_holm": float(q)}
            for (a, b), p, q in zip(pairs, raw, adjusted, strict=True)
            if q >= level
        ],
    }
