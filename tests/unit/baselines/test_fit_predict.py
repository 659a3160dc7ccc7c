"""What a user relies on of every baseline: files, determinism, round trip, messages."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finetone import files
from finetone.baselines import fit_predict, lexicon, word_index
from finetone.baselines.baseline import Learned, Task
from finetone.baselines.lexicon import Lexicon
from finetone.baselines.majority import Majority
from finetone.baselines.registry import KINDS
from finetone.errors import UserError
from finetone.formats import row_subset
from finetone.formats.row_subset import RowSubset
from finetone.seeds import derive
from tests import library_path

NET = {
    "vocabulary": 50, "embedding": 16, "hidden": 16, "dropout": 0.1, "epochs": 4, "batch_size": 8,
    "learning_rate": 0.02, "weight_decay": 0.0, "clip_norm": 1.0,
}  # fmt: skip
BLOCKS: dict[str, dict[str, Any]] = {
    "majority": {"kind": "majority"},
    "lexicon": {"kind": "lexicon", "threshold": 0.0},
    "tfidf": {"kind": "tfidf", "ngrams": 2, "min_count": 2, "C": 10.0},
    "bilstm": {"kind": "bilstm", **NET},
    "textcnn": {"kind": "textcnn", "colour": "#123456", **NET},
}
NAMES = {2: ["negative", "positive"], 3: ["negative", "neutral", "positive"]}
TONE = {2: ["awful", "great"], 3: ["awful", "average", "great"]}
FILLER = ["the", "film", "was", "a", "long", "story", "about", "people", "by", "the", "sea"]


def make_split(
    path: Path, classes: int, rows: int, seed: int, *, present: int | None = None
) -> Path:
    """2 to 12 filler words around the one word that tells the class; ids are not 0 … n-1."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, present or classes, rows)
    texts = []
    for label in labels:
        words = list(draw.choice(FILLER, draw.integers(2, 13)))
        words.insert(int(draw.integers(0, len(words))), TONE[classes][label])
        texts.append(" ".join(words))
    table = {
        "id": pa.array(np.arange(rows, dtype=np.int64) * 7 + 3),
        "text": pa.array(texts),
        "label": pa.array(labels.astype(np.int8)),
    }
    pq.write_table(pa.table(table), path)
    return path


class Bench:
    """A tiny dataset on disk, and the two calls that a rule makes."""

    def __init__(self, folder: Path, classes: int = 2, **settings: Any) -> None:
        self.folder, self.classes = folder, classes
        self.train = make_split(folder / "train.parquet", classes, 120, 1, **settings)
        self.test = make_split(folder / "test.parquet", classes, 60, 2)
        self.manifest = folder / "manifest.json"
        files.write_json(self.manifest, {"dataset": "toys", "labels": NAMES[classes]})

    def fit(
        self, kind: str, name: str = "a", seed: int = 1, rows: Path | None = None, **over: Any
    ) -> Path:
        out = self.folder / name
        fit_predict.fit(
            f"my-{kind}", BLOCKS[kind] | over, train=self.train, manifest=self.manifest,
            max_length=16, seed=seed, threads=1, engine={"precision": "fp32"},
            run=out / "run.json", rows=rows,
        )  # fmt: skip
        return out

    def predict(self, out: Path, **over: Any) -> Path:
        target = out / "predictions.parquet"
        settings = {"rows": self.test, "manifest": self.manifest, "dataset": "toys"} | over
        fit_predict.predict(out / "model", method="m", seed=1, threads=1, target=target, **settings)
        return target


def logits_of(path: Path) -> np.ndarray:
    return np.array(pq.read_table(path).column("logits").to_pylist(), dtype=np.float32)


def accuracy(path: Path) -> float:
    labels = pq.read_table(path).column("label").to_numpy()
    return float((logits_of(path).argmax(1) == labels).mean())


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("kind", ["tfidf", "bilstm", "textcnn"])
def test_learns_what_separates_the_classes(tmp_path: Path, kind: str, classes: int) -> None:
    bench = Bench(tmp_path, classes)
    assert accuracy(bench.predict(bench.fit(kind))) > 0.95


