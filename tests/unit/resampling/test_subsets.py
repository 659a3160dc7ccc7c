"""Row subsets: nested, stratified, the same for everyone, and refused where they do not fit."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from finetone import files
from finetone.data.splits import SCHEMA, write_split
from finetone.errors import UserError
from finetone.formats import row_subset
from finetone.resampling.subsets import draw, nested

LABELS = np.repeat([0, 1, 2], [50, 30, 20])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    rows = pa.table(
        [np.arange(100) * 3, [f"text {i}" for i in range(100)], LABELS], schema=SCHEMA
    )  # fmt: skip
    digest = write_split([rows], folder / "train.parquet")
    manifest = {"dataset": "films", "labels": ["a", "b", "c"], "splits": {"train": digest}}
    files.write_json(folder / "manifest.json", manifest)
    return folder


def test_every_beginning_has_the_shares_of_the_classes() -> None:
    order = nested(LABELS, 7)
    assert sorted(order) == list(range(100))
    for size in range(1, 101):
        counts = np.bincount(LABELS[order[:size]], minlength=3)
        assert (np.abs(counts - size * np.array([0.5, 0.3, 0.2])) <= 1).all()


def test_a_larger_subset_holds_the_smaller_one_and_the_seed_decides() -> None:
    assert nested(LABELS, 7).tolist() == nested(LABELS, 7).tolist() != nested(LABELS, 8).tolist()


def test_a_subset_is_places_in_the_split_or_in_another_subset(data: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"rows{n}.parquet" for n in (60, 10)]
    draw("rows60", {"rows": 60, "seed": 1}, data, paths[0])
    draw("rows10", {"rows": 10, "seed": 1}, data, paths[1], within=paths[0])
    large, small = row_subset.read(paths[0], 100), row_subset.read(paths[1])
    assert (large.name, large.dataset, large.total, len(large.rows)) == ("rows60", "films", 100, 60)
    assert np.bincount(LABELS[small.rows]).tolist() == [5, 3, 2]
    assert set(small.rows) < set(large.rows) and (np.diff(large.rows) > 0).all()
    assert sorted([*large.rows, *large.held_out]) == list(range(100))


def test_more_rows_than_there_are(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="learning_curve.rows: rows101 asks for 101 .* are 100"):
        draw("rows101", {"rows": 101, "seed": 1}, data, tmp_path / "x.parquet")


@pytest.mark.parametrize(
    ("name", "rows", "key"),
    [("rows2-seed1", 2, "learning_curve.rows"), ("tuning", 0.02, "tune.rows")],
)
def test_so_few_rows_that_they_hold_one_class(
    name: str, rows: float, key: str, tmp_path: Path
) -> None:
    labels = np.repeat([0, 1], [95, 5])
    table = pa.table([np.arange(100), [f"text {i}" for i in range(100)], labels], schema=SCHEMA)
    manifest = {"dataset": "films", "labels": ["a", "b"]}
    manifest |= {"splits": {"train": write_split([table], tmp_path / "train.parquet")}}
    files.write_json(tmp_path / "manifest.json", manifest)
    with pytest.raises(UserError, match=f"{key}: of 100 rows, 2 hold only 'a'.*write more rows"):
        draw(name, {"rows": rows, "seed": 1}, tmp_path, tmp_path / "x.parquet")
    draw(name, {"rows": 11, "seed": 1}, tmp_path, tmp_path / "x.parquet")


def test_a_subset_of_another_split_or_none_at_all(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows5.parquet"
    draw("rows5", {"rows": 5, "seed": 1}, data, path)
    with pytest.raises(UserError, match="a split of 100 rows, but this one has 99"):
        row_subset.read(path, 99)
    path.write_bytes(b"PAR1")
    with pytest.raises(UserError, match="not a row subset .*; delete it and run again"):
        row_subset.read(path)
