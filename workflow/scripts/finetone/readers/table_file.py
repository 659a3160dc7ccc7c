"""Strict reader of tables: every cell arrives verbatim, or the file is refused with its line."""

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, cast

from finetone.errors import UserError
from finetone.log import logger
from finetone.readers import delimited, disguises, encodings, json_rows, limits
from finetone.readers.lines import Lines, column_places

MAX_PARQUET = 1 << 31  # bytes of a compressed Parquet file, unpacked: it is read in memory
DELIMITED, TABS = (".csv", ".tsv", ".txt", ".tab"), (".tsv", ".txt", ".tab")
JSON, PARQUET = (".json", ".jsonl", ".ndjson"), (".parquet",)
SHEETS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers")
KNOWN = (*DELIMITED, *JSON, *PARQUET)

Batch = dict[str, list[Any]]
Row = tuple[int, Sequence[Any]]  # with its line or number


class TableFile:
    """A delimited, JSON or Parquet table, or any of them .gz.

    Nothing is guessed about cells: delimited ones are `str` exactly as written ("NA", "007" and
    "1e5" stay text), those of JSON and Parquet keep the type they were written with, missing ones
    are None. Rows keep their order; blank lines are no rows.

    Parameters
    ----------
    source
        Path or bytes of the table.
    name
        Of the table, for messages; its suffix decides the format.
    separator
        Of a delimited table; by default the one with which the header names the columns.
    encoding
        Of a text file, as Python calls it; by default what its byte order mark says, or UTF-8, or
        what `encodings.proven` proves.

    Attributes
    ----------
    read_as
        {"separator": …, "encoding": …}, as far as the format has them, once it has been read.
    """

    def __init__(
        self,
        source: Path | bytes,
        name: str,
        separator: str | None = None,
        encoding: str | None = None,
    ) -> None:
        suffixes = [suffix.lower() for suffix in Path(name).suffixes]
        self._compressed = suffixes[-1:] == [".gz"]
        self._suffix = "".join((suffixes[:-1] if self._compressed else suffixes)[-1:])
        if self._suffix in SHEETS:
            raise UserError(
                f"{name}: is a spreadsheet; save it as CSV (UTF-8) there, and give that"
            )
        if suffixes[-1:] and suffixes[-1] in disguises.SUFFIXES:
            raise UserError(f"{name}: {disguises.PACKED}")
        if self._suffix not in KNOWN:
            known = ", ".join(KNOWN)
            raise UserError(f"{name}: unknown kind of table; the name must end in {known} (or .gz)")
        self._source, self.name, self._separator = source, name, separator
        self._encoding = encoding
        self.read_as: dict[str, str] = {}

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """Columns by name, some thousand rows at a time.

        Raises
        ------
        UserError
            Anything is malformed, with file and line (Parquet: file and row), or there is more than
            `finetone.readers.limits` allows, or no row at all.
        """
        columns, rows, encoding = list(dict.fromkeys(columns)), 0, self._encoding
        with self._readable():
            try:
                for batch in self._batches(columns, encoding):
                    rows += len(batch[columns[0]])
                    yield batch
            except encodings.NotUtf8:
                if (proven := self._proven()) is None:
                    raise
                done, rows = rows, 0  # all of them ASCII, or it would not be proven
                for batch in self._batches(columns, proven):
                    size = len(batch[columns[0]])
                    new = max(0, min(size, rows + size - done))
                    rows += size
                    if new:
                        yield {key: cells[size - new :] for key, cells in batch.items()}
        if not rows:
            raise UserError(f"{self.name}: has no rows")

    def settle(self) -> list[str]:
        """Names of the columns that have cells, as far as the beginning of the table shows.

        From then on it is read with the separator and the encoding that were found.

        Raises
        ------
        UserError
            It is no table, or its encoding has to be given.
        """
        with self._readable():
            try:
                return self._header()
            except encodings.NotUtf8:
                self._encoding = self._proven()
                if self._encoding is None:
                    raise
                return self._header()

    def first(self, columns: Sequence[str]) -> Batch:
        """Some hundred rows from the start, which say whether it is a table with these columns."""
        columns = list(dict.fromkeys(columns))
        table = limits.Table(self.name, columns, limits.MAX_BYTES)
        with self._readable(), self._open() as stream:
            places, rows = [], []
            for place, row in _some(self._rows(stream, table, limits.MAX_BYTES, self._encoding)):
                places.append(place)
                rows.append(row)
        if rows:
            table.extend(rows, places)
        return table.take()

    def _header(self) -> list[str]:
        with self._open() as stream:
            if self._suffix in PARQUET:
                from finetone.readers import parquet

                return parquet.cells(self._parquet(stream)[0])
            lines = self._lines(stream, limits.MAX_BYTES, self._encoding)
            if self._suffix in JSON:
                return json_rows.keys(lines)
            tabs = self._suffix in TABS
            self._separator, names = delimited.header(lines, self._separator, tabs=tabs)
            self.read_as["separator"] = self._separator
            return list(dict.fromkeys(names))

    def _proven(self) -> str | None:
        """The encoding of a file that is not UTF-8, if it can be no other."""

        def lines() -> Iterator[bytes]:
            with self._open() as stream:
                yield from iter(lambda: stream.readline(limits.MAX_RECORD + 1), b"")

        if proven := encodings.proven(lines):
            logger.warning(
                "%s: is not UTF-8; read as %s, which fits all of its words (encoding: decides)",
                self.name,
                proven,
            )
        return proven

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Inside the block, errors of the file are the user's."""
        try:
            yield
        except (gzip.BadGzipFile, EOFError, zlib.error, OSError) as error:
            if isinstance(error, OSError) and error.strerror:
                said = f"cannot be read ({error.strerror})"
            else:
                said = f"broken gzip file ({error})"
            raise UserError(f"{self.name}: {said}") from None

    def _batches(self, columns: list[str], encoding: str | None) -> Iterator[Batch]:
        source = self._source
        packed = source.stat().st_size if isinstance(source, Path) else len(source)
        table = limits.Table(self.name, columns, packed)
        with self._open() as stream:
            found = self._rows(stream, table, packed, encoding)
            while waiting := list(_some(found)):
                places, rows = zip(*waiting, strict=True)
                table.extend(rows, places)
                if table.full:
                    yield table.take()
            if table.pending:
                yield table.take()

    def _rows(
        self, stream: io.BufferedReader, table: limits.Table, packed: int, encoding: str | None
    ) -> Iterator[Row]:
        columns = list(table.columns)
        if self._suffix in PARQUET:
            from finetone.readers import parquet  # takes a while, and few files need it

            file, source = self._parquet(stream, packed)
            column_places(file.schema_arrow.names, self.name, columns)
            yield from parquet.rows(table, file, source, self.name, packed)
            return
        lines = self._lines(stream, packed, encoding)
        if self._suffix in JSON:
            yield from json_rows.rows(lines, columns)
            return
        rows = delimited.rows(lines, columns, self._separator, tabs=self._suffix in TABS)
        self.read_as["separator"] = cast(str, next(rows))
        yield from cast(Iterator[Row], rows)

    def _lines(self, stream: io.BufferedReader, packed: int, encoding: str | None) -> Lines:
        """The lines of a text file in UTF-8, whatever its encoding is."""
        start = stream.peek(disguises.LOOKED)[: disguises.LOOKED]
        marked = encodings.marked(start)
        disguises.refuse(start, self.name, encoding or marked)
        encoding = encoding or marked or "utf-8"
        self.read_as = {"encoding": encoding}
        if encoding not in ("utf-8", "utf-8-sig"):
            recoded = encodings.Recoded(stream, encoding, self.name)
            stream = io.BufferedReader(recoded, 1 << 20)
        return Lines(stream, self.name, packed)

    def _parquet(self, stream: io.BufferedReader, packed: int = limits.MAX_BYTES) -> Any:
        """The Parquet file in `stream`, and what it was opened from."""
        from finetone.readers import parquet

        source = self._unpacked(stream, packed)
        return parquet.header(source, self.name)[0], source

    def _unpacked(self, stream: io.BufferedReader, packed: int) -> Any:
        """What pyarrow reads a Parquet file from: the file, or its bytes if it was compressed."""
        if not self._compressed:
            return stream
        import pyarrow as pa

        content = bytearray()
        while chunk := stream.read(1 << 20):
            content += chunk
            limits.check_size(len(content), packed, self.name)
            if len(content) > MAX_PARQUET:
                raise UserError(f"{self.name}: unpacks to more than {MAX_PARQUET >> 30} GB")
        return pa.BufferReader(content)

    @contextmanager
    def _open(self) -> Iterator[io.BufferedReader]:
        source = self._source
        with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as raw:
            self._raw = raw
            unpacked = gzip.GzipFile(fileobj=raw) if self._compressed else raw
            if isinstance(unpacked, io.BufferedReader):
                yield unpacked
            else:
                yield io.BufferedReader(cast(io.RawIOBase, unpacked), 1 << 20)


def _some(rows: Iterator[Row]) -> Iterator[Row]:
    """The next rows, as many as may be looked at together."""
    size = 0
    for row in islice(rows, limits.TOGETHER):
        yield row
        for cell in row[1]:
            if type(cell) in limits.TEXT:  # isinstance would take a tenth of all the time
                size += len(cell)
        if size > limits.TOGETHER_BYTES:
            return