@pytest.mark.parametrize("kind", BLOCKS)
def test_files_follow_the_contract(tmp_path: Path, kind: str) -> None:
    bench = Bench(tmp_path)
    out = bench.fit(kind)
    run = files.read_json(out / "run.json")
    assert (run["kind"], run["method"], run["seed"]) == (kind, f"my-{kind}", 1)
    assert (run["dataset"], run["labels"], run["rows"]) == ("toys", NAMES[2], 120)
    assert run["made_from"]["train"] == files.sha256(bench.train)
    assert run["parameters"]["total"] == sum(
        run["parameters"][part] for part in ("embedding", "non_embedding")
    )
    assert "kind" not in run["recipe"]
    assert run["train_seconds"] > 0
    assert run["peak_memory_bytes"] > 1 << 20
    assert run["execution"]["threads"] == 1
    table = pq.read_table(bench.predict(out))
    assert table.schema.types == [pa.int16(), pa.int64(), pa.int16(), pa.list_(pa.float32())]
    source = pq.read_table(bench.test)
    assert table.column("id").to_pylist() == source.column("id").to_pylist()
    assert table.column("label").to_pylist() == source.column("label").to_pylist()
    meta = json.loads(table.schema.metadata[b"finetone"])
    assert list(meta.pop("checksums")) == [str(run["kept_epoch"])]
    assert meta == {
        "dataset": "toys", "method": "m", "seed": 1, "labels": NAMES[2],
        "kept_epoch": run["kept_epoch"],
        "made_from": {"test": files.sha256(bench.test), "model": files.sha256(out / "model")},
    }  # fmt: skip
    assert set(table.column("epoch").to_pylist()) == {run["kept_epoch"]}
    assert np.isfinite(logits_of(out / "predictions.parquet")).all()


@pytest.mark.parametrize("kind", ["majority", "tfidf", "textcnn"])
def test_learns_from_some_rows_as_from_a_file_of_these_rows(tmp_path: Path, kind: str) -> None:
    bench = Bench(tmp_path)
    rows = np.array([0, 3, 4, 17, 18, 60, 100, 119])
    row_subset.write(tmp_path / "rows.parquet", RowSubset("rows8", "toys", 120, rows))
    out = bench.fit(kind, "some", rows=tmp_path / "rows.parquet")
    assert files.read_json(out / "run.json")["rows"] == 8
    pq.write_table(pq.read_table(bench.train).take(pa.array(rows)), bench.train)
    same = bench.fit(kind, "few", seed=derive(1, "rows8"))
    np.testing.assert_array_equal(*(logits_of(bench.predict(each)) for each in (out, same)))


@pytest.mark.parametrize("kind", ["bilstm", "textcnn"])
def test_a_network_records_every_step_and_leaves_no_state(tmp_path: Path, kind: str) -> None:
    out = Bench(tmp_path).fit(kind)
    run, history = files.read_json(out / "run.json"), pq.read_table(out / "history.parquet")
    assert history.num_rows == run["steps"] == 4 * 15
    assert run["epochs"] == run["kept_epoch"] == 4
    assert run["parameters"]["embedding"] == 16 * len(
        files.read_json(out / "model" / "words.json")["words"]
    )
    assert not (out / "state").exists()


@pytest.mark.parametrize("kind", BLOCKS)
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, kind: str) -> None:
    bench = Bench(tmp_path)
    first = bench.predict(bench.fit(kind, "a")).read_bytes()
    assert bench.predict(bench.fit(kind, "b")).read_bytes() == first


@pytest.mark.parametrize("kind", ["bilstm", "textcnn"])
def test_another_seed_gives_another_network(tmp_path: Path, kind: str) -> None:
    bench = Bench(tmp_path)
    first = logits_of(bench.predict(bench.fit(kind, "a", seed=1, epochs=1)))
    assert not np.allclose(logits_of(bench.predict(bench.fit(kind, "b", seed=2, epochs=1))), first)


