"""Read prediction files and lay the runs of many methods side by side.

A *run* is one (method, seed); a *panel* holds the kept epoch of every run on one dataset, with
rows aligned by example id, which is what makes every comparison a paired one.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from finetone.errors import UserError, first_line
from finetone.formats.predictions import checksum
from finetone.statistics.metrics import Bools, Floats, Ints, log_softmax

FACTS = ("dataset", "method", "seed", "labels", "kept_epoch")
# what pyarrow raises for damage: its own errors, and OSError for some of what it finds in pages
UNREADABLE = (pa.ArrowException, OSError, KeyError, TypeError, ValueError, RecursionError)
SCHEMA = pa.schema(
    {"epoch": pa.int16(), "id": pa.int64(), "label": pa.int64(), "logits": pa.list_(pa.float32())}
)


@dataclass(frozen=True)
class Header:
    """What a prediction file says about itself, read without touching its rows."""

    path: Path
    dataset: str
    method: str
    seed: int
    labels: tuple[str, ...]
    kept_epoch: int
    facts: Mapping[str, Any] = field(default_factory=dict)  # all the metadata


@dataclass(frozen=True)
class Predictions:
    """Rows of one epoch: ids int64 [n] ascending, label int64 [n], logits float32 [n, classes]."""

    epoch: int
    ids: Ints
    label: Ints
    logits: Floats


def header(path: str | Path) -> Header:
    """The file's metadata; a UserError names a file that is not a finetone prediction file."""
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
    """Epochs of one file in ascending order, rows sorted by id.

    `kept_only` reads the kept epoch alone. A missing column, a repeated id, a label or a logit
    outside what the header declares is a UserError.
    """
    columns = SCHEMA.names
    wanted = [("epoch", "=", head.kept_epoch)] if kept_only else None
    try:
        table = pq.read_table(head.path, columns=columns, filters=wanted)
        if missing := [name for name in columns if name not in table.column_names]:
            raise UserError(f"{head.path}: column '{missing[0]}' is missing; delete it and rerun")
        table = table.select(columns).cast(SCHEMA)
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
            f"{head.path}: every row needs {classes} logits, one per label of {list(head.labels)}"
        )
    logits = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, classes)
    # -inf is a class ruled out; NaN and +inf are a training run that diverged
    if not (np.isfinite(logits).any(axis=1) & (logits < np.inf).all(axis=1)).all():
        raise UserError(
            f"{head.path}: logits are not finite: the training of '{head.method}' "
            f"(seed {head.seed}) diverged; lower its learning_rate or set clip_norm"
        )
    epoch = table.column("epoch").to_numpy()
    ids = table.column("id").to_numpy()
    label = table.column("label").to_numpy().astype(np.int64)
    if label.min() < 0 or label.max() >= classes:
        raise UserError(
            f"{head.path}: label {label[(label < 0) | (label >= classes)][0]} is outside "
            f"0…{classes - 1} ({list(head.labels)})"
        )
    result = []
    for number in np.unique(epoch):
        rows = np.flatnonzero(epoch == number)
        rows = rows[np.argsort(ids[rows], kind="stable")]
        if (np.diff(ids[rows]) == 0).any():
            raise UserError(f"{head.path}: an id occurs twice in epoch {number}; delete and rerun")
        result.append(Predictions(int(number), ids[rows], label[rows], logits[rows]))
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
        str(each.epoch): checksum(head.facts, each.epoch, each.ids, each.label, each.logits)
        for each in epochs
    }
    wanted = {str(head.kept_epoch)} if kept_only else set(stated)
    if found != {epoch: stated.get(epoch) for epoch in wanted}:
        raise UserError(f"{head.path}: changed since it was written; delete it and run again")


@dataclass(frozen=True)
class Panel:
    """The kept epoch of every run on one dataset, rows aligned.

    ids, label: [n]; seeds: {method: its seeds}, in the order the files were given; probabilities:
    float32 [runs, n, classes], runs ordered by method, then seed.
    """

    dataset: str
    labels: tuple[str, ...]
    ids: Ints
    label: Ints
    seeds: dict[str, list[int]]
    probabilities: Floats

    @property
    def methods(self) -> list[str]:
        return list(self.seeds)

    @cached_property
    def columns(self) -> dict[str, slice]:
        """Where each method's runs stand on the run axis."""
        ends = np.cumsum([0, *(len(seeds) for seeds in self.seeds.values())])
        return {m: slice(int(ends[i]), int(ends[i + 1])) for i, m in enumerate(self.seeds)}

    @cached_property
    def predicted(self) -> Ints:
        """int8 [runs, n]; of equally likely classes the first."""
        return self.probabilities.argmax(axis=2).astype(np.int8)

    @cached_property
    def correct(self) -> Bools:
        """bool [runs, n]"""
        return self.predicted == self.label[None, :]

    @cached_property
    def accuracy(self) -> Floats:
        """float64 [runs]"""
        return self.correct.mean(axis=1)

    def accuracies(self, method: str) -> Floats:
        """float64 [seeds of this method]"""
        return self.accuracy[self.columns[method]]

    def mean_accuracy(self, method: str) -> float:
        """Over all seeds. One division of whole numbers, so that equal shares are equal floats."""
        correct = self.correct[self.columns[method]]
        return int(correct.sum()) / correct.size

    @cached_property
    def label_probability(self) -> Floats:
        """float32 [runs, n]: probability given to the true class."""
        return self.probabilities[:, np.arange(len(self.label)), self.label]


def panels(paths: Iterable[str | Path], dataset: str | None = None) -> Iterable[Panel]:
    """One panel per dataset (or that of `dataset` alone), one at a time to bound memory.

    Raises a UserError that names the file whose ids, labels or label names differ from those of
    the dataset's first file, or that repeats a (method, seed).
    """
    groups: dict[str, list[Header]] = {}
    for head in map(header, paths):
        if dataset in (None, head.dataset):
            groups.setdefault(head.dataset, []).append(head)
    if dataset is not None and not groups:
        raise UserError(f"no prediction file holds dataset '{dataset}'")
    for heads in groups.values():
        yield _panel(heads)


def _panel(heads: Sequence[Header]) -> Panel:
    order = {method: i for i, method in enumerate(dict.fromkeys(head.method for head in heads))}
    heads = sorted(heads, key=lambda head: (order[head.method], head.seed))
    first = heads[0]
    seeds: dict[str, list[int]] = {}
    ids: Ints = np.empty(0, np.int64)
    label: Ints = ids
    blocks: list[Floats] = []
    for head in heads:
        if head.seed in seeds.setdefault(head.method, []):
            raise UserError(
                f"{head.path}: a second file for method '{head.method}', seed {head.seed} "
                f"on '{head.dataset}'; delete one"
            )
        seeds[head.method].append(head.seed)
        rows = read(head, kept_only=True)[0]
        if not blocks:
            ids, label = rows.ids, rows.label
        for what, mine, others in (
            ("label names", head.labels, first.labels),
            ("ids", rows.ids, ids),
            ("labels", rows.label, label),
        ):
            if not np.array_equal(mine, others):
                raise UserError(
                    f"{head.path}: its {what} differ from those in {first.path}; methods can only "
                    "be compared on the same rows: delete the older file and rerun"
                )
        blocks.append(np.exp(log_softmax(rows.logits)).astype(np.float32))
    return Panel(first.dataset, first.labels, ids, label, seeds, np.stack(blocks))
