"""Strict readers of tables: every cell arrives verbatim, or the file is refused with its line."""

import csv
import difflib
import gzip
import io
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any, NoReturn, cast

import pandas as pd
import pyarrow as pa

from finetone.data import limits, parquet
from finetone.errors import UserError, first_line

MAX_PARQUET = 1 << 31  # bytes of a compressed Parquet file, unpacked: it is read in memory

BARE_RETURN = 'holds a bare carriage return; end lines with "\\n"'
QUOTED = re.compile(r'"[^"]*(?:""[^"]*)+"')

Header = list[str]
Row = tuple[int, list[Any]]  # with the line it begins in


def read_table(source: Path | bytes, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """Read `columns` of a CSV, TSV (.tsv, .txt), JSONL or Parquet table, or any of them .gz.

    `name` names the table in messages and, by its suffix, tells the format; `source` is its path
    or its bytes. Nothing is guessed: delimited cells are `str` exactly as written ("NA", "007" and
    "1e5" stay text), JSONL and Parquet cells keep the type they were written with, missing ones
    are None. Rows keep their order; blank lines are no rows. All columns have dtype object.

    Raises UserError with file and line (Parquet: file and column) for anything malformed, and for
    more than `finetone.data.limits` allows.
    """
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    compressed = suffixes[-1:] == [".gz"]
    suffix = (suffixes[:-1] if compressed else suffixes)[-1:]
    reader = _READERS.get("".join(suffix))
    if reader is None:
        known = ", ".join(_READERS)
        raise UserError(f"{name}: unknown kind of table; the name must end in {known} (or .gz)")
    try:
        packed = source.stat().st_size if isinstance(source, Path) else len(source)
        table = limits.Table(name, columns, packed)
        with _open(source, compressed) as stream:
            reader(_Stream(stream, name, packed), table)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{name}: broken gzip file ({error})") from None
    except OSError as error:
        raise UserError(f"{name}: cannot be read ({error.strerror})") from None
    frame = pd.DataFrame({key: pd.Series(table.columns[key], dtype=object) for key in columns})
    if frame.empty:
        raise UserError(f"{name}: has no rows")
    return frame


@contextmanager
def _open(source: Path | bytes, compressed: bool) -> Iterator[IO[bytes]]:
    with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as raw:
        yield cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if compressed else raw


class _Stream:
    r"""The lines of a table, decoded; none of them, and not their sum, longer than allowed.

    Only b"\n" ends a line, so numbers match any editor's.
    """

    def __init__(self, stream: IO[bytes], name: str, packed: int) -> None:
        self.raw, self.name, self.packed = stream, name, packed
        self.record = 0  # bytes since a reader said that a row had ended

    def __iter__(self) -> Iterator[str]:
        name, size, blank, number = self.name, 0, 0, 0
        most = limits.most(self.packed)
        while raw := self.raw.readline(limits.MAX_RECORD + 1):
            number += 1
            size += len(raw)
            self.record += len(raw)
            if size > most:
                limits.check_size(size, self.packed, name)
            if self.record > limits.MAX_RECORD:
                _refuse(name, number, f"is longer than {limits.MAX_RECORD >> 20} MB, or never ends")
            if b"\0" in raw:
                _refuse(name, number, "holds a NUL byte; save the file as UTF-8 text")
            blank = blank + 1 if len(raw) < 3 and raw.isspace() else 0
            if blank > limits.MAX_BLANK:
                _refuse(name, number, f"follows {limits.MAX_BLANK:,} blank lines; remove them")
            try:
                yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                byte = raw[error.start]
                _refuse(name, number, f"is not UTF-8 (byte 0x{byte:02x}); save the file as UTF-8")


def _csv(stream: _Stream, table: limits.Table) -> None:
    csv.field_size_limit(limits.MAX_CELL)
    rows = csv.reader(stream, strict=True)
    header = _next_row(rows, stream)

    def records() -> Iterator[Row]:
        while True:
            line = rows.line_num + 1  # where the record begins: quoted fields may span lines
            row = _next_row(rows, stream)
            if row is None:
                return
            if row:
                yield line, row

    _fill(header, records(), stream, table)


def _next_row(rows: Any, stream: _Stream) -> list[str] | None:
    line, name = rows.line_num + 1, stream.name
    stream.record = 0
    try:
        return next(rows, None)
    except csv.Error as error:
        if "unexpected end" in str(error):
            _refuse(name, line, "opens a quote that is never closed")
        if "new-line character" in str(error):
            _refuse(name, line, BARE_RETURN)
        if "expected after" in str(error):
            _refuse(name, line, 'has text after a closing quote; write a quote inside text as ""')
        if "field limit" in str(error) or "field larger" in str(error):
            limit = f"{limits.MAX_CELL >> 20} MB"
            _refuse(name, line, f"holds a cell of more than {limit}; is a quote never closed?")
        _refuse(name, line, str(error))


def _tsv(stream: _Stream, table: limits.Table) -> None:
    """Tab-separated as IANA's text/tab-separated-values has it: no quoting, cells are verbatim.

    Much text data comes so, with unpaired quotes that a CSV reader would swallow rows by. Cells
    that some program did quote (doubled quotes inside quotes) are refused, not misread.
    """
    lines = (line.removesuffix("\n").removesuffix("\r") for line in stream)
    header = next(lines, None)

    def records() -> Iterator[Row]:
        for number, line in enumerate(lines, 2):
            stream.record = 0
            if "\r" in line:
                _refuse(stream.name, number, BARE_RETURN)
            if not line:
                continue
            row = line.split("\t")
            if any(map(QUOTED.fullmatch, row)):
                what = "is quoted as in CSV, but TSV has no quotes; save as .csv"
                _refuse(stream.name, number, what)
            yield number, row

    _fill(header if header is None else header.split("\t"), records(), stream, table)


def _fill(
    header: Header | None, records: Iterator[Row], stream: _Stream, table: limits.Table
) -> None:
    name = stream.name
    if header is None:
        raise UserError(f"{name}: is empty")
    places = _places(header, f"{name}, line 1", list(table.columns)).values()
    for line, row in records:
        if len(row) != len(header):
            _refuse(name, line, f"has {len(row)} fields, the header has {len(header)}")
        table.append([row[place] for place in places], line)


def _jsonl(stream: _Stream, table: limits.Table) -> None:
    number, name = 0, stream.name
    for number, line in enumerate(stream, 1):
        stream.record = 0
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=_unique, parse_constant=_no_constant)
            if "\\u" in line:  # escapes can name what UTF-8 cannot hold
                json.dumps(row, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            _refuse(name, number, "holds half of a surrogate pair (\\ud800 … \\udfff)")
        except (ValueError, RecursionError) as error:
            _refuse(name, number, f"is not valid JSON ({first_line(error)})")
        if not isinstance(row, dict):
            _refuse(name, number, 'is no JSON object like {"text": "…", "label": "…"}')
        for column in table.columns:
            if column not in row:
                _refuse(name, number, f"has no key {column!r}{_hint(column, row)}")
        table.append([row[column] for column in table.columns], number)
    if not number:
        raise UserError(f"{name}: is empty")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("a key stands there twice")
    return row


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _parquet(stream: _Stream, table: limits.Table) -> None:
    name, source = stream.name, cast(Any, stream.raw)
    if isinstance(source, gzip.GzipFile):
        content = bytearray()
        while chunk := source.read(1 << 20):
            content += chunk
            limits.check_size(len(content), stream.packed, name)
            if len(content) > MAX_PARQUET:
                raise UserError(f"{name}: unpacks to more than {MAX_PARQUET >> 30} GB")
        source = pa.BufferReader(content)
    file, header = parquet.header(source, name)
    _places(header, name, list(table.columns))
    parquet.fill(table, file, source, name, stream.packed)


def _places(header: Header, place: str, columns: Sequence[str]) -> dict[str, int]:
    """Index of every wanted column; refuses a header in which a name stands twice."""
    limits.check_columns(len(header), place)
    for column, count in Counter(header).items():
        if column and count > 1:
            raise UserError(f"{place}: the header has {column[:40]!r} twice")
    for column in columns:
        if column not in header:
            raise UserError(f"{place}: no column {column!r}{_hint(column, header)}")
    return {column: header.index(column) for column in columns}


def _hint(wanted: str, known: Iterable[str]) -> str:
    names = [name[:40] for name in islice(known, 1000)]
    near = difflib.get_close_matches(wanted, names, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there are {', '.join(map(repr, names[:12]))}" if names else ""


def _refuse(name: str, line: int, what: str) -> NoReturn:
    raise UserError(f"{name}, line {line}: {what}")


_READERS: dict[str, Callable[[_Stream, limits.Table], None]] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".txt": _tsv,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
}
