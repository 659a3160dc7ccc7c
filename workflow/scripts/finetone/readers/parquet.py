"""Columns of a Parquet file, read so that no file can fill the memory with little content."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from finetone.errors import UserError, first_line
from finetone.readers import limits

BATCH = 1024  # rows
BATCH_BYTES = 256 << 20
DAMAGE = (pa.ArrowException, OSError, ValueError, OverflowError, LookupError, TypeError)


def header(source: Any, name: str) -> tuple[pq.ParquetFile, list[str]]:
    """The open file and its column names; a UserError if it is not Parquet."""
    try:  # ParquetFile, not read_table: that would guess columns from folder names
        file = pq.ParquetFile(source)
        return file, file.schema_arrow.names
    except DAMAGE as error:
        raise _unreadable(name, error) from None


def cells(file: pq.ParquetFile) -> list[str]:
    """Names of the columns that hold neither lists nor structures."""
    return [field.name for field in file.schema_arrow if not pa.types.is_nested(field.type)]


def rows(
    table: limits.Table, file: pq.ParquetFile, source: Any, name: str, packed: int
) -> Iterator[tuple[int, Sequence[Any]]]:
    """The cells of the table's columns of all rows of `file`, opened from `source`.

    Raises
    ------
    UserError
        The file is damaged, holds more than the limits allow, or lists or structures in columns.
    """
    columns = list(table.columns)
    for column in columns:
        kind = file.schema_arrow.field(column).type
        if pa.types.is_nested(kind):
            raise UserError(f"{name}: column {column[:40]!r} holds {str(kind)[:80]}, not text")
    table.unit = "row"
    limits.check_rows(file.metadata.num_rows, name)
    table.check_room(limits.ROW * file.metadata.num_rows)
    try:
        row = 0
        for batch in _batches(file, columns, source, name, packed):
            cells = [batch.column(column) for column in columns]
            table.check_room(sum(_bytes(values) for values in cells))
            for values in zip(*(column.to_pylist() for column in cells), strict=True):
                row += 1
                yield row, values
    except DAMAGE as error:
        raise _unreadable(name, error) from None


def whole_batches(
    file: pq.ParquetFile, source: Any, name: str, packed: int
) -> Iterator[pa.RecordBatch]:
    """All columns of all rows of `file`, opened from `source`, with the types they have.

    Raises
    ------
    UserError
        The file is damaged, or holds more than the limits allow.
    """
    limits.check_rows(file.metadata.num_rows, name)
    try:
        yield from _batches(file, file.schema_arrow.names, source, name, packed)
    except DAMAGE as error:
        raise _unreadable(name, error) from None


def _batches(
    file: pq.ParquetFile, columns: list[str], source: Any, name: str, packed: int
) -> Iterator[pa.RecordBatch]:
    """All rows, as many at a time as surely fit into BATCH_BYTES."""
    for group in range(file.num_row_groups):
        # not the sizes of its columns: damaged, these end pyarrow's process
        stored = file.metadata.row_group(group).total_byte_size
        limits.check_size(stored, packed, name)
        longest = stored  # of a cell: all rows may name the same entry of a dictionary …
        if stored > limits.MAX_CELL:
            longest = _longest(source, columns, group, name)  # … whose entries can be looked at
        rows = max(1, min(BATCH, BATCH_BYTES // max(longest, 1)))
        yield from file.iter_batches(rows, row_groups=[group], columns=columns, use_threads=False)


def _longest(source: Any, columns: list[str], group: int, name: str) -> int:
    """Bytes of the longest dictionary entry of a row group."""
    longest = 0
    file = pq.ParquetFile(source, read_dictionary=columns)
    first = next(file.iter_batches(1, row_groups=[group], columns=columns), None)
    for values in first.columns if first else []:
        if isinstance(values, pa.DictionaryArray) and _has_length(values.dictionary.type):
            longest = max(longest, pc.max(pc.binary_length(values.dictionary)).as_py() or 0)
    if longest > limits.MAX_CELL:
        raise UserError(f"{name}: holds a cell of more than {limits.MAX_CELL >> 20} MB")
    return longest


def _bytes(values: pa.Array) -> int:
    """Bytes of the texts in `values`; of a dictionary, as often as they are named."""
    if isinstance(values, pa.DictionaryArray):
        if not _has_length(values.dictionary.type):
            return 0
        lengths = pc.binary_length(values.dictionary).take(values.indices)
    elif _has_length(values.type):
        lengths = pc.binary_length(values)
    else:
        return 0
    return pc.sum(lengths).as_py() or 0


def _has_length(kind: pa.DataType) -> bool:
    return kind in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())


def _unreadable(name: str, error: Exception) -> UserError:
    return UserError(f"{name}: not a readable Parquet file ({first_line(error)})")
