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
BATCH = 10_000  # rows that are handed on at a time, or fewer
BATCH_BYTES = 16 << 20
TOGETHER = 500  # rows that are checked at a time
TOGETHER_BYTES = 4 << 20
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
        self._filling = list(self.columns.values())
        self._name, self._packed, self._most = name, packed, most(packed)
        self.rows = self._size = self._taken_rows = self._taken_size = 0

    def extend(self, rows: Sequence[Sequence[Any]], places: Sequence[int]) -> None:
        """Add rows, their cells in the order of the columns; `places` [rows] are for messages."""
        self.rows += len(rows)
        self._size += ROW * len(rows)
        by_column = zip(self.columns.items(), zip(*rows, strict=True), strict=True)
        for (column, filling), cells in by_column:
            kinds = set(map(type, cells))
            if kinds == {str}:
                longest = max(map(len, cells))
                self._size += sum(map(len, cells))
            else:
                sizes = [len(cell) if isinstance(cell, TEXT) else 0 for cell in cells]
                longest = max(sizes)
                self._size += sum(sizes)
            if longest > MAX_CELL or any(issubclass(kind, NESTED) for kind in kinds):
                self._refuse(column, cells, places)
            filling += cells
        if self._size > self._most:
            check_size(self._size, self._packed, self._name)
        if self.rows > MAX_ROWS:
            check_rows(self.rows, self._name)

    @property
    def pending(self) -> int:
        """Rows that wait to be taken."""
        return self.rows - self._taken_rows

    @property
    def full(self) -> bool:
        """Whether it is time to `take` what has been read."""
        return self.pending >= BATCH or self._size - self._taken_size >= BATCH_BYTES

    def take(self) -> dict[str, list[Any]]:
        """Hand over the columns, and go on with empty ones."""
        taken = {column: cells.copy() for column, cells in self.columns.items()}
        for cells in self._filling:
            cells.clear()
        self._taken_rows, self._taken_size = self.rows, self._size
        return taken

    def _refuse(self, column: str, cells: Sequence[Any], places: Sequence[int]) -> NoReturn:
        for cell, place in zip(cells, places, strict=True):
            what = ""
            if isinstance(cell, NESTED):
                kind = "a list" if isinstance(cell, list) else "an object"
                what = f"{column[:40]!r} holds {kind} where a text or number belongs"
            elif isinstance(cell, TEXT) and len(cell) > MAX_CELL:
                what = f"holds a cell of more than {MAX_CELL >> 20} MB"
            if what:
                raise UserError(f"{self._name}, {self.unit} {place}: {what}")
        raise AssertionError("no cell is too long or nested")

    def check_room(self, size: int) -> None:
        """Raise a UserError if `size` more bytes are too many."""
        check_size(self._size + size, self._packed, self._name)


def check_rows(rows: int, name: str) -> None:
    if rows > MAX_ROWS:
        raise UserError(f"{name}: has more than {MAX_ROWS:,} rows; give a part of them")


def check_columns(count: int, place: str) -> None:
    if count > MAX_COLUMNS:
        raise UserError(f"{place}: {count:,} columns; at most {MAX_COLUMNS:,} are read")