def test_the_folder_alone_predicts_in_another_process(tmp_path: Path) -> None:
    """Light kinds first: they must not have brought torch in."""
    bench = Bench(tmp_path)
    here = {kind: logits_of(bench.predict(bench.fit(kind, kind))) for kind in BLOCKS}
    bench.train.unlink()
    for kind in BLOCKS:
        moved = (tmp_path / kind / "model").rename(tmp_path / f"moved-{kind}")
        assert {file.suffix for file in moved.iterdir()} <= {".json", ".npz", ".safetensors"}
    code = f"""
import sys; from pathlib import Path; from finetone.baselines import fit_predict; from finetone.baselines.registry import KINDS
here = Path({str(tmp_path)!r})
for kind in {list(BLOCKS)!r}:
    fit_predict.predict(here / f"moved-{{kind}}", rows=here / "test.parquet",
        manifest=here / "manifest.json", dataset="toys", method="m", seed=1, threads=1,
        target=here / f"{{kind}}.parquet")
    assert ("torch" in sys.modules) == (KINDS[kind].seeded), kind
"""
    environment = {**os.environ, "PYTHONPATH": library_path()}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    for kind, logits in here.items():
        np.testing.assert_allclose(logits_of(tmp_path / f"{kind}.parquet"), logits, atol=1e-6)


def test_arrays_load_without_pickle(tmp_path: Path) -> None:
    out = Bench(tmp_path).fit("tfidf")
    with np.load(out / "model" / "numbers.npz", allow_pickle=False) as stored:
        assert all(stored[name].dtype != object for name in stored.files)


def test_light_kinds_train_without_torch(tmp_path: Path) -> None:
    make_split(tmp_path / "train.parquet", 2, 40, 1)
    files.write_json(tmp_path / "manifest.json", {"dataset": "toys", "labels": NAMES[2]})
    light = {kind: block for kind, block in BLOCKS.items() if not KINDS[kind].seeded}
    code = f"""
import sys; from pathlib import Path; from finetone.baselines import fit_predict; from finetone.baselines.registry import KINDS
here = Path({str(tmp_path)!r})
for kind, block in {light!r}.items():
    fit_predict.fit(kind, block, train=here / "train.parquet", manifest=here / "manifest.json",
        max_length=16, seed=0, threads=1, engine={{}}, run=here / kind / "run.json")
assert "torch" not in sys.modules
"""
    environment = {**os.environ, "PYTHONPATH": library_path()}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def majority(labels: list[int], classes: int) -> Learned:
    rows, names = np.arange(len(labels)), [str(name) for name in range(classes)]
    texts = ["a text"] * len(labels)
    task = Task("majority", "baselines.m", {}, texts, rows, np.array(labels), names)
    return Majority.fit(task, Path())


def test_majority_predicts_the_training_shares() -> None:
    learned = majority([0, 1, 1, 2, 1, 2], 4)
    logits = Majority.load(Path(), learned.facts, 1)(["any", "text"])
    assert learned.numbers == 4
    np.testing.assert_allclose(np.exp(logits[1, :3]), [1 / 6, 3 / 6, 2 / 6], rtol=1e-6)
    assert np.isfinite(logits[:, 3]).all()
    assert logits[:, 3].max() < logits[:, 0].min()


def test_majority_ties_go_to_the_first_class() -> None:
    facts = majority([2, 1, 1, 2, 0], 3).facts
    assert Majority.load(Path(), facts, 1)(["text"]).argmax(1).tolist() == [1]


@pytest.mark.parametrize("threshold", [-1.0, -0.3, 0.0, 0.05, 1.0])
def test_lexicon_decides_by_the_published_rule(threshold: float) -> None:
    steps = np.round(np.arange(-10000, 10001) / 10000, 4)  # every score VADER can give
    compound = np.append(steps, threshold)
    logits = lexicon.to_logits(compound, threshold)
    np.testing.assert_array_equal(logits.argmax(1), (compound >= threshold).astype(int))
    probability = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1], dtype=np.float32))
    np.testing.assert_array_equal(probability > 0.5, compound >= threshold)
    assert (np.diff(probability[:-1]) >= 0).all()
    assert 0 < probability.min() < probability.max() < 1


