"""Token files: one Arrow IPC file per (dataset, split, model), memory-mapped by training.

Only numpy and pyarrow are imported here: reading tokens must work where transformers' tokenizers
are not needed; `tokenize` itself imports what it uses.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from finetone import files
from finetone.errors import UserError, first_line
from finetone.log import logger
from finetone.provenance import Provenance, keys_of

KEY = b"finetone"  # of the schema metadata
SCHEMA = pa.schema({"id": pa.int64(), "label": pa.int8(), "input_ids": pa.list_(pa.int32())})
# what a file of other content, or a damaged one, makes of reading it
DAMAGE = (
    pa.ArrowException, OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError,
)  # fmt: skip
MAX_OFFSET = 2**31 - 1  # tokens one list<int32> array can address


@dataclass(frozen=True)
class Tokens:
    """A tokenized split of n texts; the arrays are read-only views of the mapped file.

    Text i is `input_ids[offsets[i]:offsets[i + 1]]`, special tokens included, without padding.
    """

    ids: npt.NDArray[np.int64]  # [n] row in the source
    labels: npt.NDArray[np.int64]  # [n]
    offsets: npt.NDArray[np.int64]  # [n + 1]
    input_ids: npt.NDArray[np.int32]  # [offsets[n]]
    meta: dict[str, Any]  # labels, max_length, pad_token_id, truncated, rows

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens per text [n]."""
        return np.diff(self.offsets)


def read_tokens(path: str | Path) -> Tokens:
    """Open a token file without copying its tokens; a broken one is a UserError."""
    try:
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        table.validate(full=True)  # a damaged offset would have us read beyond the file's end
        meta = json.loads(table.schema.metadata[KEY])
        missing = {"labels", "max_length", "pad_token_id"} - meta.keys()
        table = table.select(SCHEMA.names).cast(SCHEMA)
        columns = table.columns
        if missing or any(column.null_count for column in columns):
            raise ValueError(f"no {missing.pop()}" if missing else "empty cells")
        # one chunk, as `tokenize` writes it, stays a view of the file; several are joined
        values = [chunk.flatten().to_numpy(zero_copy_only=True) for chunk in columns[2].chunks]
        lengths = [np.diff(chunk.offsets.to_numpy()) for chunk in columns[2].chunks]
    except DAMAGE as error:
        why = first_line(error)
        raise UserError(f"{path}: not a token file ({why}); delete it and rerun") from None
    offsets = np.zeros(len(table) + 1, dtype=np.int64)
    np.cumsum(np.concatenate([*lengths, []]), out=offsets[1:])
    tokens = Tokens(
        ids=columns[0].to_numpy(),
        labels=columns[1].to_numpy().astype(np.int64),
        offsets=offsets,
        input_ids=values[0] if len(values) == 1 else np.concatenate([*values, _none()]),
        meta=meta,
    )
    # files of earlier versions have neither a checksum nor a fingerprint
    if ("checksum" in meta or "fingerprint" in meta) and meta.get("checksum") != _checksum(
        meta, tokens.ids, tokens.labels, tokens.offsets, tokens.input_ids
    ):
        raise UserError(f"{path}: changed since it was written; delete it and run again")
    return tokens


def tokenize(
    split_parquet: Path,
    model_dir: Path,
    labels: list[str],
    max_length: int,
    target: Path,
    batch: int = 1000,
    made_from: dict[str, str] | None = None,
    provenance: Provenance | None = None,
) -> None:
    """Tokenize a split with the tokenizer in `model_dir`, `batch` texts at a time, into `target`.

    Texts are cut to `max_length` tokens, special tokens included, and never padded. Raises
    UserError if the tokenizer cannot be loaded, has neither pad nor end token, or yields ids
    the model has no embedding for. `made_from` {input: sha256} is written down with the tokens.
    """
    tokenizer = load_tokenizer(model_dir)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    if pad is None:
        raise UserError(f"{model_dir}: its tokenizer has neither a pad nor an end-of-text token")
    rows = pq.read_table(split_parquet, columns=["id", "text", "label"])
    parts: list[npt.NDArray[np.int32]] = []
    lengths: list[int] = []
    truncated = 0
    for encoded, cut in _encode(tokenizer, rows.column("text"), max_length, batch):
        # a tokenizer without special tokens may find nothing in a text: one pad token stands for it
        encoded = [ids or [pad] for ids in encoded]
        lengths += map(len, encoded)
        parts.append(np.fromiter(chain.from_iterable(encoded), dtype=np.int32))
        truncated += cut
    flat = np.concatenate([*parts, _none()])
    _check_vocabulary(model_dir, flat)
    meta = keys_of(provenance) | {
        "labels": labels,
        "max_length": max_length,
        "pad_token_id": pad,
        "truncated": truncated,
        "rows": rows.num_rows,
        "made_from": made_from,
    }
    _write(target, rows.column("id"), rows.column("label"), np.array(lengths), flat, meta)
    logger.info(
        "%s: %d texts, %d tokens, %d texts cut to %d",
        target.name,
        rows.num_rows,
        len(flat),
        truncated,
        max_length,
    )


