"""Multiple testing: adjusted p-values, and groups of items that do not differ."""

from string import ascii_letters

import numpy as np

from finetone.statistics.metrics import Bools, Floats


def holm(p: Floats) -> Floats:
    """Adjust p-values for the family-wise error rate (Holm 1979).

    Parameters
    ----------
    p
        [k]; NaN are no tests, and stay.

    Returns
    -------
    array
        [k], in the order given.
    """
    p = np.asarray(p, dtype=float)
    tests = np.flatnonzero(~np.isnan(p))
    order = tests[np.argsort(p[tests], kind="stable")]
    scaled = p[order] * np.arange(len(order), 0, -1)
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(scaled))
    return adjusted


def letters(differ: Bools) -> list[str]:
    """Compact letter display: items share a letter if and only if they do not differ.

    Insert and absorb (Piepho 2004): start with one group, split every group that holds a differing
    pair, and drop groups that lie inside another.

    Parameters
    ----------
    differ
        Symmetric [k, k], items from best to worst.

    Returns
    -------
    list of str
        The letters of each item: a … z, then A … Z, then Ā ….
    """
    k = len(differ)
    groups: list[frozenset[int]] = [frozenset(range(k))]
    for i, j in zip(*np.nonzero(np.triu(differ, 1)), strict=True):
        split = [g for g in groups if i in g and j in g]
        if split:
            groups = [g for g in groups if not (i in g and j in g)]
            for part in [g - {x} for g in split for x in (i, j)]:
                if not any(part <= g for g in groups):
                    groups = [g for g in groups if not g <= part] + [part]
    names = [""] * k
    for number, group in enumerate(sorted(groups, key=sorted)):
        # always one character: the groups of an item are its characters
        letter = ascii_letters[number] if number < 52 else chr(0x100 + number - 52)
        for item in sorted(group):
            names[item] += letter
    return names
