"""Whole tables and split files, for tests that need neither batches nor a dataset block."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from finetone.data import splits
from finetone.readers.table_file import TableFile


def read_table(
    source: Path | bytes, name: str, columns: Sequence[str], **given: Any
) -> dict[str, list[Any]]:
    """All batches of a table in one."""
    whole: dict[str, list[Any]] = {column: [] for column in columns}
    for batch in TableFile(source, name, **given).batches(columns):
        for column in columns:
            whole[column] += batch[column]
    return whole


def write_split(frame: pd.DataFrame, path: Path) -> str:
    """Write columns `id`, `text`, `label` as a split file; return its sha256."""
    columns = {
        name: pa.array(frame[name], splits.SCHEMA.field(name).type) for name in splits.SCHEMA.names
    }
    return splits.write_split([pa.table(columns, splits.SCHEMA)], path)