def load_tokenizer(model_dir: Path) -> Any:
    """The tokenizer saved in a local folder; code that comes with a checkpoint is never run."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            str(model_dir), local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        reason = first_line(error)
        raise UserError(f"{model_dir}: its tokenizer cannot be loaded ({reason})") from None
    if not tokenizer.is_fast:
        logger.warning("%s: has a slow (pure Python) tokenizer only", model_dir)
    return tokenizer


def tokenizer_statistics(split_parquet: Path, model_dir: Path, max_length: int) -> dict[str, float]:
    """How well a vocabulary fits a split's texts.

    `tokens_per_word` (words: between blanks) and `unknown_rate` (share of tokens that are the
    unknown token) leave special tokens and truncation out; `mean_tokens` (per text, uncut) and
    `truncated` (share of texts longer than `max_length`) count special tokens.
    """
    tokenizer = load_tokenizer(model_dir)
    special = tokenizer.num_special_tokens_to_add()
    unknown = tokenizer.unk_token_id
    texts = pq.read_table(split_parquet, columns=["text"]).column("text").to_pylist()
    words = tokens = unknowns = longer = 0
    for start in range(0, len(texts), 1000):
        piece = texts[start : start + 1000]
        words += sum(len(text.split()) for text in piece)
        for ids in tokenizer(piece, add_special_tokens=False, **_PLAIN)["input_ids"]:
            tokens += len(ids)
            unknowns += ids.count(unknown)
            longer += len(ids) + special > max_length
    return {
        "tokens_per_word": tokens / words,
        "unknown_rate": unknowns / tokens if tokens else 0.0,
        "truncated": longer / len(texts),
        "mean_tokens": tokens / len(texts) + special,
    }


_PLAIN: dict[str, Any] = {
    "return_attention_mask": False,
    "return_token_type_ids": False,
    "verbose": False,  # no warning about texts longer than the model: they are cut on purpose
}


def _encode(
    tokenizer: Any, texts: pa.ChunkedArray, max_length: int, batch: int
) -> Iterator[tuple[list[list[int]], int]]:
    """Yield the token ids of `batch` texts and how many of them were cut."""
    for start in range(0, len(texts), batch):
        piece = texts.slice(start, batch).to_pylist()
        encoded = tokenizer(
            piece, truncation=True, max_length=max_length, add_special_tokens=True, **_PLAIN
        )
        ids = encoded["input_ids"]
        if encoded.encodings is not None:
            cut = sum(bool(encoding.overflowing) for encoding in encoded.encodings)
        else:  # slow tokenizers do not tell
            full = [text for text, i in zip(piece, ids, strict=True) if len(i) >= max_length]
            cut = sum(len(tokenizer(text, **_PLAIN)["input_ids"]) > max_length for text in full)
        yield ids, cut


def _check_vocabulary(model_dir: Path, flat: npt.NDArray[np.int32]) -> None:
    """Refuse ids without an embedding here, with a sentence, rather than later inside a kernel."""
    config = Path(model_dir) / "config.json"
    try:
        size = json.loads(config.read_text(encoding="utf-8")).get("vocab_size")
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(f"{config}: not a readable model configuration ({error})") from None
    if isinstance(size, int) and len(flat) and (highest := int(flat.max())) >= size:
        raise UserError(
            f"{model_dir}: tokenizer larger than the embedding (token id {highest}, vocab_size "
            f"{size} in config.json); the tokenizer belongs to another checkpoint"
        )


def _write(
    target: Path,
    ids: pa.ChunkedArray,
    labels: pa.ChunkedArray,
    lengths: npt.NDArray[np.int64],
    flat: npt.NDArray[np.int32],
    meta: dict[str, Any],
) -> None:
    """One record batch where offsets allow it, so that readers map the tokens without a copy."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    numbers = (column.to_numpy().astype(np.int64) for column in (ids, labels))
    meta = {**meta, "checksum": _checksum(meta, *numbers, offsets, flat)}
    schema = SCHEMA.with_metadata({KEY: json.dumps(meta).encode()})
    with files.atomic(target) as partial, pa.ipc.new_file(str(partial), schema) as writer:
        start = 0
        while start < len(lengths):
            stop = int(np.searchsorted(offsets, offsets[start] + MAX_OFFSET, side="right")) - 1
            local = pa.array((offsets[start : stop + 1] - offsets[start]).astype(np.int32))
            values = pa.array(flat[offsets[start] : offsets[stop]])
            columns = [
                ids.slice(start, stop - start).combine_chunks(),
                labels.slice(start, stop - start).combine_chunks(),
                pa.ListArray.from_arrays(local, values),
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))
            start = stop


def _checksum(meta: dict[str, Any], *arrays: npt.NDArray[Any]) -> str:
    about = {key: value for key, value in meta.items() if key != "checksum"}
    return files.checksum(about, *map(np.ascontiguousarray, arrays))


def _none() -> npt.NDArray[np.int32]:
    """Keeps np.concatenate happy, and int32, when there are no parts."""
    return np.empty(0, dtype=np.int32)
