"""A probe is scikit-learn's logistic regression on what plain transformers make of the texts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from transformers import AutoModel, AutoTokenizer

from finetone import files
from finetone.baselines import fit_predict, probe
from finetone.baselines.baseline import Task
from finetone.baselines.probe import Probe
from finetone.cards.export import export_checkpoints
from finetone.data.tokenization import tokenize
from finetone.engine.embed import embed
from finetone.errors import UserError
from finetone.formats import row_subset
from finetone.formats.embedding_file import EmbeddingMeta, Embeddings, read_embeddings
from finetone.formats.row_subset import RowSubset
from finetone.models.prepare import prepare
from finetone.statistics.metrics import METRICS
from tests.tiny import write_bert, write_reviews
from tests.unit.baselines.test_fit_predict import logits_of

NAMES = ["neg", "pos"]
BLOCK: dict[str, Any] = {"kind": "probe", "model": "tiny", "pooling": "auto", "C": None}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """As the workflow lays it out: data, the model, tokens, embeddings and a fitted probe."""
    folder = tmp_path_factory.mktemp("work")
    data = folder / "data"
    data.mkdir()
    for split, rows in (("train", 60), ("test", 40)):
        write_split(data / f"{split}.parquet", write_reviews(folder / f"{split}.csv", rows, rows))
    files.write_json(data / "manifest.json", {"dataset": "films", "labels": NAMES})
    prepare("tiny", {"path": str(write_bert(folder / "bert"))}, folder / "models/tiny")
    for split in ("train", "test"):
        tokens = folder / f"{split}.tokens.arrow"
        tokenize(data / f"{split}.parquet", folder / "models/tiny", NAMES, 16, tokens)
        embed(
            folder / "models/tiny", tokens, "auto", engine={"precision": "fp32"}, threads=1,
            target=folder / f"{split}.arrow",
        )  # fmt: skip
    fit(folder)
    yield folder


def write_split(target: Path, source: Path) -> None:
    import pandas as pd

    rows = pd.read_csv(source)
    labels = rows["mood"].map(NAMES.index).astype(np.int8)
    pd.DataFrame(
        {"id": np.arange(len(rows)) + 5, "text": rows["review"], "label": labels}
    ).to_parquet(target)


def fit(work: Path, name: str = "probe", rows: Path | None = None, **over: Any) -> Path:
    out = work / "runs" / name / "seed0"
    fit_predict.fit(
        name, BLOCK | over, train=work / "data/train.parquet", manifest=work / "data/manifest.json",
        max_length=0, seed=0, threads=1, engine={}, run=out / "run.json",
        embeddings=work / "train.arrow", encoder=work / "models/tiny", rows=rows,
    )  # fmt: skip
    return out


def predict(work: Path, out: Path, **over: Any) -> np.ndarray:
    target = out / "predictions.parquet"
    settings: dict[str, Any] = {
        "rows": work / "data/test.parquet",
        "embeddings": work / "test.arrow",
    } | over
    fit_predict.predict(
        out / "model", manifest=work / "data/manifest.json",
        dataset="films", method="probe", seed=0, threads=1, target=target, **settings,
    )  # fmt: skip
    return logits_of(target)


def plain(work: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """(embeddings, labels) by plain transformers, one text at a time."""
    rows = pq.read_table(work / f"data/{split}.parquet").to_pydict()
    tokenizer = AutoTokenizer.from_pretrained(work / "models/tiny")
    model = AutoModel.from_pretrained(work / "bert").eval()
    found = []
    for text in rows["text"]:
        inputs = tokenizer(text, truncation=True, max_length=16, return_tensors="pt")
        with torch.inference_mode():
            found.append(model(**inputs).last_hidden_state[0].mean(0).numpy())
    return np.stack(found).astype(np.float64), np.array(rows["label"])


def test_it_is_scikit_learn_on_plain_transformers(work: Path) -> None:
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(tol=1e-6, max_iter=5000))
    search = GridSearchCV(
        pipeline,
        {"logisticregression__C": list(probe.STRENGTHS)},
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
    ).fit(*plain(work, "train"))
    run = files.read_json(work / "runs/probe/seed0/run.json")
    assert run["recipe"]["C"] == search.best_params_["logisticregression__C"]
    scores = search.cv_results_["mean_test_score"]
    np.testing.assert_allclose(list(run["recipe"]["C_tried"].values()), scores, atol=0.02)
    expected = search.predict_log_proba(plain(work, "test")[0])
    logits = predict(work, work / "runs/probe/seed0").astype(np.float64)
    found = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_the_folder_predicts_raw_texts(work: Path) -> None:
    """As `finetone label` does: the probe's folder, and the model that it names."""
    out = work / "runs/probe/seed0"
    texts = pq.read_table(work / "data/test.parquet")["text"].to_pylist()
    found = fit_predict.predictor(out / "model", 1)(texts)
    np.testing.assert_allclose(found, predict(work, out), atol=1e-4)
    assert {file.suffix for file in (out / "model").iterdir()} == {".json", ".npz", ".md"}


