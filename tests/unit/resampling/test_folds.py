"""Folds: stratified, seeded, with texts that are alike in one of them; and their predictions pooled."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from finetone.errors import UserError
from finetone.formats import predictions
from finetone.resampling.folds import assign, draw, groups_of
from finetone.resampling.pooling import EACH_KEPT, pool_folds

NAMES = ["no", "yes"]
NOTHING = pd.DataFrame({"id": [], "other_id": []})


def test_folds_have_equal_shares_of_every_class() -> None:
    labels = np.repeat([0, 1, 2], [53, 31, 16])
    fold = assign(labels, np.arange(100), 5, 3)
    assert set(fold) == {1, 2, 3, 4, 5}
    counts = np.array([np.bincount(labels[fold == each], minlength=3) for each in range(1, 6)])
    assert (np.ptp(counts, axis=0) <= 1).all() and np.ptp(counts.sum(axis=1)) <= 1


def test_the_seed_and_the_repeat_decide() -> None:
    labels, ids = np.arange(60) % 2, np.arange(60)
    first = draw(labels, ids, NOTHING, 5, 1, 0, NAMES)
    assert first.tolist() == draw(labels, ids, NOTHING, 5, 1, 0, NAMES).tolist()
    assert first.tolist() != draw(labels, ids, NOTHING, 5, 2, 0, NAMES).tolist()
    assert first.tolist() != draw(labels, ids, NOTHING, 5, 1, 1, NAMES).tolist()


def test_rows_that_are_alike_share_a_fold_also_through_others() -> None:
    ids = np.arange(40) * 10
    pairs = pd.DataFrame({"id": [100, 200, 50], "other_id": [0, 100, 70]})
    groups = groups_of(ids, pairs)
    assert len({groups[i] for i in (0, 10, 20)}) == 1 and groups[5] == groups[7] != groups[0]
    fold = draw(np.arange(40) % 2, ids, pairs, 4, 1, 0, NAMES)
    assert fold[0] == fold[10] == fold[20] and fold[5] == fold[7]


def test_a_class_with_fewer_different_texts_than_folds() -> None:
    labels, ids = np.repeat([0, 1], [20, 4]), np.arange(24)
    pairs = pd.DataFrame({"id": [21], "other_id": [20]})
    with pytest.raises(UserError, match="'yes' has 4 rows, 3 of them different, too few for 4"):
        draw(labels, ids, pairs, 4, 1, 0, NAMES)


def write_fold(path: Path, ids: list[int], kept: int = 2, seed: int = 1) -> Path:
    rows = np.array(ids)
    logits = {e: np.stack([rows, -rows], axis=1).astype(np.float32) * e for e in (1, 2)}
    about = {"dataset": "d", "method": "m", "seed": seed, "labels": NAMES, "kept_epoch": kept}
    predictions.write(path, rows, rows % 2, logits, about)
    return path


def test_pooled_predictions_have_every_row_once_and_its_fold(tmp_path: Path) -> None:
    parts = [write_fold(tmp_path / "1", [5, 0, 3]), write_fold(tmp_path / "2", [4, 1, 2])]
    pool_folds(parts, 2, tmp_path / "all.parquet")
    head = predictions.header(tmp_path / "all.parquet")
    assert (head.folds, head.repeat, head.kept_epoch, head.seed) == (2, 2, 2, 1)
    first, second = predictions.read(head)
    assert second.ids.tolist() == [0, 1, 2, 3, 4, 5] and second.fold is not None
    assert second.fold.tolist() == [1, 2, 2, 1, 2, 1]
    assert second.logits[:, 0].tolist() == [0, 2, 4, 6, 8, 10]
    assert first.logits[:, 0].tolist() == [0, 1, 2, 3, 4, 5]


def test_folds_that_kept_different_epochs_are_pooled_as_each_kept(tmp_path: Path) -> None:
    parts = [write_fold(tmp_path / "1", [0, 3], kept=1), write_fold(tmp_path / "2", [1, 2], kept=2)]
    pool_folds(parts, 1, tmp_path / "all.parquet")
    head = predictions.header(tmp_path / "all.parquet")
    assert head.kept_epoch == EACH_KEPT
    (kept,) = predictions.read(head, kept_only=True)
    assert kept.logits[:, 0].tolist() == [0, 2, 4, 3]


def test_a_row_in_two_folds_is_refused(tmp_path: Path) -> None:
    parts = [write_fold(tmp_path / "1", [0, 1]), write_fold(tmp_path / "2", [1, 2])]
    with pytest.raises(UserError, match="another fold holds the same row"):
        pool_folds(parts, 1, tmp_path / "all.parquet")


def test_a_fold_that_was_altered_is_noticed(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    parts = [write_fold(tmp_path / "1", [0, 1]), write_fold(tmp_path / "2", [2, 3])]
    pool_folds(parts, 1, tmp_path / "all.parquet")
    table = pq.read_table(tmp_path / "all.parquet")
    place = table.schema.get_field_index("fold")
    turned = pa.array(table["fold"].to_numpy()[::-1])
    pq.write_table(
        table.set_column(place, table.schema.field(place), turned), tmp_path / "x.parquet"
    )
    with pytest.raises(UserError, match="changed since it was written"):
        predictions.read(predictions.header(tmp_path / "x.parquet"))
