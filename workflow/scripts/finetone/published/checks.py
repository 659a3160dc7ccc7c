"""Checks of a published table that need nothing but the table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import erfc, log, sqrt
from typing import Any

import numpy as np

from finetone.comparison.multiple_testing import holm
from finetone.published.printed import Printed
from finetone.published.reading import SHARES, Result

MOST_RANKED = 100  # models whose pairs are tested


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


def loss_possible(accuracy: Printed, loss: Printed) -> bool:
    """Whether the loss (nats) is possible with the accuracy, whichever way both were rounded."""
    return float(loss.between()[1]) >= lowest_loss(min(1.0, float(accuracy.between()[1])))


@dataclass(frozen=True)
class Repeat:
    """A row of the table in which all results are those of an earlier row, `original`."""

    model: str
    original: str
    values: int
    chance: float
    """Upper bound of P(any two rows of the table agree in all results), for uniform digits."""
    alike: bool
    """Whether two models that answer every row alike, say with one class, explain it."""


Cells = dict[tuple[int, str], Printed]


def repeats(results: Sequence[Result]) -> list[Repeat]:
    """Find models with at least two results that repeat those of an earlier one.

    Losses must agree where both have them: a row without losses can still be a copy.
    """
    rows: dict[str, Cells] = {}
    for result in results:
        cells = {(result.epoch, metric): value for metric, value in result.values.items()}
        rows.setdefault(result.model, {}).update(cells)
    alike: dict[frozenset[tuple[tuple[int, str], Fraction]], list[str]] = {}
    for model, cells in rows.items():
        kept = {(key, v.value) for key, v in cells.items() if key[1] not in ("loss", "error")}
        if len(kept) > 1:
            alike.setdefault(frozenset(kept), []).append(model)
    found: dict[str, Repeat] = {}
    pairs = len(rows) * (len(rows) - 1) // 2
    for kept_values, models in alike.items():
        for original, model in combinations(models, 2):
            first, second = rows[original], rows[model]
            both = first.keys() & second.keys()
            same = all(first[key].value == second[key].value for key in both)
            if not same or model in found:
                continue
            keys = sorted(key for key, _ in kept_values)  # a product of floats depends on the order
            alone = [1 / _printable(rows.values(), key) for key in keys]
            coincidence = min(1.0, pairs * float(np.prod(alone)))
            found[model] = Repeat(model, original, len(alone), coincidence, _constant(first))
    return [found[model] for model in rows if model in found]


def _constant(cells: Cells) -> bool:
    """Whether all values are of counts, and the same in every epoch."""
    by_metric = {
        metric: {v.value for (_, m), v in cells.items() if m == metric} for _, metric in cells
    }
    counted = not by_metric.keys() - set(SHARES) - {"mcc", "loss"}
    return counted and all(len(values) == 1 for values in by_metric.values())


def _printable(rows: Iterable[Cells], key: tuple[int, str]) -> int:
    """Number of values that can be printed between the smallest and the largest of a column."""
    column = [cells[key] for cells in rows if key in cells]
    units = [value.value * 10 ** column[0].decimals for value in column]
    return int(max(units) - min(units)) + 1


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


def rankings(results: Sequence[Result], n: int, level: float = 0.05) -> dict[str, Any]:
    """Test which pairs of results differ significantly, from the printed accuracies alone.

    Parameters
    ----------
    results
        One result per model; those without accuracy are left out. Of more than `MOST_RANKED` none
        are tested: of so many pairs no list says anything.
    n
        Number of test rows. More runs on the same rows leave the error that is due to rows.
    level
        Family-wise error rate (Holm 1979).

    Returns
    -------
    dict
        Counts of pairs, and in `open` the pairs that do not differ significantly, the better
        first.
    """
    results = results if len(results) <= MOST_RANKED else []
    shares = {r.model: float(r.accuracy.share) for r in results if r.accuracy}
    pairs = list(combinations(sorted(shares, key=lambda model: -shares[model]), 2))
    raw = np.array([two_proportions(shares[a], shares[b], n) for a, b in pairs])
    adjusted = holm(raw)
    return {
        "n": n,
        "pairs": len(pairs),
        "below_level": int((raw < level).sum()),
        "told_apart": int((adjusted < level).sum()),
        "open": [
            {"a": a, "b": b, "p": float(p), "p_holm": float(q)}
            for (a, b), p, q in zip(pairs, raw, adjusted, strict=True)
            if q >= level
        ],
    }
