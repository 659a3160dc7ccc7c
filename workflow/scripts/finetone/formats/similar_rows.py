"""near_duplicates/<dataset>.parquet: rows whose text is nearly that of another row."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from finetone import files
from finetone.errors import UserError, first_line
from finetone.provenance import Provenance, keys_of

KEY = b"finetone"  # of the schema metadata
SCHEMA = pa.schema(
    {
        "split": pa.string(),
        "id": pa.int64(),
        "other_split": pa.string(),
        "other_id": pa.int64(),
        "similarity": pa.float64(),
    }
)
UNREADABLE = (pa.ArrowException, OSError, KeyError, TypeError, ValueError)


def write(target: Path, rows: pd.DataFrame, provenance: Provenance | None = None) -> None:
    """Write pairs of rows, with the columns of SCHEMA."""
    rows = rows.astype({"id": "int64", "other_id": "int64", "similarity": "float64"})
    table = pa.Table.from_pandas(rows[SCHEMA.names], SCHEMA, preserve_index=False)
    meta = keys_of(provenance) | {"checksum": _checksum(rows)}
    with files.atomic(target) as partial:
        pq.write_table(table.replace_schema_metadata({KEY: json.dumps(meta)}), partial)


def read(path: Path) -> pd.DataFrame:
    """Read pairs of rows, with the columns of SCHEMA.

    Raises
    ------
    UserError
        The file is damaged or was altered.
    """
    try:
        table = pq.read_table(path)
        about = json.loads(table.schema.metadata[KEY])
        rows = table.select(SCHEMA.names).cast(SCHEMA).to_pandas()
        if about["checksum"] != _checksum(rows):
            raise ValueError("changed since it was written")
    except UNREADABLE as error:
        why = first_line(error)
        raise UserError(
            f"{path}: no list of near-duplicates ({why}); delete it and run again"
        ) from None
    return rows


def _checksum(rows: pd.DataFrame) -> str:
    splits = [[*rows["split"]], [*rows["other_split"]]]
    numbers = [np.ascontiguousarray(rows[n]) for n in ("id", "other_id", "similarity")]
    return files.checksum({"splits": splits}, *numbers)
