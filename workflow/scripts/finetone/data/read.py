"""Strict readers of tables: every cell arrives verbatim, or the file is refused with its line."""

import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn, cast

import pandas as pd
import pyarrow as pa

from finetone.data import delimited, limits, parquet
from finetone.data.lines import Lines, column_places, hint, refuse
from finetone.errors import UserError, first_line

MAX_PARQUET = 1 << 31  # bytes of a compressed Parquet file, unpacked: it is read in memory


def read_table(source: Path | bytes, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """Read `columns` of a CSV, TSV (.tsv, .txt), JSONL or Parquet table, or any of them .gz.

    Nothing is guessed: delimited cells are `str` exactly as written ("NA", "007" and "1e5" stay
    text), JSONL and Parquet cells keep the type they were written with, missing ones are None. Rows
    keep their order; blank lines are no rows. All columns have dtype object.

    Parameters
    ----------
    source
        Path or bytes of the table.
    name
        Of the table, for messages; its suffix decides the format.

    Raises
    ------
    UserError
        Anything is malformed, with file and line (Parquet: file and column), or there is more than
        `finetone.data.limits` allows.
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
            reader(Lines(stream, name, packed), table)
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


def _jsonl(stream: Lines, table: limits.Table) -> None:
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
            refuse(name, number, "holds half of a surrogate pair (\\ud800 … \\udfff)")
        except (ValueError, RecursionError) as error:
            refuse(name, number, f"is not valid JSON ({first_line(error)})")
        if not isinstance(row, dict):
            refuse(name, number, 'is no JSON object like {"text": "…", "label": "…"}')
        for column in table.columns:
            if column not in row:
                refuse(name, number, f"has no key {column!r}{hint(column, row)}")
        table.append([row[column] for column in table.columns], number)
    if not number:
        raise UserError(f"{name}: is empty")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("a key is given twice")
    return row


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _parquet(stream: Lines, table: limits.Table) -> None:
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
    column_places(header, name, list(table.columns))
    parquet.fill(table, file, source, name, stream.packed)


_READERS: dict[str, Callable[[Lines, limits.Table], None]] = {
    ".csv": delimited.fill_from_csv,
    ".tsv": delimited.fill_from_tsv,
    ".txt": delimited.fill_from_tsv,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
}
