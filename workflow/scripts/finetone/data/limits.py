"""How much a table may hold: beyond what any set of texts has, and within memory for the rest.

Counted while reading, so that a small file which unpacks to gigabytes is refused early.
"""

from collections.abc import Sequence
from typing import Any, NoReturn

from finetone.errors import UserError

MAX_CELL = 16 << 20  # characters
MAX_RECORD = 32 << 20  # bytes of one line, or of the lines that a CSV row spans
MAX_COLUMNS = 10_000
MAX_ROWS = 50_000_000
MAX_BLANK = 1_000_000  # lines in succession
MAX_BYTES = 32 << 30  # of a file, unpacked
RATIO = 100  # unpacked to packed; text seldom has 20
ROW = 8  # bytes that a row counts for, however empty
SLACK = 64 << 20  # bytes that are no harm whatever the ratio

TEXT, NESTED = (str, bytes), (list, dict)


def most(packed: int) -> int:
    """How many bytes a file of `packed` bytes may unpack to."""
    return min(max(SLACK, RATIO * packed), MAX_BYTES)


def check_size(unpacked: int, packed: int, name: str) -> None:
    """Raise a UserError if more came, or is to come, out of a file than `most` allows."""
    if unpacked > most(packed):
        raise UserError(
            f"{name}: unpacks to more than {most(packed) >> 20:,} MB from {packed:,} bytes, which "
            f"no table of texts does (at most {RATIO} times its size, and {MAX_BYTES >> 30} GB)"
        )


class Table:
    """The columns of a table that is being read; `packed` is the size of its file."""

    unit = "line"  # what places in the file are called in messages

    def __init__(self, name: str, columns: Sequence[str], packed: int) -> None:
        self.columns: dict[str, list[Any]] = {column: [] for column in columns}
        self._filling = list(self.columns.values())  # a column that is named twice is there once
        self._name, self._packed, self._most = name, packed, most(packed)
        self._rows = self._size = 0

    def append(self, row: Sequence[Any], place: int) -> None:
        """Add the cells of one row, in the order of the columns; `place` is for messages."""
        for cells, cell in zip(self._filling, row, strict=True):
            if isinstance(cell, TEXT):
                if len(cell) > MAX_CELL:
                    self._refuse(place, f"holds a cell of more than {MAX_CELL >> 20} MB")
                self._size += len(cell)
            elif isinstance(cell, NESTED):
                kind = "a list" if isinstance(cell, list) else "an object"
                self._refuse(place, f"holds {kind} where a text or number belongs")
            cells.append(cell)
        self._rows += 1
        self._size += ROW
        if self._size > self._most:
            check_size(self._size, self._packed, self._name)
        if self._rows > MAX_ROWS:
            check_rows(self._rows, self._name)

    def _refuse(self, place: int, what: str) -> NoReturn:
        raise UserError(f"{self._name}, {self.unit} {place}: {what}")

    def check_room(self, size: int) -> None:
        """Raise a UserError if `size` more bytes are too many."""
        check_size(self._size + size, self._packed, self._name)


def check_rows(rows: int, name: str) -> None:
    if rows > MAX_ROWS:
        raise UserError(f"{name}: has more than {MAX_ROWS:,} rows; give a part of them")


def check_columns(count: int, place: str) -> None:
    if count > MAX_COLUMNS:
        raise UserError(f"{place}: {count:,} columns; at most {MAX_COLUMNS:,} are read")
