"""Row subsets: which rows of a dataset's train split one training may use."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from finetone import files
from finetone.errors import UserError, first_line
from finetone.provenance import Provenance, keys_of
from finetone.seeds import derive

KEY = b"finetone"  # of the schema metadata
SCHEMA = pa.schema({"row": pa.int64()})
UNREADABLE = (pa.ArrowException, OSError, KeyError, TypeError, ValueError)


@dataclass(frozen=True)
class RowSubset:
    """Some rows of a train split.

    Attributes
    ----------
    name
        Of the subset, e.g. "rows300".
    dataset
        Whose train split it is of.
    total
        Rows of that split.
    rows
        int64 [n], ascending: places in the split, which its token files share, from 0.
    """

    name: str
    dataset: str
    total: int
    rows: npt.NDArray[np.int64]

    @property
    def held_out(self) -> npt.NDArray[np.int64]:
        """The other rows of the split, ascending."""
        return np.setdiff1d(np.arange(self.total), self.rows)


def write(target: Path, subset: RowSubset, provenance: Provenance | None = None) -> None:
    """Write a subset."""
    about = {"name": subset.name, "dataset": subset.dataset, "total": subset.total}
    meta = keys_of(provenance) | about | {"checksum": files.checksum(about, subset.rows)}
    table = pa.table([pa.array(subset.rows)], schema=SCHEMA)
    with files.atomic(target) as partial:
        pq.write_table(table.replace_schema_metadata({KEY: json.dumps(meta)}), partial)


def for_training(
    path: Path | None, total: int, seed: int
) -> tuple[npt.NDArray[np.int64] | None, int]:
    """What one training learns from and draws with: (places of its rows, seed of all that is random).

    All rows, which is None, and the seed itself where `path` is None. Otherwise the seed depends on
    the subset's name as well, or all folds would begin with the same head, whose luck would not
    average out. Parameters and errors as of `read`.
    """
    if path is None:
        return None, seed
    subset = read(path, total)
    return subset.rows, derive(seed, subset.name)


def read(path: Path, total: int | None = None) -> RowSubset:
    """Read a subset.

    Parameters
    ----------
    path
        Its file.
    total
        Rows of the split, or of the token file, that it is to be taken of.

    Raises
    ------
    UserError
        It is no subset, was altered, or is one of another split.
    """
    try:
        table = pq.read_table(path)
        about = json.loads(table.schema.metadata[KEY])
        found = RowSubset(
            name=about["name"],
            dataset=about["dataset"],
            total=int(about["total"]),
            rows=table.select(SCHEMA.names).cast(SCHEMA)["row"].to_numpy(),
        )
        stated = {key: about[key] for key in ("name", "dataset", "total")}
        if about["checksum"] != files.checksum(stated, found.rows):
            raise ValueError("changed since it was written")
    except UNREADABLE as error:
        why = first_line(error)
        raise UserError(f"{path}: not a row subset ({why}); delete it and run again") from None
    if total is not None and total != found.total:
        raise UserError(
            f"{path}: rows of a split of {found.total} rows, but this one has {total}; "
            "delete it and run again"
        )
    return found
