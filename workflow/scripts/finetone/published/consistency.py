"""Values of one row against each other: what cannot be printed side by side."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import ceil, floor

from finetone.published.confusion import counts_possible, f1_possible
from finetone.published.printed import Printed, Rounding
from finetone.published.reading import Published, Result
from finetone.published.stated import Setup

COUNTED = ("f1", "mcc", "precision", "recall", "error", "accuracy")
FARTHEST = 100  # units of the last digit in which values that fit are sought


@dataclass(frozen=True)
class Contradiction:
    """Values of a row that cannot stand together, or one that cannot stand alone.

    Attributes
    ----------
    result
        The row.
    why
        `counts` (no table of right and wrong answers gives them), `harmonic` (F1 is not the harmonic
        mean of precision and recall), `average` (an F1 over classes or runs is above that mean),
        `complement` (accuracy and error rate are not 100 % together).
    values
        By name; the first one is named with its nearest possible values.
    nearest
        The values of the first that could stand there.
    """

    result: Result
    why: str
    values: dict[str, Printed]
    nearest: Sequence[Printed]


def contradictions(published: Published) -> list[Contradiction]:
    """Find rows whose values contradict each other; one per row."""
    rows = [*published.results, *published.baselines, *published.transfer]
    found = (contradiction(row, published.setup_of(row.table)) for row in rows)
    return [c for c in found if c]


def contradiction(row: Result, setup: Setup) -> Contradiction | None:
    """The first contradiction in a row, if there is one, whichever way its values were rounded."""
    for why, names, holds in _checks(row, setup):
        first, others = names[0], {name: row.values[name] for name in names[1:]}
        if not holds({first: row.values[first], **others}, setup.rounding):
            fits = partial(_fits, holds, setup.design(row.n).stated.allows)
            nearest = _nearest(row.values[first], first, others, fits, setup.rounding or "nearest")
            return Contradiction(row, why, {first: row.values[first], **others}, nearest)
    return None


Values = Mapping[str, Printed]
Holds = Callable[[Values, Rounding | None], bool]


def _fits(
    holds: Holds, allowed: Callable[[Printed], bool], values: Values, rounding: Rounding | None
) -> bool:
    """Whether values fit each other, and an error rate, which is a count, also alone."""
    alone = "error" not in values or allowed(values["error"])
    return alone and holds(values, rounding)


def _nearest(
    printed: Printed, name: str, others: Values, holds: Holds, rounding: Rounding
) -> list[Printed]:
    """The nearest values below and above with which the check holds; fewer if none is near."""
    found = []
    for direction in (-1, 1):
        near = (printed.moved(direction * by) for by in range(1, FARTHEST + 1))
        inside = (p for p in near if 0 <= p.share <= 1)
        found += [next((p for p in inside if holds({name: p, **others}, rounding)), None)]
    return [p for p in found if p]


def _checks(row: Result, setup: Setup) -> Iterator[tuple[str, list[str], Holds]]:
    """What is to hold, between which values: of single values before pairs, pairs before all."""
    values = row.values.keys()
    if {"accuracy", "error"} <= values:
        yield "complement", ["error", "accuracy"], _complement
    medians = not setup.single and setup.statistic == "median"  # bounded by nothing
    if {"f1", "precision", "recall"} <= values and not medians:
        exact = setup.average == "binary" and setup.single
        yield (
            "harmonic" if exact else "average",
            ["f1", "precision", "recall"],
            partial(f1_possible, exact=exact),
        )
    if not setup.single or setup.average not in ("binary", None):
        return
    counted = [name for name in COUNTED if name in values]
    if setup.positives:
        counts = partial(counts_possible, row.n, setup.positives)
        for name in ("f1", "precision"):
            if name in counted:
                yield "counts", [name], counts
        if len(counted) > 1:
            yield "counts", counted, counts
    elif {"accuracy", "f1"} <= values:
        yield "counts", ["f1", "accuracy"], partial(_f1_of_errors, row.n)


def _complement(values: Values, rounding: Rounding | None) -> bool:
    low, high = values["accuracy"].between(rounding)
    least, most = values["error"].between(rounding)
    return low <= 1 - least and 1 - most <= high


def _f1_of_errors(n: int, values: Values, rounding: Rounding | None) -> bool:
    """Whether F1 = 2k/(2k + e) for e wrong rows and any number k of true positives."""
    (low, high), (least, most) = (values[m].between(rounding) for m in ("accuracy", "f1"))
    for wrong in range(max(0, ceil(n * (1 - high))), min(n, floor(n * (1 - low))) + 1):
        if wrong == 0:
            if most >= 1 or least <= 0:
                return True
            continue
        fewest = ceil(wrong * max(least, Fraction(0)) / (2 * (1 - least))) if least < 1 else n + 1
        many = floor(wrong * most / (2 * (1 - most))) if most < 1 else n
        if fewest <= min(many, n - wrong):
            return True
    return False
