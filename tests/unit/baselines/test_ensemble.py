"""An ensemble is the mean of its runs' probabilities, and costs what they cost."""

from pathlib import Path

import numpy as np
import pytest

from finetone import files
from finetone.baselines import ensemble
from finetone.errors import UserError
from finetone.formats import predictions, run_record
from finetone.formats.run_record import RunRecord
from finetone.labelling.choice import choose
from finetone.statistics.metrics import log_softmax
from finetone.tables.panels import panels

IDS = np.array([4, 7, 9, 12])
LABELS = np.array([0, 1, 1, 0])


def write(
    path: Path, seed: int, logits: np.ndarray, ids: np.ndarray = IDS, split: str = "test"
) -> Path:
    meta = {
        "dataset": "films", "method": "bert", "seed": seed, "labels": ["a", "b", "c"],
        "kept_epoch": 2, "made_from": {},
    } | predictions.of_split(split)  # fmt: skip
    predictions.write(path, ids, LABELS, {1: logits * 0, 2: logits.astype(np.float32)}, meta)
    return path


def draw(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(4, 3)) * 3


def test_it_is_the_mean_of_probabilities_of_the_kept_epochs(tmp_path: Path) -> None:
    members = [write(tmp_path / f"{k}.parquet", k, draw(k)) for k in (1, 2, 3)]
    ensemble.predict("bert-ensemble", members, tmp_path / "out.parquet")
    head = predictions.header(tmp_path / "out.parquet")
    (found,) = predictions.read(head)
    expected = np.mean([np.exp(log_softmax(draw(k))) for k in (1, 2, 3)], axis=0)
    np.testing.assert_allclose(np.exp(log_softmax(found.logits)), expected, atol=1e-6)
    np.testing.assert_array_equal((found.ids, found.label), (IDS, LABELS))
    assert (head.method, head.seed, head.kept_epoch) == ("bert-ensemble", 0, 1)
    (panel,) = panels([*members, tmp_path / "out.parquet"])
    assert panel.ensembles == {"bert-ensemble": "bert"}


def test_a_run_that_excludes_a_class_does_not_decide_alone(tmp_path: Path) -> None:
    sure = np.array([[0.0, -np.inf, -np.inf]])
    found = ensemble.mean_probabilities([sure, np.zeros((1, 3))])
    np.testing.assert_allclose(np.exp(found[0]), [2 / 3, 1 / 6, 1 / 6], rtol=1e-6)


def test_predictions_of_the_dev_rows_say_so(tmp_path: Path) -> None:
    members = [write(tmp_path / f"{k}.parquet", k, draw(k), split="dev") for k in (1, 2)]
    ensemble.predict("mean", members, tmp_path / "out.parquet")
    assert predictions.header(tmp_path / "out.parquet").facts["split"] == "dev"


def test_runs_on_other_rows_are_refused(tmp_path: Path) -> None:
    members = [write(tmp_path / "1.parquet", 1, draw(1))]
    members.append(write(tmp_path / "2.parquet", 2, draw(2), IDS + 1))
    with pytest.raises(UserError, match=r"2\.parquet: predictions of other rows than .*1\.parquet"):
        ensemble.predict("mean", members, tmp_path / "out.parquet")


def test_it_costs_the_sum_of_its_runs(tmp_path: Path) -> None:
    runs = []
    for seed, seconds in ((1, 10.0), (2, 12.0)):
        record = RunRecord(
            method="bert", kind="finetune", seed=seed, dataset="films", labels=["a", "b"],
            parameters={"total": 100, "embedding": 40, "non_embedding": 60}, rows=50,
            train_seconds=seconds, peak_memory_bytes=1000 * seed,
        )  # fmt: skip
        run = tmp_path / f"seed{seed}/run.json"
        run.parent.mkdir()
        run_record.write(run, record)
        runs.append(run)
    ensemble.gather("bert-ensemble", runs, tmp_path / "run.json")
    found = run_record.read(tmp_path / "run.json")
    assert (found.method, found.kind, found.seed) == ("bert-ensemble", "ensemble", 0)
    assert found.parameters == {"total": 200, "embedding": 80, "non_embedding": 120}
    assert found.train_seconds == 22.0 and found.peak_memory_bytes == 2000
    assert found.recipe == {"of": "bert", "seeds": [1, 2]}
    assert found.made_from == {f"seed {k}": files.sha256(run) for k, run in enumerate(runs, 1)}


def test_an_ensemble_labels_with_all_runs_that_it_is_made_of(tmp_path: Path) -> None:
    runs = [tmp_path / f"runs/net/seed{seed}/run.json" for seed in (1, 2)]
    for seed, run in enumerate(runs, start=1):
        files.write_json(run.parent / "model/model.json", {"kind": "textcnn"})
        record = RunRecord(method="net", kind="textcnn", seed=seed, labels=["a", "b"])
        run_record.write(run, record, "model")
    ensemble.gather("net-mean", runs, tmp_path / "runs/net-mean/seed0/run.json")
    choice = choose(tmp_path, "net-mean")
    assert choice.method == "net-mean"
    assert [(run.record.method, run.record.seed) for run in choice.runs] == [("net", 1), ("net", 2)]
