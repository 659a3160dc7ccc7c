"""Split files (`id`, `text`, `label`), and seeded, stratified choices of their rows."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from finetone import files
from finetone.errors import UserError, first_line
from finetone.seeds import derive

SCHEMA = pa.schema([("id", pa.int64()), ("text", pa.string()), ("label", pa.int16())])


def write_split(tables: Iterable[pa.Table], path: Path) -> str:
    """Write tables of SCHEMA as Parquet, whole or not at all; return the hex sha256."""
    with (
        files.atomic(path) as partial,
        pq.ParquetWriter(partial, SCHEMA, compression="zstd") as writer,
    ):
        for table in tables:
            writer.write_table(table)
    return files.sha256(path)


def rows_of_labels(frame: pd.DataFrame, labels: list[str]) -> dict[str, int]:
    """The number of rows of every label, by its name."""
    counts = np.bincount(frame["label"], minlength=len(labels))
    return {name: int(count) for name, count in zip(labels, counts, strict=True)}


def read_split(path: Path) -> pd.DataFrame:
    """Columns `id` int64, `text` str, `label` int16; anything else is a UserError."""
    try:
        table = pq.ParquetFile(path).read().select(SCHEMA.names).cast(SCHEMA)
    except (pa.ArrowException, OSError, KeyError) as error:
        reason = first_line(error)
        raise UserError(f"{path}: not a split file ({reason}); delete it and rerun") from None
    return pd.DataFrame({name: table.column(name).to_numpy() for name in SCHEMA.names})


def choose(
    labels: npt.NDArray[np.int16], rows: int, seed: int, *names: str | int
) -> npt.NDArray[np.int64]:
    """Places [rows] of a stratified choice, ascending; class shares by largest remainder.

    Under one seed a larger choice holds a smaller one as far as rounding of the class shares
    permits, so learning curves over `sample:` compare nested sets.
    """
    generator = np.random.default_rng(derive(seed, *names))
    chosen = [
        generator.permutation(np.flatnonzero(labels == label))[:size]
        for label, size in zip(np.unique(labels), _quota(labels, rows), strict=True)
    ]
    return np.sort(np.concatenate(chosen))


def choose_groups(
    labels: npt.NDArray[np.int16], groups: npt.NDArray[np.int64], rows: int, seed: int, *names: str
) -> npt.NDArray[np.int64]:
    """Places of a stratified choice that divides no group of rows [n]; ascending.

    Each group of several rows is in with the share's probability, unless it is too large for what
    a class still lacks; rows on their own fill up. There are fewer than `rows` of a class if too
    few rows stand on their own.
    """
    classes, number = np.unique(labels, return_inverse=True)
    quota = _quota(labels, rows)
    generator = np.random.default_rng(derive(seed, *names))
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    by_group = np.split(np.argsort(group, kind="stable"), np.cumsum(sizes)[:-1])
    chosen = []
    for each in generator.permutation(np.flatnonzero(sizes > 1)):
        own = np.bincount(number[by_group[each]], minlength=len(classes))
        if generator.random() < rows / len(labels) and (own <= quota).all():
            quota -= own
            chosen.append(by_group[each])
    alone = sizes[group] == 1
    for label, size in enumerate(quota):
        chosen.append(generator.permutation(np.flatnonzero(alone & (number == label)))[:size])
    return np.sort(np.concatenate(chosen))


def _quota(labels: npt.NDArray[np.int16], rows: int) -> npt.NDArray[np.int64]:
    """How many of `rows` each class that there is gets, by largest remainder."""
    exact = np.unique(labels, return_counts=True)[1] * rows / len(labels)
    quota = np.floor(exact).astype(np.int64)
    by_remainder = np.argsort(-(exact - quota), kind="stable")
    quota[by_remainder[: rows - quota.sum()]] += 1
    return quota


def cut(
    train: pd.DataFrame,
    shares: dict[str, float],
    seed: int,
    config_key: str,
    groups: npt.NDArray[np.int64] | None = None,
) -> dict[str, pd.DataFrame]:
    """Cut `shares` of all rows off `train`, test before dev; the rest stays `train`.

    Parameters
    ----------
    train
        With the column `label`.
    shares
        {split: share}.
    seed
        Of the choice.
    config_key
        For messages.
    groups
        [n], of rows that are not divided.
    """
    result: dict[str, pd.DataFrame] = {}
    rest = train
    for name in ("test", "dev"):
        if name not in shares:
            continue
        rows = round(len(train) * shares[name])
        if not 0 < rows < len(rest):
            raise UserError(
                f"{config_key}.split.{name}: {shares[name]} of {len(train)} rows is {rows} rows, "
                f"and {len(rest)} are left to cut from"
            )
        labels = rest["label"].to_numpy()
        if groups is None:
            places = choose(labels, rows, seed, "split", name)
        else:
            places = choose_groups(labels, groups, rows, seed, "split", name)
            groups = np.delete(groups, places)
        result[name] = rest.iloc[places].reset_index(drop=True)
        rest = rest.drop(rest.index[places]).reset_index(drop=True)
    return {"train": rest, **result}


def sample(
    frame: pd.DataFrame, size: float, seed: int, split: str, config_key: str
) -> pd.DataFrame:
    """Keep `size` rows, or that share of them if below 1, in their order."""
    rows = max(1, round(len(frame) * size)) if size < 1 else int(size)
    if rows > len(frame):
        raise UserError(
            f"{config_key}.sample.{split}: asks for {rows} rows, there are {len(frame)}"
        )
    places = choose(frame["label"].to_numpy(), rows, seed, "sample", split)
    return frame.iloc[places].reset_index(drop=True)
