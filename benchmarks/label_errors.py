"""How many of the rows in label_errors.csv are labelled wrongly? Wrong labels planted in real reviews.

    python benchmarks/label_errors.py imdb_train.parquet
    python benchmarks/label_errors.py imdb_train.parquet --rows 5000 --wrong 0.05 --seeds 5

The file has columns `text` and `label` (0, 1). Of a stratified sample, a share of the labels is turned
round; TF-IDF learns in five folds from these labels, the lexicon needs none; `label_errors` ranks the
rows by what both say. `precision`: share of planted ones among the first hundred; `by chance`: what a
random order has.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from finetone.baselines.baseline import Task
from finetone.baselines.lexicon import Lexicon
from finetone.baselines.tfidf import TfIdf
from finetone.comparison.panel import Panel
from finetone.data.splits import choose
from finetone.resampling.folds import assign
from finetone.seeds import derive
from finetone.tables.examples.label_errors_table import label_errors

FOLDS, FIRST = 5, 100
NAMES = ["negative", "positive"]
METHODS = {
    "tfidf": (TfIdf, {"ngrams": 2, "min_count": 2, "C": 10.0}),
    "lexicon": (Lexicon, {"threshold": 0.0}),
}


def predict(name: str, texts: list[str], labels: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """float32 [n, 2] logits of rows by what a method learned without their fold."""
    kind, settings = METHODS[name]
    found = np.zeros((len(texts), len(NAMES)), dtype=np.float32)
    for each in range(1, FOLDS + 1):
        learned, held_out = np.flatnonzero(fold != each), np.flatnonzero(fold == each)
        own = [texts[i] for i in learned]
        task = Task(name, name, settings, own, learned, labels[learned], NAMES)
        with tempfile.TemporaryDirectory() as folder:
            facts = kind.fit(task, Path(folder)).facts
            found[held_out] = kind.load(Path(folder), facts, 1)([texts[i] for i in held_out])
    return found


def precision(
    texts: list[str], labels: np.ndarray, wrong: float, methods: list[str], seed: int
) -> float:
    """Share of planted labels among the first rows."""
    random = np.random.default_rng(derive(seed, "wrong labels"))
    turned = random.choice(len(texts), round(wrong * len(texts)), replace=False)
    given = labels.copy()
    given[turned] = 1 - given[turned]
    fold = assign(given, np.arange(len(texts)), FOLDS, seed)
    logits = np.stack([predict(name, texts, given, fold) for name in methods])
    seeds = {name: [0] for name in methods}
    panel = Panel("reviews", tuple(NAMES), np.arange(len(texts)), given, seeds, logits)
    ranked = label_errors(panel, texts)["id"].to_numpy()[:FIRST]
    return float(np.isin(ranked, turned).mean())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--wrong", type=float, default=0.05)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    table = pq.read_table(given.file, columns=["text", "label"])
    all_labels = table["label"].to_numpy().astype(np.int64)
    for methods in (["tfidf"], ["tfidf", "lexicon"]):
        found = []
        for seed in range(1, given.seeds + 1):
            rows = choose(all_labels, given.rows, seed, "label errors")
            texts = table["text"].take(rows).to_pylist()
            found.append(precision(texts, all_labels[rows], given.wrong, methods, seed))
        each = ", ".join(f"{value:.2f}" for value in found)
        print(
            f"{' + '.join(methods)}, {given.rows} rows: precision {np.mean(found):.2f} ({each}), "
            f"by chance {given.wrong:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
