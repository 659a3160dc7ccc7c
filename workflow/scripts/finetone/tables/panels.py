"""Prediction files of one dataset, read into a panel."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from finetone.comparison.panel import Panel
from finetone.errors import UserError
from finetone.formats.predictions import Header, header, read
from finetone.statistics.metrics import Floats, Ints


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
        blocks.append(rows.logits)
    ensembles = {head.method: head.facts["of"] for head in heads if "of" in head.facts}
    return Panel(first.dataset, first.labels, ids, label, seeds, np.stack(blocks), ensembles)
