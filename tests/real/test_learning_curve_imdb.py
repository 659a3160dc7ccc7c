"""What a power law fitted to few reviews says of more of them, held against training on these.

TF-IDF with logistic regression on IMDB, three choices of training reviews, 4,000 test reviews.
"""

import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from finetone.baselines.baseline import Task
from finetone.baselines.tfidf import TfIdf
from finetone.comparison.learning_curve import Curves, curves_of
from finetone.comparison.panel import Panel
from finetone.comparison.scores import Scores, scores_of
from finetone.resampling.subsets import nested

DATA = Path(os.environ.get("FINETONE_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(
        not all((DATA / f"imdb_{split}.parquet").is_file() for split in ("train", "test")),
        reason=f"needs imdb_train.parquet and imdb_test.parquet in {DATA} (set FINETONE_DATA)",
    ),
]
SIZES = [250, 500, 1000, 2000, 4000, 8000]
KNOWN = 4  # of them, from which the others are foretold


def reviews(split: str) -> tuple[list[str], np.ndarray]:
    rows = pq.read_table(DATA / f"imdb_{split}.parquet", columns=["text", "label"])
    return rows["text"].to_pylist(), rows["label"].to_numpy().astype(np.int64)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> list[Scores]:
    """Scores with each number of training reviews."""
    texts, labels = reviews("train")
    test_texts, test_labels = reviews("test")
    tested = np.sort(nested(test_labels.astype(np.int16), 0)[:4000])
    asked, truth = [test_texts[i] for i in tested], test_labels[tested]
    found = []
    for size in SIZES:
        logits = []
        for seed in (1, 2, 3):
            rows = nested(labels.astype(np.int16), seed)[:size]
            task = Task(
                "tfidf", "baselines.tfidf", {"ngrams": 2, "min_count": 2, "C": 10.0},
                [texts[i] for i in rows], rows, labels[rows], ["negative", "positive"],
            )  # fmt: skip
            folder = tmp_path_factory.mktemp("model")
            learned = TfIdf.fit(task, folder)
            logits.append(TfIdf.load(folder, learned.facts, 1)(asked))
        names = ("negative", "positive")
        panel = Panel("imdb", names, tested, truth, {"tfidf": [1, 2, 3]}, np.stack(logits))
        found.append(scores_of(panel, "accuracy", {}, None))
    return found


def test_sizes_that_were_held_back_are_where_the_law_expects_them(measured: list[Scores]) -> None:
    curves: Curves = curves_of(measured[:KNOWN], SIZES[:KNOWN], 0)
    law = curves.law("tfidf")
    assert law is not None
    for size, actual in list(zip(SIZES, measured, strict=True))[KNOWN:]:
        value = float(actual.mean[0])
        expected, low, high = law.score(size, 0.95)
        print(
            f"{size} reviews: {value:.4f} measured, {expected:.4f} ({low:.4f}–{high:.4f}) expected"
        )
        assert abs(expected - value) < 0.015
        # what is measured has an error of its own
        own = (actual.interval(0.95)[1] - actual.interval(0.95)[0])[0] / 2
        assert low - own < value < high + own
    gain, low, high = law.gain(SIZES[KNOWN] - SIZES[KNOWN - 1], 0.95)
    assert low < measured[KNOWN].mean[0] - measured[KNOWN - 1].mean[0] < high


def test_more_reviews_are_better_and_the_gain_of_as_many_more_shrinks(
    measured: list[Scores],
) -> None:
    law = curves_of(measured, SIZES, 0).law("tfidf")
    assert law is not None
    means = [float(each.mean[0]) for each in measured]
    assert means == sorted(means)
    gains = [float(law.law.gain(size, 1000)[0]) for size in SIZES]
    assert gains == sorted(gains, reverse=True) and gains[-1] > 0
