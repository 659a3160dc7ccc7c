"""All columns of a table, untouched and in windows of rows, to be written again with more columns."""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetone.errors import UserError
from finetone.readers import delimited, encodings, json_rows, limits
from finetone.readers.lines import column_places
from finetone.readers.table_file import JSON, PARQUET, TABS, TableFile

ROWS = 1 << 14  # of a window, at most
CHARACTERS = 1 << 25

ABSENT = object()  # in place of a cell: a JSON object without this key


@dataclass(frozen=True)
class Window:
    """Consecutive rows of a table.

    Attributes
    ----------
    first
        Number of its first row, counted from 1.
    texts
        [n] cells of the column of texts: text, or None where there is none.
    columns
        Names of all columns, as the table has them; of JSON, all keys of the window's objects.
    rows
        [n] cells of each row in the order of the columns; of Parquet None.
    table
        Of Parquet, the rows as they are (`pyarrow.Table`).
    """

    first: int
    texts: list[str | None]
    columns: list[str]
    rows: Sequence[Sequence[Any]] | None
    table: Any = None

    def cells(self) -> Sequence[Sequence[Any]]:
        """[n] cells of each row in the order of the columns."""
        if self.rows is not None:
            return self.rows
        columns = [column.to_pylist() for column in self.table.columns]
        return list(zip(*columns, strict=True))


class WholeTable(TableFile):
    """A `TableFile` of which all columns are read.

    Attributes
    ----------
    done
        Share of the file that has been read, in [0, 1].
    """

    done = 0.0

    def windows(self, text: str) -> Iterator[Window]:
        """All rows, some thousand at a time.

        Parameters
        ----------
        text
            Name of the column of texts.

        Raises
        ------
        UserError
            As `TableFile.batches`; or a text is a number, a list or an object.
        """
        rows = 0
        with self._readable():
            for window in self._windows(text, self._settled()):
                rows += len(window.texts)
                _refuse_other_types(self.name, text, window)
                yield window
        self.done = 1.0
        if not rows:
            raise UserError(f"{self.name}: has no rows")

    def _settled(self) -> str | None:
        """The encoding, if it is not UTF-8 or what its mark says: then the whole file is looked at."""
        if self._encoding or self._suffix in PARQUET:
            return self._encoding
        decoder = codecs.getincrementaldecoder("utf-8")()
        with self._open() as stream:
            if encodings.marked(stream.peek(4)[:4]):
                return None
            try:
                while chunk := stream.read(1 << 20):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                return self._proven()
        return None

    def _windows(self, text: str, encoding: str | None) -> Iterator[Window]:
        packed = self._packed
        with self._open() as stream:
            if self._suffix in PARQUET:
                yield from self._of_parquet(stream, text, packed)
                return
            lines = self._lines(stream, packed, encoding)
            if self._suffix in JSON:
                found = json_rows.objects(lines)
                yield from self._watched(_of_objects(found, text, self.name), packed)
                return
            separator, header, rows = delimited.whole_rows(
                lines, [text], self._separator, tabs=self._suffix in TABS
            )
            self.read_as["separator"] = separator
            place = header.index(text)
            taken = _some(((row, row[place]) for _, row in rows), self.name)
            windows = (
                Window(first, [_text(each) for each in texts], header, cells)
                for first, cells, texts in taken
            )
            yield from self._watched(windows, packed)

    @property
    def _packed(self) -> int:
        return self._source.stat().st_size if isinstance(self._source, Path) else len(self._source)

    def _watched(self, windows: Iterator[Window], packed: int) -> Iterator[Window]:
        for window in windows:
            self.done = min(1.0, self._raw.tell() / max(packed, 1))
            yield window

    def _of_parquet(self, stream: Any, text: str, packed: int) -> Iterator[Window]:
        import pyarrow as pa

        from finetone.readers import parquet

        source = self._unpacked(stream, packed)
        file, header = parquet.header(source, self.name)
        place = column_places(header, self.name, [text])[text]
        waiting: list[pa.RecordBatch] = []
        first = 1
        batches = parquet.whole_batches(file, source, self.name, packed)
        for batch in batches:
            waiting.append(batch)
            rows, size = sum(map(len, waiting)), sum(each.nbytes for each in waiting)
            if rows >= ROWS or size >= CHARACTERS:
                yield (window := _of_batches(first, header, place, waiting))
                waiting, first = [], first + len(window.texts)
                self.done = (first - 1) / file.metadata.num_rows
        if waiting:
            yield _of_batches(first, header, place, waiting)


def _of_batches(first: int, header: list[str], place: int, batches: list[Any]) -> Window:
    import pyarrow as pa

    table = pa.Table.from_batches(batches)
    return Window(first, table.column(place).to_pylist(), header, None, table)


def _of_objects(
    found: Iterable[tuple[int, dict[str, Any]]], text: str, name: str
) -> Iterator[Window]:
    with_text = ((row, row.get(text)) for _, row in json_rows.having(found, [text], name))
    for first, rows, texts in _some(with_text, name):
        columns = list(dict.fromkeys(key for row in rows for key in row))
        cells = [[row.get(key, ABSENT) for key in columns] for row in rows]
        yield Window(first, texts, columns, cells)


def _some(
    found: Iterable[tuple[Any, Any]], name: str
) -> Iterator[tuple[int, list[Any], list[Any]]]:
    """The number of the first row, rows and texts, as many at a time as a window may have."""
    rows: list[Any] = []
    texts: list[Any] = []
    first, size = 1, 0
    for row, text in found:
        rows.append(row)
        texts.append(text)
        cells = row.values() if isinstance(row, dict) else row
        size += sum(len(cell) for cell in cells if isinstance(cell, str))
        if len(rows) >= ROWS or size >= CHARACTERS:
            yield first, rows, texts
            first, rows, texts, size = first + len(rows), [], [], 0
            limits.check_rows(first, name)
    if rows:
        yield first, rows, texts


def _text(cell: str) -> str | None:
    return cell or None


def _refuse_other_types(name: str, column: str, window: Window) -> None:
    if {type(text) for text in window.texts} <= {str, type(None)}:
        return
    for number, text in enumerate(window.texts, window.first):
        if not isinstance(text, str | None):
            kind = type(text).__name__
            raise UserError(
                f"{name}, row {number}: {column!r} holds no text ({kind}); name another"
            )
