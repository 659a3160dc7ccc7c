"""The rule-based and the linear method on IMDB, 25,000 training and 25,000 test reviews.

References measured outside the project on the same files: VADER (compound >= 0) 69.9 %, TF-IDF over
one- and two-word terms with logistic regression (C = 10) 90.8 %.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from finetone import files
from finetone.models import baselines

DATA = Path(os.environ.get("FINETONE_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(
        not all((DATA / f"imdb_{split}.parquet").is_file() for split in ("train", "test")),
        reason=f"needs imdb_train.parquet and imdb_test.parquet in {DATA} (set FINETONE_DATA)",
    ),
]


@pytest.fixture(scope="module")
def imdb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imdb")
    for split in ("train", "test"):
        rows = pq.read_table(DATA / f"imdb_{split}.parquet", columns=["text", "label"])
        columns = {
            "id": pa.array(np.arange(len(rows))),
            "text": rows.column("text"),
            "label": rows.column("label").cast(pa.int8()),
        }
        pq.write_table(pa.table(columns), folder / f"{split}.parquet")
    files.write_json(
        folder / "manifest.json", {"dataset": "imdb", "labels": ["negative", "positive"]}
    )
    return folder


@pytest.mark.parametrize(
    ("block", "percent", "within"),
    [
        ({"kind": "lexicon", "threshold": 0.0}, 69.9, 0.1),
        ({"kind": "tfidf", "ngrams": 2, "min_count": 2, "C": 10.0}, 90.8, 0.5),
    ],
    ids=["lexicon", "tfidf"],
)
def test_reaches_the_reference(
    imdb: Path, tmp_path: Path, block: dict[str, Any], percent: float, within: float
) -> None:
    baselines.fit(
        "method", block, train=imdb / "train.parquet", manifest=imdb / "manifest.json",
        max_length=512, seed=0, threads=1, engine={}, model=tmp_path / "model",
        run=tmp_path / "run.json", history=None,
    )  # fmt: skip
    baselines.predict(
        tmp_path / "model", test=imdb / "test.parquet", manifest=imdb / "manifest.json",
        dataset="imdb", method="method", seed=0, threads=1, target=tmp_path / "predictions.parquet",
    )  # fmt: skip
    rows = pq.read_table(tmp_path / "predictions.parquet")
    chosen = np.array(rows.column("logits").to_pylist()).argmax(1)
    assert 100 * (chosen == rows.column("label").to_numpy()).mean() == pytest.approx(
        percent, abs=within
    )
    assert files.read_json(tmp_path / "run.json")["peak_memory_bytes"] < 3e9
