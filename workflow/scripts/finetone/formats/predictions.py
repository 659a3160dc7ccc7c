"""Prediction files: the logits of every test row, from which all later numbers are computed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from finetone import files
from finetone.errors import UserError, first_line, listed
from finetone.provenance import Provenance, keys_of

KEY = b"finetone"  # of the schema metadata
UNCHECKED = ("checksums", "fingerprint", "settings", "made_from")  # not about the rows
FACTS = ("dataset", "method", "seed", "labels", "kept_epoch")
# what pyarrow raises for a damaged file
UNREADABLE = (pa.ArrowException, OSError, KeyError, TypeError, ValueError, RecursionError)
SCHEMA = pa.schema(
    {"epoch": pa.int16(), "id": pa.int64(), "label": pa.int64(), "logits": pa.list_(pa.float32())}
)


FOLD = pa.field("fold", pa.int64())  # another column, of predictions in cross-validation


@dataclass(frozen=True)
class Header:
    """The metadata of a prediction file, read without its rows; `facts` is all of it."""

    path: Path
    dataset: str
    method: str
    seed: int
    labels: tuple[str, ...]
    kept_epoch: int
    facts: Mapping[str, Any] = field(default_factory=dict)  # all the metadata

    @property
    def folds(self) -> int:
        """Of the cross-validation that the rows are pooled from; 0 if there is none."""
        return int(self.facts.get("folds", 0))

    @property
    def repeat(self) -> int:
        """Of the cross-validation, from 1."""
        return int(self.facts.get("repeat", 1))


@dataclass(frozen=True)
class Predictions:
    """Rows of one epoch.

    Attributes
    ----------
    epoch
        Its number.
    ids
        int64 [n], ascending.
    label
        int64 [n], in 0…classes-1.
    logits
        float32 [n, classes].
    fold
        int64 [n], the fold whose models never saw the row; None without cross-validation.
    """

    epoch: int
    ids: npt.NDArray[np.int64]
    label: npt.NDArray[np.int64]
    logits: npt.NDArray[np.float32]
    fold: npt.NDArray[np.int64] | None = None


def of_split(split: str) -> dict[str, str]:
    """The metadata that tell predictions of another split from those of the test split."""
    return {} if split == "test" else {"split": split}


def header(path: str | Path) -> Header:
    """Read the metadata of a prediction file.

    Raises
    ------
    UserError
        It is not a prediction file of finetone.
    """
    path = Path(path)
    try:
        facts = json.loads((pq.read_schema(path).metadata or {})[b"finetone"])
        values = {name: facts[name] for name in FACTS}
        labels, _ = tuple(values["labels"]), dict(facts.get("checksums", {}))
    except UNREADABLE as error:
        raise UserError(
            f"{path}: not a finetone prediction file ({first_line(error)}); delete it and rerun"
        ) from None
    return Header(path, **(values | {"labels": labels}), facts=facts)


def read(head: Header, kept_only: bool = False) -> list[Predictions]:
    """Read the epochs of a prediction file, in ascending order, rows sorted by id.

    Parameters
    ----------
    head
        The metadata, which also name the file.
    kept_only
        Read only the kept epoch.

    Raises
    ------
    UserError
        The file is damaged or was altered, a column is missing, an id is repeated, a label or a
        number of logits contradicts the metadata, or logits are not finite.
    """
    columns = [*SCHEMA.names, *([FOLD.name] if head.folds else [])]
    wanted = [("epoch", "=", head.kept_epoch)] if kept_only else None
    try:
        table = pq.read_table(head.path, columns=columns, filters=wanted)
        table = table.select(columns).cast(SCHEMA.append(FOLD) if head.folds else SCHEMA)
        if empty := [name for name in columns if table.column(name).null_count]:
            raise ValueError(f"column '{empty[0]}' has empty cells")
    except UNREADABLE as error:
        why = first_line(error)
        raise UserError(f"{head.path}: unreadable ({why}); delete it and rerun") from None
    if not table.num_rows:
        raise UserError(
            f"{head.path}: no rows of the kept epoch {head.kept_epoch}; delete it and rerun"
        )
    classes = len(head.labels)
    column = table.column("logits").combine_chunks()
    lengths = pc.list_value_length(column)
    if pc.any(pc.not_equal(lengths, classes)).as_py():
        raise UserError(
            f"{head.path}: every row needs {classes} logits, one per label of {listed(head.labels)}"
        )
    logits = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, classes)
    # -inf excludes a class; NaN and +inf come from a training run that diverged
    usual = np.isfinite(logits).all()  # rows are looked at one by one only if need be
    if not usual and not (np.isfinite(logits).any(axis=1) & (logits < np.inf).all(axis=1)).all():
        raise UserError(
            f"{head.path}: logits are not finite: the training of '{head.method}' "
            f"(seed {head.seed}) diverged; lower its learning_rate or set clip_norm"
        )
    epoch = table.column("epoch").to_numpy()
    ids = table.column("id").to_numpy()
    label = table.column("label").to_numpy().astype(np.int64)
    fold = table.column(FOLD.name).to_numpy().astype(np.int64) if head.folds else None
    if label.min() < 0 or label.max() >= classes:
        raise UserError(
            f"{head.path}: label {label[(label < 0) | (label >= classes)][0]} is outside "
            f"0…{classes - 1} ({listed(head.labels)})"
        )
    result = []
    if (np.diff(epoch) < 0).any() or ((np.diff(ids) <= 0) & (np.diff(epoch) == 0)).any():
        order = np.lexsort((ids, epoch))  # files that we write are in this order already
        epoch, ids, label, logits = epoch[order], ids[order], label[order], logits[order]
        fold = None if fold is None else fold[order]
    starts = np.flatnonzero(np.diff(epoch, prepend=epoch[0] - 1))
    for start, end in zip(starts, [*starts[1:], len(epoch)], strict=True):
        number, rows = epoch[start], slice(start, end)
        if (np.diff(ids[rows]) == 0).any():
            raise UserError(f"{head.path}: an id occurs twice in epoch {number}; delete and rerun")
        part = None if fold is None else fold[rows]
        result.append(Predictions(int(number), ids[rows], label[rows], logits[rows], part))
    _check(head, result, kept_only)
    return result


def _check(head: Header, epochs: Sequence[Predictions], kept_only: bool) -> None:
    """Raise a UserError unless `epochs` are those that were written, with the same content.

    Files of earlier versions have neither checksums nor a fingerprint.
    """
    stated = head.facts.get("checksums", {})
    if not stated and "fingerprint" not in head.facts:
        return
    found = {
        str(each.epoch): checksum(
            head.facts, each.epoch, each.ids, each.label, each.logits, each.fold
        )
        for each in epochs
    }
    wanted = {str(head.kept_epoch)} if kept_only else set(stated)
    if found != {epoch: stated.get(epoch) for epoch in wanted}:
        raise UserError(f"{head.path}: changed since it was written; delete it and run again")


def write(
    target: Path,
    ids: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    logits: Mapping[int, npt.NDArray[np.float32]],
    meta: dict[str, Any],
    provenance: Provenance | None = None,
    fold: npt.NDArray[np.int64] | None = None,
) -> None:
    """Write a prediction file (docs/architecture.md).

    Parameters
    ----------
    target
        The Parquet file to write.
    ids, labels
        [n], of the test rows.
    logits
        {epoch: [n, classes]}.
    meta
        The metadata, to which a checksum of each epoch is added.
    provenance
        The record of the file.
    fold
        [n], of cross-validation.
    """
    epochs = sorted(logits)
    values = np.concatenate([logits[epoch] for epoch in epochs]).astype(np.float32)
    offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    meta = keys_of(provenance) | meta
    meta["checksums"] = {
        str(epoch): checksum(meta, epoch, ids, labels, logits[epoch], fold) for epoch in epochs
    }
    table = pa.table(
        {
            "epoch": pa.array(np.repeat(np.array(epochs, dtype=np.int16), len(ids))),
            "id": pa.array(np.tile(ids, len(epochs))),
            "label": pa.array(np.tile(labels, len(epochs)).astype(np.int16)),
            "logits": pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.ravel())),
        }
    )
    if fold is not None:
        column = pa.array(np.tile(fold, len(epochs)).astype(np.int16))
        table = table.append_column(FOLD.name, column)
    table = table.replace_schema_metadata({KEY: json.dumps(meta, ensure_ascii=False)})
    with files.atomic(target) as partial:
        # one group of rows per epoch, so that one epoch can be read without the others
        pq.write_table(table, partial, row_group_size=max(len(ids), 1))


def checksum(
    meta: Mapping[str, Any],
    epoch: int,
    ids: npt.NDArray[Any],
    labels: npt.NDArray[Any],
    logits: npt.NDArray[Any],
    fold: npt.NDArray[Any] | None = None,
) -> str:
    """Checksum (hex sha256) of the metadata and of the rows of one epoch in the order of their ids.

    Parameters
    ----------
    meta
        The metadata; those that do not concern the meaning of the rows are left out.
    epoch
        Its number.
    ids, labels
        [n].
    logits
        [n, classes].
    fold
        [n], of cross-validation.
    """
    facts = {key: value for key, value in meta.items() if key not in UNCHECKED}
    if (np.diff(ids) < 0).any():
        order = np.argsort(ids, kind="stable")
        ids, labels, logits = ids[order], labels[order], logits[order]
        fold = None if fold is None else fold[order]
    return files.checksum(
        {**facts, "epoch": epoch},
        np.ascontiguousarray(ids, dtype=np.int64),
        np.ascontiguousarray(labels, dtype=np.int64),
        np.ascontiguousarray(logits, dtype=np.float32),
        *([] if fold is None else [np.ascontiguousarray(fold, dtype=np.int64)]),
    )
