"""Strict readers of tables: every cell arrives verbatim, or the file is refused with its line."""

import csv
import difflib
import gzip
import io
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn, cast

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from finetone.errors import UserError, first_line

MAX_LINE = 1 << 26  # bytes; a longer line is no row of text but damage or a decompression bomb
MAX_TABLE = 1 << 31  # bytes of a compressed Parquet file, unpacked

BARE_RETURN = 'holds a bare carriage return; end lines with "\\n"'
QUOTED = re.compile(r'"[^"]*(?:""[^"]*)+"')

Columns = dict[str, list[Any]]


def read_table(source: Path | bytes, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """Read `columns` of a CSV, TSV (.tsv, .txt), JSONL or Parquet table, or any of them .gz.

    `name` names the table in messages and, by its suffix, tells the format; `source` is its path
    or its bytes. Nothing is guessed: delimited cells are `str` exactly as written ("NA", "007" and
    "1e5" stay text), JSONL and Parquet cells keep the type they were written with, missing ones
    are None. Rows keep their order; blank lines are no rows. All columns have dtype object.

    Raises UserError with file and line (Parquet: file and column) for anything malformed.
    """
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    compressed = suffixes[-1:] == [".gz"]
    suffix = (suffixes[:-1] if compressed else suffixes)[-1:]
    reader = _READERS.get("".join(suffix))
    if reader is None:
        known = ", ".join(_READERS)
        raise UserError(f"{name}: unknown kind of table; the name must end in {known} (or .gz)")
    try:
        with _open(source, compressed) as stream:
            table = reader(stream, name, columns)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{name}: broken gzip file ({error})") from None
    except OSError as error:
        raise UserError(f"{name}: cannot be read ({error.strerror})") from None
    frame = pd.DataFrame({key: pd.Series(table[key], dtype=object) for key in columns})
    if frame.empty:
        raise UserError(f"{name}: has no rows")
    return frame


@contextmanager
def _open(source: Path | bytes, compressed: bool) -> Iterator[IO[bytes]]:
    with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as raw:
        yield cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if compressed else raw


def _lines(stream: IO[bytes], name: str) -> Iterator[str]:
    """Decoded lines with their ends; only b"\\n" ends one, so line numbers match any editor's."""
    number = 0
    while raw := stream.readline(MAX_LINE):
        number += 1
        if len(raw) == MAX_LINE and not raw.endswith(b"\n"):
            _refuse(name, number, f"is longer than {MAX_LINE >> 20} MB")
        if b"\0" in raw:
            _refuse(name, number, "holds a NUL byte; save the file as UTF-8 text")
        try:
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            byte = raw[error.start]
            _refuse(name, number, f"is not UTF-8 (byte 0x{byte:02x}); save the file as UTF-8")


def _csv(stream: IO[bytes], name: str, columns: Sequence[str]) -> Columns:
    csv.field_size_limit(MAX_LINE)
    rows = csv.reader(_lines(stream, name), strict=True)
    header = _next_row(rows, name)
    if header is None:
        raise UserError(f"{name}: is empty")

    def records() -> Iterator[tuple[int, list[str]]]:
        while True:
            line = rows.line_num + 1  # where the record begins: quoted fields may span lines
            row = _next_row(rows, name)
            if row is None:
                return
            if row:
                yield line, row

    return _fill(header, records(), name, columns)


def _next_row(rows: Any, name: str) -> list[str] | None:
    line = rows.line_num + 1
    try:
        return next(rows, None)
    except csv.Error as error:
        if "unexpected end" in str(error):
            _refuse(name, line, "opens a quote that is never closed")
        if "new-line character" in str(error):
            _refuse(name, line, BARE_RETURN)
        if "expected after" in str(error):
            _refuse(name, line, 'has text after a closing quote; write a quote inside text as ""')
        _refuse(name, line, str(error))


def _tsv(stream: IO[bytes], name: str, columns: Sequence[str]) -> Columns:
    """Tab-separated as IANA's text/tab-separated-values has it: no quoting, cells are verbatim.

    Much text data comes so, with unpaired quotes that a CSV reader would swallow rows by. Cells
    that some program did quote (doubled quotes inside quotes) are refused, not misread.
    """
    lines = (line.removesuffix("\n").removesuffix("\r") for line in _lines(stream, name))
    header = next(lines, None)
    if header is None:
        raise UserError(f"{name}: is empty")

    def records() -> Iterator[tuple[int, list[str]]]:
        for number, line in enumerate(lines, 2):
            if "\r" in line:
                _refuse(name, number, BARE_RETURN)
            if not line:
                continue
            row = line.split("\t")
            if any(map(QUOTED.fullmatch, row)):
                _refuse(name, number, "is quoted as in CSV, but TSV has no quotes; save as .csv")
            yield number, row

    return _fill(header.split("\t"), records(), name, columns)


def _fill(
    header: list[str],
    records: Iterator[tuple[int, list[str]]],
    name: str,
    columns: Sequence[str],
) -> Columns:
    places = _places(header, f"{name}, line 1", columns)
    table: Columns = {column: [] for column in columns}
    for line, row in records:
        if len(row) != len(header):
            _refuse(name, line, f"has {len(row)} fields, the header has {len(header)}")
        for column, place in places.items():
            table[column].append(row[place])
    return table


def _jsonl(stream: IO[bytes], name: str, columns: Sequence[str]) -> Columns:
    table: Columns = {column: [] for column in columns}
    number = 0
    for number, line in enumerate(_lines(stream, name), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=_unique, parse_constant=_no_constant)
            if "\\u" in line:  # escapes can name what UTF-8 cannot hold
                json.dumps(row, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            _refuse(name, number, "holds half of a surrogate pair (\\ud800 … \\udfff)")
        except (ValueError, RecursionError) as error:
            _refuse(name, number, f"is not valid JSON ({error})")
        if not isinstance(row, dict):
            _refuse(name, number, 'is no JSON object like {"text": "…", "label": "…"}')
        for column in columns:
            if column not in row:
                _refuse(name, number, f"has no key {column!r}{_hint(column, list(row))}")
            table[column].append(row[column])
    if not number:
        raise UserError(f"{name}: is empty")
    return table


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("a key stands there twice")
    return row


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _parquet(stream: IO[bytes], name: str, columns: Sequence[str]) -> Columns:
    source: Any = stream
    if isinstance(stream, gzip.GzipFile):
        content = stream.read(MAX_TABLE + 1)
        if len(content) > MAX_TABLE:
            raise UserError(f"{name}: unpacks to more than {MAX_TABLE >> 30} GB")
        source = pa.BufferReader(content)
    try:  # ParquetFile, not read_table: that would guess columns from folder names
        file = pq.ParquetFile(source)
        _places(file.schema_arrow.names, name, columns)
        return {key: file.read([key]).column(0).to_pylist() for key in columns}
    except (pa.ArrowException, OSError) as error:
        reason = first_line(error)
        raise UserError(f"{name}: not a readable Parquet file ({reason})") from None


def _places(header: list[str], where: str, columns: Sequence[str]) -> dict[str, int]:
    """Index of every wanted column; refuses a header in which a name stands twice."""
    for column, count in Counter(header).items():
        if column and count > 1:
            raise UserError(f"{where}: the header has {column!r} twice")
    for column in columns:
        if column not in header:
            raise UserError(f"{where}: no column {column!r}{_hint(column, header)}")
    return {column: header.index(column) for column in columns}


def _hint(wanted: str, known: list[str]) -> str:
    near = difflib.get_close_matches(wanted, known, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there are {', '.join(map(repr, known[:12]))}" if known else ""


def _refuse(name: str, line: int, what: str) -> NoReturn:
    raise UserError(f"{name}, line {line}: {what}")


_READERS: dict[str, Callable[[IO[bytes], str, Sequence[str]], Columns]] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".txt": _tsv,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
}
