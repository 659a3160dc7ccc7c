"""Classes from the values of a label column: names, booleans, numbers, ratings."""

from collections.abc import Mapping
from typing import Any

from finetone.data.labels import is_gap, spelling
from finetone.errors import UserError
from finetone.proposal.looking.class_keys import Classes, in_words, plain_number
from finetone.proposal.looking.class_names import by_name
from finetone.proposal.looking.class_numbers import by_number

NONE, OFTEN = "none", 0.1  # what many call a class; from this share of the rows on it is one


def classes_of(column: str, counts: Mapping[Any, int], place: str) -> Classes:
    """The classes in a column.

    Parameters
    ----------
    column
        Its name.
    counts
        {value: rows}
    place
        The file, for messages.

    Raises
    ------
    UserError
        Its values are no classes.
    """
    values = {value: count for value, count in counts.items() if not is_gap(value)}
    nones = {value: n for value, n in counts.items() if str(value).strip().lower() == NONE}
    nones.pop(None, None)
    of_names = any(plain_number(value) is None for value in values)
    named_none = of_names and sum(nones.values()) >= OFTEN * sum((values | nones).values())
    if named_none:
        values |= nones
    missing = sum(counts.values()) - sum(values.values())
    if len({str(value).strip() for value in values}) < 2:
        one = f"only {str(next(iter(values)))[:40]!r}" if values else "nothing"
        raise UserError(
            f"{place}: column {column!r} holds {one}; at least two classes are needed: --label COLUMN"
        )
    if {spelling(str(value)) for value in values} <= {"true", "false"}:
        found = Classes(["false", "true"])
    elif all(plain_number(value) is not None for value in values):
        found = by_number(column, values, place)
    else:
        found = by_name(column, values, place)
    if nones and named_none:
        also = found.notes.get("labels")
        told = f"{NONE} ({in_words(sum(nones.values()))}) is taken for a class, not for no label"
        found.notes["labels"] = f"{also}; {told}" if also else told
    found.missing = missing
    if missing:
        found.notes["missing_labels"] = f"{in_words(missing)} without a label"
    return found
