"""Classes that are called by names."""

from collections.abc import Mapping
from typing import Any

from finetone.data.labels import INTEGER, spelling
from finetone.errors import UserError
from finetone.proposal.looking.class_keys import (
    MOST_CLASSES,
    ORDER,
    POLARITY,
    Classes,
    plain_number,
    without_rare,
)
from finetone.proposal.looking.words import lists
from finetone.readers.encodings import letters_of

LONGEST = 64  # characters of a class name, as the schema has it
ANSWERS = {word: ORDER[name] for name, words in lists("answers").items() for word in words}


def by_name(column: str, values: Mapping[Any, int], place: str) -> Classes:
    """Classes from names, of which those are the same that differ in capitals and blanks only.

    Parameters
    ----------
    column, place
        As `classes.classes_of` has them.
    values
        {value: rows}, without those that say nothing.
    """
    spelled: dict[str, dict[str, int]] = {}  # by what is the same but for case and blanks
    name_of: dict[Any, str] = {}
    for value, count in values.items():
        text = _text(value)
        ways = spelled.setdefault(_folded(text), {})
        ways[text] = ways.get(text, 0) + count
        name_of[value] = _folded(text)
    total = sum(values.values())
    if len(spelled) > MOST_CLASSES or (total > 20 and 2 * len(spelled) > total):
        raise UserError(
            f"{place}: column {column!r} holds {len(spelled):,} different values in {total:,} rows, "
            "which are no classes; name the column of the labels: --label COLUMN"
        )
    best = {key: max(ways, key=lambda way: ways[way]) for key, ways in spelled.items()}
    names: dict[str, str] = {}
    for key, text in best.items():
        names[key] = _as_name(text, set(names.values()))
    order = POLARITY | ANSWERS
    known = all(key in order for key in names)
    ordered = sorted(names, key=lambda key: (order[key] if known else 0, key))
    found = Classes([names[key] for key in ordered])
    for key, ways in spelled.items():
        found.label_values |= {
            way: names[key] for way in ways if spelling(way) != spelling(names[key])
        }
    if found.label_values:
        found.notes["label_values"] = "the same but for capitals, blanks or length"
    alike = _alike(found.labels)
    if alike:
        first, second = alike[0]
        found.notes["labels"] = (
            f"{first} and {second} are kept apart; one class: labels without {first}, and "
            f'label_values: {{"{first}": "{second}"}}'
        )
    return without_rare(found, values, {value: names[name_of[value]] for value in values})


def _alike(labels: list[str]) -> list[tuple[str, str]]:
    """Names that are one number, written with and without zeros in front."""
    whole: dict[str, str] = {}
    pairs = []
    for name in labels:
        if INTEGER.fullmatch(name):
            other = whole.setdefault(str(int(name)), name)
            pairs += [(other, name)] if other != name else []
    return pairs


def _text(value: Any) -> str:
    """A value as text, as a label column has it."""
    return spelling(str(value)) if not isinstance(value, str) else value.strip()


def _folded(text: str) -> str:
    number = plain_number(text)
    whole = number is not None and number.is_integer()
    return spelling(text) if whole else " ".join(letters_of(text).split()).casefold()


def _as_name(text: str, taken: set[str]) -> str:
    """A name that may be a class's: on one line, not too long, and not `taken` by another."""
    name = " ".join("".join(c if c.isprintable() else " " for c in text).split()) or "?"
    if len(name) <= LONGEST and name not in taken:
        return name
    cut = (f"{name[: LONGEST - 6]}…{number}" for number in range(1, MOST_CLASSES))
    return next(shorter for shorter in cut if shorter not in taken)