def test_lexicon_agrees_with_the_library() -> None:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    texts = ["I love it!", "not good :(", "a table", "", "the worst, but GREAT fun"]
    score = [SentimentIntensityAnalyzer().polarity_scores(text)["compound"] for text in texts]
    logits = Lexicon.load(Path(), {"threshold": 0.0}, 1)(texts)
    assert logits.argmax(1).tolist() == [int(value >= 0) for value in score]


def test_tfidf_equals_the_library_pipeline(tmp_path: Path) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    bench = Bench(tmp_path, 3)
    train, test = pq.read_table(bench.train).to_pydict(), pq.read_table(bench.test).to_pydict()
    words = TfidfVectorizer(
        ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=r"\b\w+\b"
    )
    pipeline = make_pipeline(words, LogisticRegression(C=10, tol=1e-6, max_iter=5000))
    expected = pipeline.fit(train["text"], train["label"]).predict_log_proba(test["text"])
    logits = logits_of(bench.predict(bench.fit("tfidf"))).astype(np.float64)
    log_probability = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    np.testing.assert_allclose(log_probability, expected, atol=1e-5)


def test_tfidf_never_chooses_a_class_it_has_not_seen(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 3, present=2)
    logits = logits_of(bench.predict(bench.fit("tfidf")))
    assert logits.shape == (60, 3)
    assert np.isfinite(logits).all()
    assert set(logits.argmax(1)) == {0, 1}


def test_vocabulary_keeps_the_most_frequent_words_of_any_case() -> None:
    texts = ["Don't stop! STOP", "stop a_b don’t 8/10", ""]
    assert word_index.build(texts, 3) == ["<pad>", "<unk>", "stop", "!", "10"]
    numbers, offsets, cut = word_index.encode(["stop new stop", "", "! ! !"], ["p", "u", "stop"], 2)
    assert (numbers.tolist(), offsets.tolist(), cut) == ([2, 1, 1, 1, 1], [0, 2, 3, 5], 2)


def test_a_very_long_text_is_cut(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    out = bench.fit("textcnn", epochs=1)
    rows = {"id": [1, 2], "text": ["great " * 40_000, "great " * 16], "label": [1, 1]}
    pq.write_table(pa.table(rows), bench.test)
    first, second = logits_of(bench.predict(out))
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_lexicon_refuses_three_classes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"baselines\.my-lexicon\.kind.* neutral"):
        Bench(tmp_path, 3).fit("lexicon")
    assert not (tmp_path / "a" / "model").exists()


def test_tfidf_names_the_key_that_leaves_no_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"baselines\.my-tfidf\.min_count.*121"):
        Bench(tmp_path).fit("tfidf", min_count=121)
    assert not any((tmp_path / "a").iterdir())


def test_tfidf_refuses_a_single_class(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="every training row is 'negative'"):
        Bench(tmp_path, 2, present=1).fit("tfidf")


@pytest.mark.parametrize("kind", BLOCKS)
def test_other_classes_are_refused(tmp_path: Path, kind: str) -> None:
    bench = Bench(tmp_path)
    out = bench.fit(kind)
    other = tmp_path / "other.json"
    files.write_json(other, {"dataset": "other", "labels": ["positive", "negative"]})
    with pytest.raises(UserError, match=r"datasets\.other\.labels.*positive, negative"):
        bench.predict(out, manifest=other, dataset="other")
    assert not (out / "predictions.parquet").exists()


@pytest.mark.parametrize("kind", ["majority", "tfidf", "textcnn"])
def test_no_training_rows_is_a_sentence(tmp_path: Path, kind: str) -> None:
    bench = Bench(tmp_path)
    pq.write_table(pq.read_table(bench.train).slice(0, 0), bench.train)
    with pytest.raises(UserError, match="no training rows"):
        bench.fit(kind)
