"""Values of one row against each other: what cannot be printed side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import ceil, floor

from finetone.published.confusion import counts_possible, f1_possible
from finetone.published.printed import Printed
from finetone.published.reading import Published, Result
from finetone.published.stated import Setup

COUNTED = ("f1", "mcc", "precision", "recall", "error", "accuracy")
FARTHEST = 300  # units of the last digit in which values that fit are sought


@dataclass(frozen=True)
class Contradiction:
    """Values of a row that cannot stand together, or one that cannot stand alone.

    Attributes
    ----------
    result
        The row.
    why
        `counts` (no table of right and wrong answers gives them), `harmonic` (F1 is not the harmonic
        mean of precision and recall), `complement` (accuracy and error rate are not 100 % together).
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
    found = (contradiction(row, published.setup) for row in rows)
    return [c for c in found if c]


def contradiction(row: Result, setup: Setup) -> Contradiction | None:
    """The first contradiction in a row, if there is one."""
    values = row.values
    for why, names, holds in _checks(row, setup):
        if not holds({name: values[name] for name in names}):
            first = names[0]
            others = {name: values[name] for name in names[1:]}
            nearest = _nearest(values[first], partial(_holds_with, holds, first, others))
            return Contradiction(row, why, {name: values[name] for name in names}, nearest)
    return None


def _holds_with(holds: "Holds", name: str, others: dict[str, Printed], printed: Printed) -> bool:
    return holds({name: printed, **others})


def _nearest(printed: Printed, fits: Callable[[Printed], bool]) -> list[Printed]:
    found = []
    for direction in (-1, 1):
        near = (printed.moved(direction * by) for by in range(1, FARTHEST + 1))
        found += [next((p for p in near if 0 <= p.share <= 1 and fits(p)), None)]
    return [p for p in found if p]


Holds = Callable[[dict[str, Printed]], bool]
Check = tuple[str, list[str], Holds]


def _checks(row: Result, setup: Setup) -> list[Check]:
    """What is to hold: of single values before pairs, and pairs before all."""
    values, checks = row.values, list[Check]()
    if {"accuracy", "error"} <= values.keys():
        checks.append(("complement", ["error", "accuracy"], _complement))
    if {"f1", "precision", "recall"} <= values.keys():
        exact = setup.average == "binary" and setup.single
        checks.append(
            (
                "harmonic",
                ["f1", "precision", "recall"],
                lambda v: f1_possible(v["f1"], v["precision"], v["recall"], exact, setup.rounding),
            )
        )
    binary = setup.average == "binary" or (setup.average is None and setup.positives)
    if not binary or not setup.single:
        return checks
    counted = [name for name in COUNTED if name in values]
    if setup.positives:
        n, positives = row.n, setup.positives
        alone = [[name] for name in counted if name in ("f1", "precision")]
        together = [counted] if len(counted) > 1 else []
        for names in [*alone, *together]:
            checks.append(
                ("counts", names, lambda v: counts_possible(n, positives, v, setup.rounding))
            )
    elif {"accuracy", "f1"} <= values.keys():
        checks.append(("counts", ["f1", "accuracy"], lambda v: _f1_of_errors(v, row.n, setup)))
    return checks


def _complement(values: dict[str, Printed]) -> bool:
    low, high = values["accuracy"].between()
    least, most = values["error"].between()
    return low <= 1 - least and 1 - most <= high


def _f1_of_errors(values: dict[str, Printed], n: int, setup: Setup) -> bool:
    """Whether F1 = 2k/(2k + e) for e wrong rows and any number k of true positives."""
    (low, high), (least, most) = (values[m].between(setup.rounding) for m in ("accuracy", "f1"))
    for wrong in range(max(0, ceil(n * (1 - high))), min(n, floor(n * (1 - low))) + 1):
        if wrong == 0:
            if most >= 1 or least <= 0:
                return True
            continue
        fewest = (
            max(0, ceil(wrong * max(least, Fraction(0)) / (2 * (1 - least)))) if least < 1 else n
        )
        many = floor(wrong * most / (2 * (1 - most))) if most < 1 else n
        if fewest <= min(many, n - wrong):
            return True
    return False
