"""What the columns of a table may hold: the text, the label, or which split a row belongs to.

Judged by their names and by the first rows, as a person would; what is in doubt is looked at in the
whole table (`survey`), and the user's word (`--text`, `--label`) always wins.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finetone.data.labels import is_gap, number_of
from finetone.errors import UserError
from finetone.proposal.looking.words import lists
from finetone.readers.lines import hint

TEXT, LABEL, RATING, OTHER = (set(words) for words in lists("columns").values())
SPLIT_OF = {word: split for split, words in lists("splits").items() for word in words}
PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
CODE = re.compile(r"[\w.:/@+-]*\d[\w.:/@+-]*|\w+://\S+", re.ASCII)  # identifiers, dates, addresses
FEW, OFTEN = 20, 3  # different values of an unnamed label at most; rows of each at least
SHORT = 10  # characters of a text, on average, that need not be offered
CANDIDATES = 4  # columns that may be the label, in the order of likelihood


@dataclass(frozen=True)
class Column:
    """A column, as its first rows show it.

    Attributes
    ----------
    filled
        Cells that say something.
    kinds
        Different ones among them.
    characters
        Mean length of a text.
    textual, coded, numeric
        Shares of the filled cells that are text with letters, identifiers or the like, numbers.
    splits
        Whether most of them are names of splits.
    """

    name: str
    filled: int
    kinds: int
    characters: float
    textual: float
    coded: float
    numeric: float
    splits: bool

    @classmethod
    def of(cls, name: str, cells: Sequence[Any]) -> "Column":
        """From the cells of the first rows."""
        filled = [cell for cell in cells if not is_gap(cell)]
        texts = [cell for cell in filled if isinstance(cell, str) and any(map(str.isalpha, cell))]
        several, kinds = len(filled) or 1, set(map(str, filled))
        return cls(
            name,
            len(filled),
            len(kinds),
            sum(map(len, texts)) / (len(texts) or 1),
            len(texts) / several,
            sum(CODE.fullmatch(text.strip()) is not None for text in texts) / several,
            sum(number_of(cell) is not None for cell in filled) / several,
            0 < len(filled) <= 2 * sum(map(bool, map(split_named, filled))) and len(kinds) <= FEW,
        )


@dataclass(frozen=True)
class Roles:
    """Names of the columns of a table: of the text, of what may be label or split, most likely first."""

    text: str
    labels: list[str]
    parts: list[str]
    other_texts: list[str]


def roles(
    head: Mapping[str, Sequence[Any]], text: str | None, label: str | None, place: str
) -> Roles:
    """Which column is which.

    Parameters
    ----------
    head
        The first rows by column.
    text, label
        What the user said.
    place
        The file, for messages.

    Raises
    ------
    UserError
        There is no such column, or none that looks like it.
    """
    for option, given in (("--text", text), ("--label", label)):
        if given is not None and given not in head:
            raise UserError(f"{place}: {option} {given!r} is no column of it{hint(given, head)}")
    if text is not None and text == label:
        raise UserError(f"{place}: --label {label!r} is the column of the text already")
    columns = [Column.of(name, cells) for name, cells in head.items() if name]
    if text is None or label is None:
        _refuse_rows_for_names(head, place)
    texts = sorted((c for c in columns if _is_text(c) and c.name != label), key=_as_text)
    if text is None and not texts:
        raise UserError(
            f"{place}: no column looks like texts; name it: --text COLUMN{_shown(columns)}"
        )
    text = text if text is not None else texts[-1].name
    parts = [c.name for c in columns if c.splits and c.name not in (text, label)]
    if label is not None:
        labels = [label]
    else:
        ranked = [(_as_label(c), c.name) for c in columns if c.name not in (text, *parts)]
        labels = [name for rank, name in sorted(ranked, key=lambda r: -r[0]) if rank > 0]
        if not labels:
            others = [column for column in columns if column.name != text]
            raise UserError(
                f"{place}: no column looks like labels of the texts in {text!r}; name it: "
                f"--label COLUMN{_shown(others)}"
            )
    also = (c for c in texts[::-1] if c.characters > SHORT and not _says(c.name, OTHER))
    other_texts = [c.name for c in also if c.name not in (text, *labels[:1])]
    return Roles(text, labels[:CANDIDATES], parts, other_texts)


def words_of(name: str) -> set[str]:
    """The words of a column's name: of "starRating_2" star, rating and 2."""
    return {part.lower() for part in PART.findall(name)} | {name.strip().lower()}


def is_rating(name: str) -> bool:
    """Whether a column is called as ratings are."""
    return _says(name, RATING) and not _says(name, LABEL)


def is_label(name: str) -> bool:
    """Whether a column is called as labels are."""
    return _says(name, LABEL)


def split_named(cell: Any) -> str | None:
    """The split that a cell or a file's name means, if it is a name of one."""
    return SPLIT_OF.get(cell.strip().lower()) if isinstance(cell, str) else None


def _says(name: str, words: set[str]) -> bool:
    return bool(words_of(name) & words) or any(
        word in name for word in words if not word.isascii() and not word[0].islower()
    )


def _is_text(column: Column) -> bool:
    named = _says(column.name, TEXT)
    return column.textual > 0.5 and (named or column.coded < 0.5) and not column.splits


def _as_text(column: Column) -> float:
    """How much a column looks like the text; the length counts by its order of magnitude."""
    named = 1.5 * _says(column.name, TEXT) - 1.5 * _says(column.name, LABEL | RATING | OTHER)
    repeated = column.kinds < column.filled / 2 and column.filled > FEW
    return named - 1.5 * repeated + math.log10(1 + column.characters)


def _as_label(column: Column) -> float:
    """How much a column looks like the label; 0 if not at all."""
    few = column.kinds <= FEW and column.filled >= OFTEN * column.kinds
    # 400 different texts among 500 rows are no classes, whatever they are called
    some = 2 * column.kinds <= column.filled or column.filled <= FEW
    if _says(column.name, LABEL) and (some or column.numeric == 1):
        return 4 - column.kinds / 1e4
    if _says(column.name, RATING) and column.numeric == 1:
        return 3
    if _says(column.name, OTHER) or not column.filled:
        return 0
    if column.name.lower() in ("y", "cls", "tag", "type", "answer", "result") and some:
        return 2
    return 1 / (1 + column.kinds) if few and column.kinds > 1 else 0


def _refuse_rows_for_names(head: Mapping[str, Sequence[Any]], place: str) -> None:
    """Refuse a table whose first line holds a row: one of its cells is a value, or a long text."""
    named = [name for name in head if _says(name, TEXT | LABEL | RATING)]
    if any(" " not in name.strip() for name in named):
        return  # in a text, such a word stands among others: "no comment"
    if list(head) == list(map(str, range(len(head)))):
        return  # what pandas calls columns without a name
    values = {name: Counter(map(str, cells)) for name, cells in head.items()}
    repeated = any(values[name][name] > 1 for name in head if name)
    numbers = [] if named else [name for name in head if number_of(name) is not None]
    if repeated or numbers or any(name.count(" ") >= 6 for name in head):
        first = ", ".join(repr(name[:40]) for name in list(head)[:4])
        raise UserError(
            f"{place}: its first line is a row, not the names of the columns ({first}); put the "
            "names above it, such as text and label; if these are names, say which is which: "
            "--text … --label …"
        )


def _shown(columns: Sequence[Column]) -> str:
    names = ", ".join(repr(column.name[:40]) for column in columns[:12])
    return f" (there are {names})" if names else ""
