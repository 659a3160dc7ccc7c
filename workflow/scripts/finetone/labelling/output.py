"""The labelled table: the input's columns as they were, and ours after them."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from finetone.errors import UserError, first_line
from finetone.readers.whole_table import ABSENT, Window

Columns = Mapping[str, Sequence[Any]]  # ours, [n] values each


class Writer(Protocol):
    """Appends windows to a table."""

    def write(self, window: Window, columns: Columns) -> None:
        """Append the rows of a window with our columns."""
        ...

    def close(self) -> None:
        """End the table."""
        ...


def writer(target: Path, name: str, read_as: Mapping[str, str]) -> Writer:
    """What writes a table to `target`.

    Parameters
    ----------
    target
        The file to write.
    name
        The name that it will have, whose suffix decides the format.
    read_as
        How the input was read: a `.csv` keeps its separator, and its byte order mark.

    Raises
    ------
    UserError
        There is no such format.
    """
    kind = WRITERS[check_suffix(name)]
    return kind(target, name, read_as)


def check_suffix(name: str) -> str:
    """The suffix of a table that can be written.

    Raises
    ------
    UserError
        There is no such format.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in WRITERS:
        raise UserError(f"{name}: the name of the labelled table must end in {', '.join(WRITERS)}")
    return suffix


def free_name(name: str, taken: Sequence[str]) -> str:
    """A name for one of our columns that the input does not have."""
    while name in taken:
        name = f"predicted_{name}"
    return name


class _Delimited:
    """Cells as they were read; other values as JSON writes them, and nothing for missing ones."""

    def __init__(self, target: Path, name: str, read_as: Mapping[str, str]) -> None:
        encoding = "utf-8-sig" if read_as.get("encoding") == "utf-8-sig" else "utf-8"
        self._name, self._columns = name, list[str]()
        self._file = target.open("w", newline="", encoding=encoding)
        self._begin(self._file, read_as)

    def _begin(self, file: IO[str], read_as: Mapping[str, str]) -> None:
        separator = read_as.get("separator", ",")
        separator = "," if separator == "\t" else separator
        self._csv = csv.writer(file, delimiter=separator, lineterminator="\n")
        # what quotes cells only where it must leaves those with a bare carriage return without
        self._quoted = csv.writer(
            file, delimiter=separator, lineterminator="\n", quoting=csv.QUOTE_ALL
        )

    def write(self, window: Window, columns: Columns) -> None:
        if not self._columns:
            self._columns = window.columns
            self._rows([[*window.columns, *columns]], 0)
        if not set(window.columns) <= set(self._columns):  # of JSON
            new = next(each for each in window.columns if each not in self._columns)
            raise UserError(
                f"{self._name}: from row {window.first} on there is a key {new!r}, which no row "
                "before has; a .jsonl can hold that"
            )
        cells = window.cells()
        if window.columns != self._columns:
            place = {name: i for i, name in enumerate(window.columns)}
            cells = [
                [row[place[name]] if name in place else ABSENT for name in self._columns]
                for row in cells
            ]
        own = zip(*columns.values(), strict=True)
        rows = [[*map(_cell, row), *map(_cell, ours)] for row, ours in zip(cells, own, strict=True)]
        self._rows(rows, window.first)

    def _rows(self, rows: list[list[str]], first: int) -> None:
        for row in rows:
            bare = any("\r" in cell for cell in row)
            (self._quoted if bare else self._csv).writerow(row)

    def close(self) -> None:
        self._file.close()


class _Tabs(_Delimited):
    """As text/tab-separated-values: without quotes, so no cell may hold a tab or a line break."""

    def _begin(self, file: IO[str], read_as: Mapping[str, str]) -> None:
        pass

    def _rows(self, rows: list[list[str]], first: int) -> None:
        for number, row in enumerate(rows, first):
            if any(sign in cell for cell in row for sign in "\t\n\r"):
                raise UserError(
                    f"{self._name}: row {number} holds a tab or a line break, which a .tsv cannot; "
                    "write a .csv"
                )
            self._file.write("\t".join(row) + "\n")


class _Lines:
    """One JSON object per line, with the types that JSON and Parquet have."""

    def __init__(self, target: Path, name: str, read_as: Mapping[str, str]) -> None:
        self._file = target.open("w", encoding="utf-8")

    def write(self, window: Window, columns: Columns) -> None:
        names = [*distinct(window.columns), *columns]
        own = zip(*columns.values(), strict=True)
        for cells, ours in zip(window.cells(), own, strict=True):
            row = {
                name: cell
                for name, cell in zip(names, [*cells, *ours], strict=True)
                if cell is not ABSENT
            }
            self._file.write(_json(row) + "\n")

    def close(self) -> None:
        self._file.close()


class _Parquet:
    """The types of a Parquet input stay; cells of delimited tables are text."""

    def __init__(self, target: Path, name: str, read_as: Mapping[str, str]) -> None:
        self._target, self._name = target, name
        self._writer: Any = None

    def write(self, window: Window, columns: Columns) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = window.table
        try:
            if table is None:
                given = zip(*window.cells(), strict=True)
                table = pa.table(
                    {
                        name: [None if cell is ABSENT else cell for cell in cells]
                        for name, cells in zip(distinct(window.columns), given, strict=True)
                    }
                )
            for name, values in columns.items():
                kind = pa.float32() if name.endswith("probability") else pa.string()
                table = table.append_column(name, pa.array(values, kind))
            if self._writer is None:
                self._writer = pq.ParquetWriter(self._target, table.schema)
            self._writer.write_table(table.cast(self._writer.schema))
        except (pa.ArrowException, ValueError, TypeError) as error:
            raise UserError(
                f"{self._name}: rows from {window.first} on do not fit the columns of the rows "
                f"before ({first_line(error)}); a .jsonl can hold them"
            ) from None

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def distinct(names: Sequence[str]) -> list[str]:
    """Names of columns, each once; those without one, or with another's, are numbered."""
    found: list[str] = []
    for number, name in enumerate(names, 1):
        found.append(f"column {number}" if not name or name in found else name)
    return found


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or value is ABSENT:
        return ""
    if isinstance(value, float) and value - value != 0:
        return str(value)  # nan, inf: in JSON they would be null
    return _json(value) if isinstance(value, bool | int | float | list | dict) else str(value)


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:  # Parquet has numbers that JSON has not
        return json.dumps(_finite(value), ensure_ascii=False, default=str)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value if not isinstance(value, float) or value - value == 0 else None


WRITERS: dict[str, Callable[[Path, str, Mapping[str, str]], Writer]] = {
    ".csv": _Delimited,
    ".tsv": _Tabs,
    ".jsonl": _Lines,
    ".ndjson": _Lines,
    ".parquet": _Parquet,
}
