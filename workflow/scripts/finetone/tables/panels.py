"""Prediction files of one dataset, read into a panel."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from finetone.comparison.panel import Panel
from finetone.errors import UserError
from finetone.formats.predictions import Header, header, read
from finetone.statistics.metrics import Floats, Ints
from finetone.statistics.variance.cross_validation import Folds


def panels(paths: Iterable[str | Path], dataset: str | None = None) -> Iterable[Panel]:
    """Read prediction files into one panel per dataset, one at a time to limit memory.

    Parameters
    ----------
    paths
        Prediction files.
    dataset
        The only dataset to read; all if not given.

    Raises
    ------
    UserError
        A file has other ids, labels or label names than the first one of its dataset, repeats a
        (method, seed), or none holds `dataset`.
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
    heads = sorted(heads, key=lambda head: (order[head.method], head.seed, head.repeat))
    first = heads[0]
    seeds: dict[str, list[int]] = {}
    ids: Ints = np.empty(0, np.int64)
    label: Ints = ids
    blocks: list[Floats] = []
    runs: set[tuple[str, int, int]] = set()
    folds: dict[int, Ints] = {}
    for head in heads:
        if (head.method, head.seed, head.repeat) in runs:
            raise UserError(
                f"{head.path}: a second file for method '{head.method}', seed {head.seed} "
                f"on '{head.dataset}'; delete one"
            )
        runs.add((head.method, head.seed, head.repeat))
        seeds.setdefault(head.method, []).append(head.seed)
        rows = read(head, kept_only=True)[0]
        if rows.fold is not None:
            folds.setdefault(head.repeat, rows.fold)
        if not blocks:
            ids, label = rows.ids, rows.label
        checks: list[tuple[str, Any, Any]] = [
            ("label names", head.labels, first.labels),
            ("ids", rows.ids, ids),
            ("labels", rows.label, label),
            ("folds", head.folds, first.folds),
            ("folds", rows.fold, folds.get(head.repeat)),
        ]
        for what, mine, others in checks:
            if not np.array_equal(mine, others):
                raise UserError(
                    f"{head.path}: its {what} differ from those in {first.path}; methods can only "
                    "be compared on the same rows: delete the older file and rerun"
                )
        blocks.append(rows.logits)
    ensembles = {head.method: head.facts["of"] for head in heads if "of" in head.facts}
    validated = _folds(heads, folds) if folds else None
    return Panel(
        first.dataset, first.labels, ids, label, seeds, np.stack(blocks), ensembles, validated
    )


def _folds(heads: Sequence[Header], of_rows: dict[int, Ints]) -> Folds:
    """What the files of one cross-validated dataset say of their folds, by repeat."""
    place = {repeat: number for number, repeat in enumerate(sorted(of_rows))}
    repeats: dict[str, list[int]] = {}
    for head in heads:
        repeats.setdefault(head.method, []).append(place[head.repeat])
    return Folds(heads[0].folds, np.stack([of_rows[repeat] for repeat in place]), repeats)
