"""Prediction files: the logits of every test row, from which all later numbers are computed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from finetone import files
from finetone.provenance import Provenance, keys_of

KEY = b"finetone"  # of the schema metadata
UNCHECKED = ("checksums", "fingerprint", "settings", "made_from")  # not what the rows mean


def write(
    target: Path,
    ids: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    logits: Mapping[int, npt.NDArray[np.float32]],
    meta: dict[str, Any],
    provenance: Provenance | None = None,
) -> None:
    """Write the Parquet file that docs/architecture.md describes.

    Parameters: `ids` and `labels` [n] of the test rows; `logits` {epoch: [n, classes]}; `meta` the
    file's own account of itself, to which a checksum of each epoch is added.
    """
    epochs = sorted(logits)
    values = np.concatenate([logits[epoch] for epoch in epochs]).astype(np.float32)
    offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    meta = keys_of(provenance) | meta
    meta["checksums"] = {
        str(epoch): checksum(meta, epoch, ids, labels, logits[epoch]) for epoch in epochs
    }
    table = pa.table(
        {
            "epoch": pa.array(np.repeat(np.array(epochs, dtype=np.int16), len(ids))),
            "id": pa.array(np.tile(ids, len(epochs))),
            "label": pa.array(np.tile(labels, len(epochs)).astype(np.int8)),
            "logits": pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.ravel())),
        }
    ).replace_schema_metadata({KEY: json.dumps(meta, ensure_ascii=False)})
    with files.atomic(target) as partial:
        pq.write_table(table, partial)


def checksum(
    meta: Mapping[str, Any],
    epoch: int,
    ids: npt.NDArray[Any],
    labels: npt.NDArray[Any],
    logits: npt.NDArray[Any],
) -> str:
    """Of the rows of one epoch in the order of their ids, and of what they are said to be."""
    facts = {key: value for key, value in meta.items() if key not in UNCHECKED}
    order = np.argsort(ids, kind="stable")
    return files.checksum(
        {**facts, "epoch": epoch},
        np.ascontiguousarray(ids[order].astype(np.int64)),
        np.ascontiguousarray(labels[order].astype(np.int64)),
        np.ascontiguousarray(logits[order].astype(np.float32)),
    )
