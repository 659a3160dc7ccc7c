"""Token files: one Arrow IPC file per (dataset, split, model), memory-mapped by training."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from finetone import files
from finetone.errors import UserError, first_line
from finetone.provenance import Provenance, keys_of

KEY = b"finetone"  # of the schema metadata
SCHEMA = pa.schema({"id": pa.int64(), "label": pa.int16(), "input_ids": pa.list_(pa.int32())})
# what a file of other content, or a damaged one, makes of reading it
DAMAGE = (
    pa.ArrowException,
    OSError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
)
EMPTY = np.empty(0, dtype=np.int32)  # np.concatenate asks for one array at least
MAX_OFFSET = 2**31 - 1  # tokens one list<int32> array can address


@dataclass(frozen=True)
class TokensMeta:
    """What a token file says of itself."""

    labels: list[str]  # names in class order
    max_length: int  # tokens that texts are cut to
    pad_token_id: int
    truncated: int = 0  # texts that were cut
    rows: int = 0
    made_from: Mapping[str, str] | None = None  # {input: sha256}


@dataclass(frozen=True)
class Tokens:
    """A tokenized split of n texts; the arrays are read-only views of the mapped file.

    Text i is `input_ids[offsets[i]:offsets[i + 1]]`, special tokens included, without padding.
    """

    ids: npt.NDArray[np.int64]  # [n] row in the source
    labels: npt.NDArray[np.int64]  # [n]
    offsets: npt.NDArray[np.int64]  # [n + 1]
    input_ids: npt.NDArray[np.int32]  # [offsets[n]]
    meta: TokensMeta

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens per text [n]."""
        return np.diff(self.offsets)

    def take(self, rows: npt.NDArray[np.int64]) -> "Tokens":
        """A copy of the texts at these places [m], in their order."""
        lengths = self.lengths[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        places = np.repeat(self.offsets[rows], lengths) + within
        meta = replace(self.meta, rows=len(rows))
        return Tokens(self.ids[rows], self.labels[rows], offsets, self.input_ids[places], meta)


def read_meta(path: str | Path) -> TokensMeta:
    """What a token file says of itself, without its tokens.

    Raises
    ------
    UserError
        The file is no token file.
    """
    try:
        with pa.memory_map(str(path)) as file:
            return _meta(json.loads(pa.ipc.open_file(file).schema.metadata[KEY]))
    except DAMAGE as error:
        raise _damaged(path, error) from None


def read_tokens(path: str | Path) -> Tokens:
    """Open a token file without copying its tokens.

    Raises
    ------
    UserError
        The file is no token file, or is damaged.
    """
    try:
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        table.validate(full=True)  # a damaged offset would have us read beyond the file's end
        about = json.loads(table.schema.metadata[KEY])
        meta = _meta(about)
        table = table.select(SCHEMA.names).cast(SCHEMA)
        columns = table.columns
        if any(column.null_count for column in columns):
            raise ValueError("empty cells")
        # one chunk, as it is written, stays a view of the file; several are joined
        values = [chunk.flatten().to_numpy(zero_copy_only=True) for chunk in columns[2].chunks]
        lengths = [np.diff(chunk.offsets.to_numpy()) for chunk in columns[2].chunks]
    except DAMAGE as error:
        raise _damaged(path, error) from None
    offsets = np.zeros(len(table) + 1, dtype=np.int64)
    np.cumsum(np.concatenate([*lengths, []]), out=offsets[1:])
    tokens = Tokens(
        ids=columns[0].to_numpy(),
        labels=columns[1].to_numpy().astype(np.int64),
        offsets=offsets,
        input_ids=values[0] if len(values) == 1 else np.concatenate([*values, EMPTY]),
        meta=meta,
    )
    # files of earlier versions have neither a checksum nor a fingerprint
    if ("checksum" in about or "fingerprint" in about) and about.get("checksum") != _checksum(
        about, tokens.ids, tokens.labels, tokens.offsets, tokens.input_ids
    ):
        raise UserError(f"{path}: changed since it was written; delete it and run again")
    return tokens


def write_tokens(
    target: Path,
    ids: pa.ChunkedArray,
    labels: pa.ChunkedArray,
    lengths: npt.NDArray[np.int64],
    input_ids: npt.NDArray[np.int32],
    meta: TokensMeta,
    provenance: Provenance | None = None,
) -> None:
    """Write a token file.

    It has one record batch where its offsets allow it, so that readers map the tokens without a
    copy.

    Parameters
    ----------
    ids, labels
        Of n texts.
    lengths
        Tokens per text [n].
    input_ids
        The tokens of all texts, one text after the other.
    """
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    numbers = (column.to_numpy().astype(np.int64) for column in (ids, labels))
    about = keys_of(provenance) | asdict(meta)
    about["checksum"] = _checksum(about, *numbers, offsets, input_ids)
    schema = SCHEMA.with_metadata({KEY: json.dumps(about).encode()})
    with files.atomic(target) as partial, pa.ipc.new_file(str(partial), schema) as writer:
        start = 0
        while start < len(lengths):
            stop = int(np.searchsorted(offsets, offsets[start] + MAX_OFFSET, side="right")) - 1
            local = pa.array((offsets[start : stop + 1] - offsets[start]).astype(np.int32))
            values = pa.array(input_ids[offsets[start] : offsets[stop]])
            columns = [
                ids.slice(start, stop - start).combine_chunks(),
                labels.slice(start, stop - start).combine_chunks(),
                pa.ListArray.from_arrays(local, values),
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))
            start = stop


def _meta(about: dict[str, Any]) -> TokensMeta:
    if missing := {"labels", "max_length", "pad_token_id"} - about.keys():
        raise ValueError(f"no {missing.pop()}")
    return TokensMeta(**{f.name: about[f.name] for f in fields(TokensMeta) if f.name in about})


def _damaged(path: str | Path, error: Exception) -> UserError:
    return UserError(f"{path}: not a token file ({first_line(error)}); delete it and rerun")


def _checksum(meta: dict[str, Any], *arrays: npt.NDArray[Any]) -> str:
    about = {key: value for key, value in meta.items() if key != "checksum"}
    return files.checksum(about, *map(np.ascontiguousarray, arrays))
