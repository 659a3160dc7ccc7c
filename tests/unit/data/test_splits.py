"""Rows are chosen stratified, seeded, nested, and keep their order."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetone.data import splits
from finetone.errors import UserError
from tests.reading import write_split


def frame_of(labels) -> pd.DataFrame:
    ids = np.arange(len(labels))
    return pd.DataFrame(
        {"id": ids, "text": [f"text {i}" for i in ids], "label": np.array(labels, dtype=np.int16)}
    )


@given(st.lists(st.integers(0, 3), min_size=1, max_size=200), st.data())
@settings(max_examples=100, deadline=None)
def test_a_choice_has_the_asked_size_and_every_class_its_share(labels, data):
    rows = data.draw(st.integers(1, len(labels)))
    values = np.array(labels, dtype=np.int8)
    places = splits.choose(values, rows, data.draw(st.integers(0, 9)), "x")
    assert len(set(places.tolist())) == rows
    assert (np.diff(places) > 0).all()
    share = np.bincount(values, minlength=4) * rows / len(labels)
    assert (abs(np.bincount(values[places], minlength=4) - share) < 1).all()


def test_choices_are_seeded_named_and_nested():
    labels = np.array([0, 1] * 500, dtype=np.int8)
    small, large = splits.choose(labels, 100, 1, "a"), splits.choose(labels, 400, 1, "a")
    assert set(small.tolist()) <= set(large.tolist())
    assert small.tolist() == splits.choose(labels, 100, 1, "a").tolist()
    assert small.tolist() != splits.choose(labels, 100, 2, "a").tolist()
    assert small.tolist() != splits.choose(labels, 100, 1, "b").tolist()


def test_shares_are_of_all_rows_and_parts_make_the_whole():
    whole = frame_of([0] * 60 + [1] * 40)
    parts = splits.cut(whole, {"dev": 0.1, "test": 0.2}, 0, "d")
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 70,
        "test": 20,
        "dev": 10,
    }
    assert [part["label"].sum() for part in parts.values()] == [28, 8, 4]
    together = pd.concat(parts.values()).sort_values("id").reset_index(drop=True)
    pd.testing.assert_frame_equal(together, whole)
    assert all(part["id"].is_monotonic_increasing for part in parts.values())


def test_asking_for_dev_does_not_change_the_test_rows():
    whole = frame_of([0, 1] * 50)
    alone = splits.cut(whole, {"test": 0.2}, 3, "d")["test"]
    pd.testing.assert_frame_equal(
        alone, splits.cut(whole, {"test": 0.2, "dev": 0.2}, 3, "d")["test"]
    )


@pytest.mark.parametrize("shares", [{"test": 0.001}, {"test": 0.6, "dev": 0.4}, {"test": 0.999}])
def test_a_cut_that_leaves_a_split_empty_is_refused(shares):
    with pytest.raises(UserError, match=r"d\.split\.(test|dev): .* rows"):
        splits.cut(frame_of([0, 1] * 10), shares, 0, "d")


@pytest.mark.parametrize("size,rows", [(0.25, 25), (30, 30), (100, 100), (1, 1), (0.001, 1)])
def test_a_sample_is_a_share_or_a_number_of_rows(size, rows):
    kept = splits.sample(frame_of([0, 1] * 50), size, 0, "train", "d")
    assert len(kept) == rows
    assert kept["id"].is_monotonic_increasing


def test_a_sample_of_more_rows_than_there_are_is_refused():
    with pytest.raises(UserError, match=r"d\.sample\.test: asks for 101 rows, there are 100"):
        splits.sample(frame_of([0, 1] * 50), 101, 0, "test", "d")


def test_a_split_file_has_the_contracts_types_and_comes_back(tmp_path):
    frame = frame_of([0, 1, 1])
    path = tmp_path / "train.parquet"
    write_split(frame, path)
    schema = pq.read_schema(path)
    assert [(f.name, str(f.type)) for f in schema] == [
        ("id", "int64"),
        ("text", "string"),
        ("label", "int16"),
    ]
    pd.testing.assert_frame_equal(splits.read_split(path), frame)


def test_a_broken_split_file_is_a_sentence(tmp_path):
    path = tmp_path / "train.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"train.parquet: not a split file"):
        splits.read_split(path)
