"""Embedding files: what a frozen model makes of the texts of a split, one vector per text."""

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from finetone import files
from finetone.errors import UserError, first_line
from finetone.formats.token_file import DAMAGE
from finetone.provenance import Provenance, keys_of

KEY = b"finetone"  # of the schema metadata
COLUMNS = ["id", "label", "embedding"]


@dataclass(frozen=True)
class EmbeddingMeta:
    """What an embedding file says of itself; what was measured is not part of its content."""

    labels: list[str]  # names in class order
    pooling: str  # how the vectors of a text's tokens became one: mean, first or last
    layer: int  # whose output they are: the last one, of the encoder where there is a decoder
    max_length: int  # tokens that texts are cut to
    engine: dict[str, Any]  # as configured
    parameters: dict[str, int]  # of the frozen model: total, embedding, non_embedding
    seconds: float  # to embed all texts, without loading
    tokens_per_s: float
    peak_memory_bytes: int
    execution: dict[str, Any] = field(default_factory=dict)  # as it came about
    versions: dict[str, str] = field(default_factory=dict)
    made_from: dict[str, str] = field(default_factory=dict)  # {input: sha256}


@dataclass(frozen=True)
class Embeddings:
    """The embeddings of n texts; the arrays of a file are read-only views of it."""

    ids: npt.NDArray[np.int64]  # [n] row in the source
    labels: npt.NDArray[np.int64]  # [n]
    vectors: npt.NDArray[np.float32]  # [n, width]
    meta: EmbeddingMeta

    def of_rows(self, rows: npt.NDArray[np.int64]) -> "Embeddings":
        """Those of some rows, by their places, with their share of the time."""
        share = len(rows) / len(self.ids) if len(self.ids) else 0.0
        meta = replace(self.meta, seconds=self.meta.seconds * share)
        return Embeddings(self.ids[rows], self.labels[rows], self.vectors[rows], meta)


def write_embeddings(
    target: Path, embeddings: Embeddings, provenance: Provenance | None = None
) -> None:
    """Write an embedding file, an Arrow IPC file that readers map into memory."""
    about = keys_of(provenance) | asdict(embeddings.meta)
    about["content"] = _content(embeddings)
    width = embeddings.vectors.shape[1]
    table = pa.table(
        {
            "id": pa.array(embeddings.ids, pa.int64()),
            "label": pa.array(embeddings.labels.astype(np.int16)),
            "embedding": pa.FixedSizeListArray.from_arrays(
                pa.array(embeddings.vectors.astype(np.float32).ravel()), width
            ),
        }
    ).replace_schema_metadata({KEY: json.dumps(about).encode()})
    with files.atomic(target) as partial, pa.ipc.new_file(str(partial), table.schema) as writer:
        writer.write_table(table)


def read_embeddings(path: Path) -> Embeddings:
    """Open an embedding file.

    Raises
    ------
    UserError
        The file is no embedding file, or was altered.
    """
    try:
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        table.validate(full=True)
        about = json.loads(table.schema.metadata[KEY])
        stated = {each.name: about[each.name] for each in fields(EmbeddingMeta)}
        ids, labels, vectors = (table[name].combine_chunks() for name in COLUMNS)
        width = vectors.type.list_size
        found = Embeddings(
            ids=ids.to_numpy(),
            labels=labels.to_numpy().astype(np.int64),
            vectors=vectors.flatten().to_numpy().reshape(len(ids), width),
            meta=EmbeddingMeta(**stated),
        )
        if about["content"] != _content(found):
            raise ValueError("changed since it was written")
    except DAMAGE as error:
        why = first_line(error)
        raise UserError(f"{path}: not an embedding file ({why}); delete it and run again") from None
    return found


def _content(embeddings: Embeddings) -> str:
    meta = embeddings.meta
    return files.checksum(
        {"labels": meta.labels, "pooling": meta.pooling, "layer": meta.layer},
        np.ascontiguousarray(embeddings.ids, dtype=np.int64),
        np.ascontiguousarray(embeddings.labels, dtype=np.int64),
        np.ascontiguousarray(embeddings.vectors, dtype=np.float32),
    )
