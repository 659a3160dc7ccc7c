"""The keys of a dataset block that say what its classes are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from finetone.data.labels import number_of, spelling
from finetone.errors import listed
from finetone.proposal.looking.words import lists

MOST_CLASSES = 5000  # as the schema has it
TOO_FEW = 5  # rows of a class that nothing can be learned from …
ENOUGH = 100  # … in a table of at least so many
SENTIMENT = ["negative", "positive"]
ORDER = {"negative": 0, "neutral": 1, "positive": 2}
# What classes of sentiment are called, from bad to good.
POLARITY = {word: ORDER[name] for name, words in lists("polarity").items() for word in words}


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


def plain_number(value: Any) -> float | None:
    """A number; None for codes: no number is written with a zero in front, "01"."""
    text = str(value).strip().lstrip("+-")
    coded = len(text) > 1 and text[0] == "0" and text[1].isdigit()
    return None if isinstance(value, bool) or coded else number_of(value)


def without_rare(found: Classes, values: Mapping[Any, int], name_of: Mapping[Any, str]) -> Classes:
    """Leave out classes of so few rows that they are likelier mistakes.

    Parameters
    ----------
    found
        Is changed.
    values
        {value: rows}
    name_of
        {value: class}
    """
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
    shown = listed([f"{name} ({in_words(rows[name])})" for name in few], 5)
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


def in_words(count: int) -> str:
    """A number of rows."""
    return f"{count:,} {'row' if count == 1 else 'rows'}"
