"""Classes from numbers: each its own, or those above and below a threshold."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from finetone.data.labels import number_of, spelling
from finetone.errors import UserError
from finetone.proposal.looking.class_keys import (
    MOST_CLASSES,
    SENTIMENT,
    Classes,
    in_words,
    without_rare,
)
from finetone.proposal.looking.columns import is_label, is_rating, words_of

OF_SENTIMENT = {"sentiment", "sentiments", "polarity", "mood", "stimmung", "sentimiento", "情感"}
# Numbers that stand for sentiment in a column called so: {smallest, …}: names
CODED = {
    (0.0, 1.0): SENTIMENT,
    (-1.0, 1.0): SENTIMENT,
    (0.0, 4.0): SENTIMENT,
    (-1.0, 0.0, 1.0): ["negative", "neutral", "positive"],
}


def by_number(column: str, values: Mapping[Any, int], place: str) -> Classes:
    """Classes from numbers, whose meaning the column's name may tell.

    Parameters
    ----------
    column, place
        As `classes.classes_of` has them.
    values
        {number: rows}
    """
    ordered = tuple(sorted({float(number_of(value) or 0) for value in values}))
    whole = all(number.is_integer() for number in ordered)
    if words_of(column) & OF_SENTIMENT and ordered in CODED:
        names = CODED[ordered]
        told = {f"{number:g}": name for number, name in zip(ordered, names, strict=True)}
        note = ", ".join(f"{number} is {name}" for number, name in told.items())
        positions = ordered == tuple(range(len(ordered)))
        return Classes(
            names,
            {} if positions else told,
            notes={"labels": f"{note}, if we read the column's name right"},
        )
    if is_rating(column) or not whole or (_is_scale(ordered) and not is_label(column)):
        return _threshold(values, ordered, whole)
    if len(ordered) > MOST_CLASSES or 3 * len(ordered) > sum(values.values()) > 20:
        raise UserError(
            f"{place}: column {column!r} holds {len(ordered):,} different numbers, which are no "
            "classes; name the column of the labels: --label COLUMN"
        )
    name_of = {value: f"{float(number_of(value) or 0):.0f}" for value in values}
    found = Classes([f"{number:.0f}" for number in ordered])
    found.label_values = {
        str(value).strip(): name for value, name in name_of.items() if spelling(str(value)) != name
    }
    if found.label_values:
        found.notes["label_values"] = "the same numbers, written in another way"
    if _is_scale(ordered):
        middle = _middle(ordered[0], ordered[-1], True)
        found.notes["labels"] = f"two classes instead: threshold: {middle:g}, labels: [low, high]"
    elif len(ordered) <= 10:
        found.notes["labels"] = (
            "names may stand here, in this order"
            if ordered[0] == 0 and ordered[-1] == len(ordered) - 1
            else f'names by label_values: {{"{ordered[0]:.0f}": …, "{ordered[1]:.0f}": …}}'
        )
    return without_rare(found, values, name_of)


def _is_scale(ordered: tuple[float, ...]) -> bool:
    """Whether numbers of a column of any name are the usual stars."""
    return ordered == (1, 2, 3, 4, 5) or (
        ordered[0] >= 0 and ordered[-1] == 10 and len(ordered) >= 8 and ordered[0] <= 1
    )


def _threshold(values: Mapping[Any, int], ordered: tuple[float, ...], whole: bool) -> Classes:
    """Two classes: above and below the middle of the scale, or of the rows."""
    rows: dict[float, int] = {}
    for value, count in values.items():
        number = float(number_of(value) or 0)
        rows[number] = rows.get(number, 0) + count
    low, high = ordered[0], ordered[-1]
    middle = _middle(low, high, whole)
    said = f"the middle of {low:g} … {high:g}"
    if not low < middle < high:
        total, seen = sum(rows.values()), 0
        for below, above in pairwise(ordered):
            seen += rows[below]
            middle = (below + above) / 2
            if 2 * seen >= total:
                break
        said = f"the middle of the rows, which go from {low:g} to {high:g}"
    ties = rows.get(middle, 0)
    tied = f"; {in_words(ties)} with {middle:g} left out" if ties else ""
    found = Classes(SENTIMENT, threshold=middle)
    found.notes["threshold"] = f"{said}: above is positive, below negative{tied}"
    if whole and len(ordered) <= 11:
        every = ", ".join(f"{number:.0f}" for number in ordered)
        found.notes["labels"] = f"a class each: labels: [{every}], and no threshold"
    return found


def _middle(low: float, high: float, whole: bool) -> float:
    """The middle of the scale that numbers from `low` to `high` are likely on."""
    if low < 0 < high:
        return 0
    if not whole:
        return (
            0.5 if low >= 0 and high <= 1 else _of(low, high, ((1, 5), (0, 5), (0, 10), (0, 100)))
        )
    return _of(low, high, ((0, 1), (1, 5), (0, 5), (1, 10), (0, 10), (0, 100)))


def _of(low: float, high: float, scales: tuple[tuple[float, float], ...]) -> float:
    """The middle of the first scale that holds both and ends where they do."""
    for first, last in scales:
        if first <= low and high == last:
            return (first + last) / 2
    return (low + high) / 2
