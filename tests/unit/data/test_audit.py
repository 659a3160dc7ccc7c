"""The audit finds what was put in."""

from pathlib import Path

import pandas as pd
import pytest

from finetone import files
from finetone.data.audit import audit, audit_dataset, fold, rare
from finetone.data.splits import write_split
from finetone.errors import UserError

LABELS = ["negative", "positive"]


def frame(rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["id", "text", "label"]).astype({"label": "int8"})


TRAIN = frame(
    [
        (0, "Good  film", 1),
        (1, " good film ", 1),  # the same, same label
        (2, "Dull.", 0),
        (3, "DULL.", 1),  # the same, other label
        (4, "...", 0),  # no letter or digit
        (5, "two\nlines here", 0),
    ]
)
TEST = frame([(10, "GOOD FILM", 1), (11, "dull.", 0), (12, "new", 1), (13, "good\tfilm", 0)])
DEV = frame([(20, "New", 0)])


def test_folding_joins_white_space_and_case_only():
    assert fold(" A\u00a0B\n\nc ") == "a b c"
    assert fold("Straße") == fold("STRASSE")
    assert fold("a.") != fold("a")


def test_facts_of_a_split():
    facts = audit({"train": TRAIN}, LABELS)["splits"]["train"]
    assert facts["rows"] == 6
    assert facts["labels"] == {"negative": 3, "positive": 3}
    assert facts["balance"] == 1.0
    assert facts["empty"] == 1
    assert facts["multiline"] == 1
    assert facts["duplicates"] == {
        "groups": 2,
        "rows": 4,
        "conflicting_groups": 1,
        "conflicting_rows": 2,
    }


def test_quantiles_are_lengths_that_occur():
    rows = [(i, " ".join(["ab"] * (i + 1)), i % 2) for i in range(100)]
    facts = audit({"train": frame(rows)}, LABELS)["splits"]["train"]
    assert facts["words"] == {
        "0": 1,
        "5": 5,
        "25": 25,
        "50": 50,
        "75": 75,
        "95": 95,
        "99": 99,
        "100": 100,
    }
    assert facts["characters"]["100"] == 299


def test_texts_shared_between_splits_and_leaks():
    result = audit({"train": TRAIN, "test": TEST, "dev": DEV}, LABELS)
    assert result["shared"] == {"train/test": 2, "train/dev": 0, "test/dev": 1}
    # 11 is dull. with both labels in train: one of them differs
    assert result["leaks"] == {"count": 3, "ids": [10, 11, 13], "conflicting": 2}


def test_a_dataset_without_train_leaks_nothing():
    result = audit({"test": TEST}, LABELS)
    assert result["leaks"] == {"count": 0, "ids": [], "conflicting": 0}
    assert result["shared"] == {}


def test_a_missing_class_has_balance_zero():
    facts = audit({"test": TEST[TEST["label"] == 1]}, LABELS)["splits"]["test"]
    assert facts["labels"] == {"negative": 0, "positive": 2}
    assert facts["balance"] == 0.0


def write_dataset(folder: Path) -> Path:
    for name, part in (("train", TRAIN), ("test", TEST)):
        write_split(part, folder / f"{name}.parquet")
    digests = {name: files.sha256(folder / f"{name}.parquet") for name in ("train", "test")}
    manifest = folder / "manifest.json"
    files.write_json(manifest, {"dataset": "d", "labels": LABELS, "splits": digests})
    return manifest


def test_the_file_says_what_the_function_says(tmp_path: Path, caplog):
    manifest = write_dataset(tmp_path)
    audit_dataset(manifest, tmp_path / "audit.json")
    written = files.read_json(tmp_path / "audit.json")
    assert written == {
        "schema_version": 1,
        "dataset": "d",
        "made_from": files.read_json(manifest)["splits"],
        **audit({"train": TRAIN, "test": TEST}, LABELS),
    }
    assert "3 test texts are also in train" in caplog.text


def test_a_split_that_was_swapped_is_noticed(tmp_path: Path):
    manifest = write_dataset(tmp_path)
    write_split(DEV, tmp_path / "test.parquet")
    with pytest.raises(UserError, match=r"test.parquet: not the file .*manifest.json describes"):
        audit_dataset(manifest, tmp_path / "audit.json")
    assert not (tmp_path / "audit.json").exists()


def test_a_rare_class_is_named_and_another_metric_proposed(tmp_path: Path, caplog):
    assert rare({"a": 901, "b": 99}) == ["b"] and rare({"a": 900, "b": 100}) == []
    assert rare({"a": 10, "b": 2, "c": 1, "d": 87}) == ["c", "b"]
    assert rare({"a": 5, "b": 0}) == ["b"] and rare({"a": 0}) == []
    texts = [f"text {i}" for i in range(40)]
    rows = frame(list(zip(range(40), texts, [0] * 39 + [1], strict=True)))
    write_split(rows, tmp_path / "test.parquet")
    digests = {"test": files.sha256(tmp_path / "test.parquet")}
    files.write_json(
        tmp_path / "manifest.json", {"dataset": "d", "labels": LABELS, "splits": digests}
    )
    with caplog.at_level("WARNING", logger="finetone"):
        audit_dataset(tmp_path / "manifest.json", tmp_path / "audit.json")
    assert "d: only 1 of 40 test rows are 'positive'" in caplog.text
    assert "compare: {metric: macro_f1}" in caplog.text