def test_the_record_says_what_it_is_made_of(work: Path) -> None:
    out = work / "runs/probe/seed0"
    run, embedded = files.read_json(out / "run.json"), read_embeddings(work / "train.arrow").meta
    assert run["recipe"]["pooling"] == "mean" and run["recipe"]["layer"] == 2
    assert run["recipe"]["C_chosen_by"] == "accuracy"
    trained = 32 + 1
    assert run["parameters"]["trained"] == trained
    assert run["parameters"]["total"] == embedded.parameters["total"] + trained
    assert run["train_seconds"] > embedded.seconds  # embedding and fitting
    assert run["peak_memory_bytes"] >= embedded.peak_memory_bytes
    assert run["made_from"]["model"] == files.sha256(work / "models/tiny/manifest.json")
    assert run["engine"] == {"precision": "fp32"} and "torch" in run["versions"]
    card = (out / "model/README.md").read_text()
    assert "33 trained" in card and "cross-validation on the training rows alone" in card


def test_a_strength_that_is_given_is_taken(work: Path) -> None:
    recipe = files.read_json(fit(work, "given", C=0.5) / "run.json")["recipe"]
    assert recipe["C"] == 0.5 and "C_tried" not in recipe
    assert "C = 0.5 was given" in (work / "runs/given/seed0/model/README.md").read_text()


def test_the_strength_is_chosen_by_the_metric_of_the_experiment(work: Path) -> None:
    recipe = files.read_json(fit(work, "by-loss", choose_by="loss") / "run.json")["recipe"]
    assert recipe["C_chosen_by"] == "loss"
    assert recipe["C_tried"][f"{recipe['C']:g}"] == min(recipe["C_tried"].values())


def test_rows_that_are_left_out_are_predicted_by_a_probe_of_the_others(work: Path) -> None:
    subset = work / "fold.parquet"
    row_subset.write(subset, RowSubset("fold", "films", 60, np.arange(45)))
    out = fit(work, "fold", rows=subset, C=0.5)
    vectors, labels = plain(work, "train")
    scale = StandardScaler().fit(vectors[:45])
    model = LogisticRegression(C=0.5, tol=1e-6, max_iter=5000)
    model.fit(scale.transform(vectors[:45]), labels[:45])
    held_out = {"rows": work / "data/train.parquet", "embeddings": work / "train.arrow"}
    found = predict(work, out, **held_out, held_out_by=subset, split="train")
    expected = model.decision_function(scale.transform(vectors[45:]))
    np.testing.assert_allclose(found[:, 1] - found[:, 0], expected, atol=1e-3)
    run, embedded = files.read_json(out / "run.json"), read_embeddings(work / "train.arrow").meta
    assert run["rows"] == 45 and run["made_from"]["rows"] == files.sha256(subset)
    assert run["train_seconds"] > embedded.seconds * 45 / 60


def test_of_equal_scores_the_strongest_penalty_wins() -> None:
    assert probe.best({0.1: 0.8, 0.01: 0.8, 1.0: 0.7}, "accuracy") == 0.01
    assert probe.best({0.1: np.nan, 1.0: 0.7, 10.0: 0.9}, "loss") == 1.0


