"""Folds of a cross-validation: stratified, seeded, texts that are alike in one of them."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from finetone.data.near_duplicates import Groups
from finetone.errors import UserError
from finetone.seeds import derive

Ints = npt.NDArray[np.int64]


def groups_of(ids: Ints, pairs: pd.DataFrame) -> Ints:
    """The group [n] of every row: rows joined by pairs (`formats.similar_rows`) share one.

    Parameters
    ----------
    ids
        [n], of the rows.
    pairs
        `id` and `other_id` of rows that are alike.
    """
    place = {int(each): i for i, each in enumerate(ids)}
    groups = Groups(len(ids))
    for a, b in zip(pairs["id"], pairs["other_id"], strict=True):
        groups.join(place[int(a)], place[int(b)])
    return groups.all


def assign(labels: Ints, groups: Ints, folds: int, seed: int) -> Ints:
    """The fold [n] of every row, from 1.

    Groups are dealt one by one, the large ones first and else in random order, each to the fold that
    has the fewest rows of its classes, of those the one that has the fewest rows.

    Parameters
    ----------
    labels, groups
        [n] class number and group of every row; a group is never divided.
    folds
        How many.
    seed
        Of the order.
    """
    generator = np.random.default_rng(seed)
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    classes = int(labels.max()) + 1
    order = np.lexsort((generator.random(len(sizes)), -sizes))
    by_group = np.split(np.argsort(group, kind="stable"), np.cumsum(sizes)[:-1])
    ties = generator.permutation(folds)
    counts = np.zeros((folds, classes), dtype=np.int64)
    fold = np.empty(len(labels), dtype=np.int64)
    for number in order:
        rows = by_group[number]
        own = np.bincount(labels[rows], minlength=classes)
        chosen = np.lexsort((ties, counts.sum(axis=1), counts @ own))[0]
        counts[chosen] += own
        fold[rows] = chosen + 1
    return fold


def draw(
    labels: Ints,
    ids: Ints,
    pairs: pd.DataFrame,
    folds: int,
    repeat: int,
    seed: int,
    names: list[str],
) -> Ints:
    """The fold [n] of every row of a train split in one repeat, from 1.

    Parameters
    ----------
    labels, ids
        [n] of the rows.
    pairs
        Rows that are alike.
    folds, repeat, seed
        Of the configuration.
    names
        Of the classes.

    Raises
    ------
    UserError
        A class has fewer groups of rows than there are folds.
    """
    groups = groups_of(ids, pairs)
    for number, name in enumerate(names):
        rows = labels == number
        if 0 < (distinct := len(np.unique(groups[rows]))) < folds:
            raise UserError(
                f"split.folds: class {name!r} has {rows.sum()} rows, {distinct} of them different, "
                f"too few for {folds} folds; use fewer folds or more rows"
            )
    return assign(labels, groups, folds, derive(seed, "folds", folds, repeat))
