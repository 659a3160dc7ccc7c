"""Classes from the values of a label column: names, booleans, numbers, ratings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

from finetone.data.labels import INTEGER, is_gap, number_of, spelling
from finetone.errors import UserError, listed
from finetone.proposal.columns import is_label, is_rating, words_of
from finetone.proposal.words import lists
from finetone.readers.encodings import letters_of

MOST_CLASSES = 5000  # as the schema has it
LONGEST = 64  # characters of a class name, as the schema has it
TOO_FEW = 5  # rows of a class that nothing can be learned from …
ENOUGH = 100  # … in a table of at least so many
SENTIMENT = ["negative", "positive"]
ORDER = {"negative": 0, "neutral": 1, "positive": 2}
# What classes of sentiment are called, and answers, from bad to good.
POLARITY = {word: ORDER[name] for name, words in lists("polarity").items() for word in words}
ANSWERS = {word: ORDER[name] for name, words in lists("answers").items() for word in words}
OF_SENTIMENT = {"sentiment", "sentiments", "polarity", "mood", "stimmung", "sentimiento", "情感"}
# Numbers that stand for sentiment in a column called so: {smallest, …}: names
CODED = {
    (0.0, 1.0): SENTIMENT,
    (-1.0, 1.0): SENTIMENT,
    (0.0, 4.0): SENTIMENT,
    (-1.0, 0.0, 1.0): ["negative", "neutral", "positive"],
}


@dataclass
class Classes:
    """The keys of a dataset block that say what its classes are.

    Attributes
    ----------
    labels, label_values, threshold
        As the configuration has them.
    keep
        Values for `where`, if rows with other ones are to be left out.
    missing
        Rows without a label.
    notes
        {key: why it is as it is, and what else it could be}.
    left_out
        {value: rows} that `keep` leaves out.
    """

    labels: list[str]
    label_values: dict[str, str] = field(default_factory=dict)
    threshold: float | None = None
    keep: list[str] = field(default_factory=list)
    missing: int = 0
    notes: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def are_sentiment(self) -> bool:
        """Whether the second of two classes is known to be the positive one."""
        order = [POLARITY.get(label.lower()) for label in self.labels]
        return order == [0, 2]


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
    missing = sum(counts.values()) - sum(values.values())
    if len({str(value).strip() for value in values}) < 2:
        one = f"only {str(next(iter(values)))[:40]!r}" if values else "nothing"
        raise UserError(
            f"{place}: column {column!r} holds {one}; at least two classes are needed: --label COLUMN"
        )
    numbers = {value: _number(value) for value in values}
    if {spelling(str(value)) for value in values} <= {"true", "false"}:
        found = Classes(["false", "true"])
    elif None not in numbers.values():
        found = _numbers(column, values, {float(number_of(value) or 0) for value in values}, place)
    else:
        found = _names(column, values, place)
    found.missing = missing
    if missing:
        found.notes["missing_labels"] = f"{_rows(missing)} without a label"
    return found


def _number(value: Any) -> float | None:
    """A number; None for codes: no number is written with a zero in front, "01"."""
    text = str(value).strip().lstrip("+-")
    coded = len(text) > 1 and text[0] == "0" and text[1].isdigit()
    return None if isinstance(value, bool) or coded else number_of(value)


def _numbers(column: str, values: Mapping[Any, int], numbers: set[float], place: str) -> Classes:
    whole = all(number.is_integer() for number in numbers)
    ordered = tuple(sorted(numbers))
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
        return _threshold(column, values, ordered, whole)
    if len(ordered) > MOST_CLASSES or 3 * len(ordered) > sum(values.values()) > 20:
        raise UserError(
            f"{place}: column {column!r} holds {len(ordered):,} different numbers, which are no "
            "classes; name the column of the labels: --label COLUMN"
        )
    found = Classes([f"{number:.0f}" for number in ordered])
    if _is_scale(ordered):
        middle = _middle(ordered[0], ordered[-1], True)
        found.notes["labels"] = f"two classes instead: threshold: {middle:g}, labels: [low, high]"
    elif len(ordered) <= 10:
        found.notes["labels"] = (
            "names may stand here, in this order"
            if ordered[0] == 0 and ordered[-1] == len(ordered) - 1
            else f'names by label_values: {{"{ordered[0]:.0f}": …, "{ordered[1]:.0f}": …}}'
        )
    return _without_rare(found, values, {value: spelling(str(value)) for value in values})


def _is_scale(ordered: tuple[float, ...]) -> bool:
    """Whether numbers of a column of any name are the usual stars."""
    return ordered == (1, 2, 3, 4, 5) or (
        ordered[0] >= 0 and ordered[-1] == 10 and len(ordered) >= 8 and ordered[0] <= 1
    )


def _threshold(
    column: str, values: Mapping[Any, int], ordered: tuple[float, ...], whole: bool
) -> Classes:
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
    tied = f"; {_rows(ties)} with {middle:g} left out" if ties else ""
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


def _names(column: str, values: Mapping[Any, int], place: str) -> Classes:
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
    return _without_rare(found, values, {value: names[name_of[value]] for value in values})


def _without_rare(found: Classes, values: Mapping[Any, int], name_of: Mapping[Any, str]) -> Classes:
    """Leave out classes of so few rows that they are likelier mistakes."""
    rows: dict[str, int] = {}
    for value, count in values.items():
        rows[name_of[value]] = rows.get(name_of[value], 0) + count
    few = [name for name in found.labels if rows[name] < TOO_FEW]
    if not few or sum(rows.values()) < ENOUGH or len(found.labels) - len(few) < 2:
        return found
    labels = [name for name in found.labels if name not in few]
    found.left_out = {name: rows[name] for name in few}
    found.keep = sorted(
        {
            value.strip() if isinstance(value, str) else spelling(str(value))
            for value, name in name_of.items()
            if name not in few
        }
    )
    found.label_values = {v: name for v, name in found.label_values.items() if name not in few}
    shown = listed([f"{name} ({_rows(rows[name])})" for name in few], 5)
    found.notes["where"] = f"leaves out {shown}: too few rows to learn from"
    near = ((name, get_close_matches(name, labels, 1, 0.7)) for name in few)
    if meant := next(((name, close[0]) for name, close in near if close), None):
        found.notes["where"] += (
            f"; if {meant[0]} means {meant[1]}: add it here, and label_values: "
            f'{{"{meant[0]}": "{meant[1]}"}}'
        )
    found.labels = labels
    if not found.label_values:
        found.notes.pop("label_values", None)
    return found


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
    number = _number(text)
    whole = number is not None and number.is_integer()
    return spelling(text) if whole else " ".join(letters_of(text).split()).casefold()


def _as_name(text: str, taken: set[str]) -> str:
    """A name that may be a class's: on one line, not too long, and not `taken` by another."""
    name = " ".join("".join(c if c.isprintable() else " " for c in text).split()) or "?"
    if len(name) <= LONGEST and name not in taken:
        return name
    cut = (f"{name[: LONGEST - 6]}…{number}" for number in range(1, MOST_CLASSES))
    return next(shorter for shorter in cut if shorter not in taken)


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"
