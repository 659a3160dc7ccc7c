"""Near-duplicates of a dataset's rows, across its splits and, where that is asked for, within train."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq

from finetone import files
from finetone.data.audit import fold
from finetone.data.similar_texts import Index, Shingler
from finetone.formats import similar_rows
from finetone.log import logger
from finetone.provenance import Provenance

ORDER = ("train", "dev", "test")
CHUNK = 5000  # texts read at a time
BLOCK = 25_000  # texts searched in at a time, which bounds memory

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def find(
    data: Path, target: Path, within_train: bool, provenance: Provenance | None = None
) -> None:
    """Write the near-duplicates of a dataset's rows.

    Across splits, each row of the later one (of train, dev, test) that has a near-duplicate in the
    earlier one is in the file once, with its most similar row there; rows whose text is there as it
    is, up to case and white space, are not (they are in the audit). Within train, the pairs join all
    rows that are alike, directly or through others, exact duplicates included.

    Parameters
    ----------
    data
        Folder of the dataset.
    target
        File to write.
    within_train
        Whether to look within train as well.
    """
    names = [name for name in ORDER if name in files.read_json(data / "manifest.json")["splits"]]
    paths = {name: files.split_of(data, name) for name in names}
    shingler, found = Shingler(), []
    for earlier, later in combinations(names, 2):
        found.append(_across(shingler, paths[earlier], paths[later], earlier, later))
        logger.info("%s/%s: %d near-duplicates", earlier, later, len(found[-1]))
    if within_train:
        found.append(_within(paths["train"]))
        logger.info("train: %d pairs of duplicates and near-duplicates", len(found[-1]))
    columns = similar_rows.SCHEMA.names
    similar_rows.write(target, pd.concat([pd.DataFrame(columns=columns), *found]), provenance)


def _across(
    shingler: Shingler, earlier: Path, later: Path, earlier_name: str, later_name: str
) -> pd.DataFrame:
    """Rows of `later` with their most similar row of `earlier`."""
    rows = []
    for own_ids, own_texts in _texts(later, BLOCK):
        index = Index(shingler.of(own_texts))
        best, partner = np.zeros(len(own_texts)), np.full(len(own_texts), -1)
        exact = np.zeros(len(own_texts), dtype=bool)
        for ids, texts in _texts(earlier, CHUNK):
            for others, own, similarity in index.similar_to(shingler.of(texts)):
                for i, j, similar in zip(others, own, similarity, strict=True):
                    exact[j] |= similar == 1 and fold(texts[i]) == fold(own_texts[j])
                    if (similar, -ids[i]) > (best[j], -partner[j]):
                        best[j], partner[j] = similar, ids[i]
        for j in np.flatnonzero((best > 0) & ~exact):
            rows.append((later_name, own_ids[j], earlier_name, partner[j], best[j]))
    return pd.DataFrame(rows, columns=similar_rows.SCHEMA.names)


def _within(train: Path) -> pd.DataFrame:
    """Pairs that join all rows of train which are alike."""
    (ids, texts), *_ = _texts(train, None)
    rows, _ = join_alike(texts)
    a, b, similarity = np.array(sorted(rows), dtype=float).reshape(-1, 3).T
    split = np.full(len(a), "train", dtype=object)
    places = ids[a.astype(int)], ids[b.astype(int)]
    columns = (split, places[0], split, places[1], similarity)
    return pd.DataFrame(dict(zip(similar_rows.SCHEMA.names, columns, strict=True)))


def join_alike(texts: Sequence[str]) -> tuple[list[tuple[int, int, float]], "Groups"]:
    """Join n texts that are the same or nearly so, directly or through others.

    Returns
    -------
    list
        Pairs of places that join them: the later one, the earlier one, their similarity.
    Groups
        Of the n texts.
    """
    groups, rows = Groups(len(texts)), []
    shingler = Shingler()
    first: dict[str, int] = {}
    for place, text in enumerate(texts):
        same = first.setdefault(fold(text), place)
        if groups.join(same, place):
            rows.append((place, same, 1.0))
    distinct = np.array(sorted(first.values()))
    for start in range(0, len(distinct), BLOCK):
        block = distinct[start : start + BLOCK]
        index = Index(shingler.of([texts[i] for i in block]))
        for begin in range(0, len(distinct), CHUNK):
            part = distinct[begin : begin + CHUNK]
            for others, own, similarity in index.similar_to(shingler.of([texts[i] for i in part])):
                for a, b, similar in zip(part[others], block[own], similarity, strict=True):
                    if a > b and groups.join(b, a):
                        rows.append((int(a), int(b), float(similar)))
    return rows, groups


def _texts(split: Path, rows: int | None) -> Iterator[tuple[Ints, list[str]]]:
    """Ids and texts of a split, so many rows at a time, or all at once."""
    table = pq.ParquetFile(split)
    for batch in table.iter_batches(
        rows or max(table.metadata.num_rows, 1), columns=["id", "text"]
    ):
        yield batch["id"].to_numpy(), batch["text"].to_pylist()


class Groups:
    """Sets of n things that are joined by and by (union-find)."""

    def __init__(self, n: int) -> None:
        self._parent = list(range(n))

    def of(self, thing: int) -> int:
        """The thing that stands for the set of this one."""
        while (parent := self._parent[thing]) != thing:
            self._parent[thing] = thing = self._parent[parent]
        return thing

    @property
    def all(self) -> Ints:
        """[n] the thing that stands for the set of each."""
        return np.array([self.of(i) for i in range(len(self._parent))], dtype=np.int64)

    def join(self, a: int, b: int) -> bool:
        """Make one set of those of a and b; whether they were two."""
        a, b = sorted((self.of(a), self.of(b)))
        self._parent[b] = a
        return a != b
