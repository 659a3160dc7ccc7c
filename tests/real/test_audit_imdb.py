"""The audit against a known fact: 123 IMDB test reviews also stand in train."""

import os
from pathlib import Path

import pytest

from finetone import files
from finetone.data.audit import audit_dataset
from finetone.data.download import prepare

DATA = Path(os.environ.get("FINETONE_DATA", Path(__file__).parents[3] / "shared" / "data"))
SPLITS = {split: DATA / f"imdb_{split}.parquet" for split in ("train", "test")}

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not all(path.is_file() for path in SPLITS.values()),
        reason=f"no imdb_train.parquet and imdb_test.parquet in {DATA} (set FINETONE_DATA)",
    ),
]


def test_imdb_is_whole_balanced_and_leaks_123_reviews(tmp_path: Path):
    block = {
        "file": {split: str(path) for split, path in SPLITS.items()},
        "text": "text",
        "label": "label",
        "labels": ["negative", "positive"],
    }
    prepare("imdb", block, tmp_path, None)
    audit_dataset(tmp_path / "manifest.json", tmp_path / "audit.json")
    result = files.read_json(tmp_path / "audit.json")
    for split in SPLITS:
        assert result["splits"][split]["labels"] == {"negative": 12_500, "positive": 12_500}
    assert result["leaks"]["count"] == len(set(result["leaks"]["ids"])) == 123
    assert result["shared"]["train/test"] <= 123