def test_another_model_in_its_place_is_refused(work: Path, tmp_path: Path) -> None:
    moved = tmp_path / "runs/probe/seed0/model"
    moved.parent.mkdir(parents=True)
    for file in [*files.files_of(work / "runs/probe/seed0/model")]:
        moved.mkdir(exist_ok=True)
        (moved / file.name).write_bytes(file.read_bytes())
    with pytest.raises(
        UserError, match=r"model that this probe reads with is not at .*models/tiny"
    ):
        fit_predict.predictor(moved, 1)
    (tmp_path / "models").mkdir()
    prepare("tiny", {"path": str(write_bert(tmp_path / "b", seed=1))}, tmp_path / "models/tiny")
    with pytest.raises(UserError, match="put it back"):
        fit_predict.predictor(moved, 1)


def test_embeddings_of_other_rows_are_refused(work: Path) -> None:
    with pytest.raises(UserError, match=r"train\.arrow: embeddings of other rows"):
        predict(work, work / "runs/probe/seed0", embeddings=work / "train.arrow")


def test_an_exported_probe_has_its_model_with_it(work: Path, tmp_path: Path) -> None:
    out, results = work / "runs/probe/seed0", tmp_path / "results.json"
    undefined = dict.fromkeys(METRICS)
    run = {"seed": 0, "correct": 30, "accuracy": 0.75, "loss": None, **undefined}
    entry = {"dataset": "films", "method": "probe", "n": 40}
    entry["runs"] = [run | {"standard_errors": {}}]
    data = [{"dataset": "films", "sha256": {}}]
    files.write_json(results, {"confidence": 0.95, "datasets": data, "results": [entry]})
    export_checkpoints([out / "model"], results, tmp_path / "checkpoints")
    expected = predict(work, out)
    moved = (tmp_path / "checkpoints/probe-seed0").rename(tmp_path / "elsewhere")
    texts = pq.read_table(work / "data/test.parquet")["text"].to_pylist()
    np.testing.assert_allclose(fit_predict.predictor(moved, 1)(texts), expected, atol=1e-4)
    assert "model-index" in (moved / "README.md").read_text()


META = EmbeddingMeta(["a", "b", "c"], "mean", 2, 16, {}, dict.fromkeys(["total", "embedding", "non_embedding"], 0), 0.1, 1.0, 1)  # fmt: skip


def learned(folder: Path, labels: list[int], C: float | None = None) -> np.ndarray:
    """Logits of invented vectors, after a fit on these."""
    label = np.array(labels)
    vectors = np.random.default_rng(0).normal(size=(len(label), 6)) + label[:, None]
    embedded = Embeddings(np.arange(len(label)), label, vectors.astype(np.float32), META)
    files.write_json(folder / "manifest.json", {})
    task = Task(
        "probe", "baselines.p", {"C": C}, [], embedded.ids, label, META.labels,
        embedded=embedded, encoder=folder, folder=folder,
    )  # fmt: skip
    facts = Probe.fit(task, folder).facts
    return Probe.of_vectors(folder, facts)(embedded.vectors)


def test_a_class_without_rows_is_never_chosen(tmp_path: Path) -> None:
    logits = learned(tmp_path, [0, 2] * 20)
    assert logits.shape == (40, 3) and set(logits.argmax(1)) == {0, 2}


def test_a_rare_class_does_not_keep_the_strength_from_being_chosen(tmp_path: Path) -> None:
    assert np.isfinite(learned(tmp_path, [0, 1] * 20 + [2])).all()


def test_a_feature_that_never_varies_is_no_reason(tmp_path: Path) -> None:
    mean, deviation = probe.scaling(np.array([[1e6, 0.0, 1.0], [1e6 + 1e-3, 0.0, 3.0]]))
    assert deviation.tolist() == [1.0, 1.0, 1.0]


def test_too_few_rows_to_choose_by_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"baselines\.p\.C: only one training row is of another"):
        learned(tmp_path, [0, 0, 0, 1])
    assert np.isfinite(learned(tmp_path, [0, 0, 0, 1], C=1.0)).all()


def test_one_class_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="every training row is 'b'"):
        learned(tmp_path, [1, 1, 1])
