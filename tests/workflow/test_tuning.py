"""Tuning from the configuration to the page, and a value more to try."""

from pathlib import Path

import pytest

from finetone import files
from finetone.formats import decision, trial
from finetone.formats.csv_table import read_csv
from tests.tiny import experiment
from tests.workflow.dry import scheduled
from tests.workflow.snake import snakemake

pytestmark = pytest.mark.slow
RATES = [1e-2, 3e-2]  # with lower ones, two epochs teach it nothing, and trials tie
PREDICTED = [
    f"results/small/predictions/films/{run}.parquet" for run in ("tfidf/seed0", "cnn/seed1")
]


def light(folder: Path) -> dict:
    """An experiment without a model, whose methods have something to tune all the same."""
    config = experiment(folder) | {"models": {}, "transfer": [], "seeds": [1]}
    del config["datasets"]["books"]
    config["datasets"]["films"]["split"] = {"dev": 0.3}
    network = {"kind": "textcnn", "epochs": 2, "embedding": 8, "hidden": 8, "vocabulary": 100}
    network["tune"] = {"learning_rate": RATES}
    config["baselines"] = {"tfidf": {"kind": "tfidf", "tune": {"C": [1, 10]}}, "cnn": network}
    config["tune"] = {"learning_rate": RATES}
    return config


def run(folder: Path, config: dict, *targets: str) -> str:
    done = snakemake(folder, *targets, config=config)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return done.stdout + done.stderr


def times(results: Path) -> dict[str, float]:
    """How long each trial and run took, which no second training repeats."""
    found = [*results.glob("tuning/*/*/epoch*.json"), *results.glob("runs/*/*/run.json")]
    return {
        str(path.relative_to(results)): files.read_json(path)["train_seconds"] for path in found
    }


def test_from_the_configuration_to_the_page_and_one_value_more(tmp_path: Path) -> None:
    config, results = light(tmp_path / "input"), tmp_path / "results/small"
    run(tmp_path, config)
    assert scheduled(tmp_path) == {}
    assert 'id="tuning"' in (results / "report.html").read_text()
    tuning = read_csv(results / "tables/tuning.csv")
    assert tuning.groupby("method").size().to_dict() == {"tfidf": 2, "cnn": 2}
    for method, seed in (("tfidf", 0), ("cnn", 1)):
        about = files.read_json(results / f"runs/{method}/seed{seed}/run.json")
        assert about["tuned"] == decision.read(results / f"tuning/{method}.json")
        assert about["recipe"] == about["recipe"] | about["tuned"]
    assert not list(results.glob("tuning/*/*/state")), "no weights are left"

    # a value that is far too low is tried, and nothing is made that it cannot change
    before = times(results)
    config["tune"]["learning_rate"] = config["baselines"]["cnn"]["tune"]["learning_rate"] = [
        1e-7,
        *RATES,
    ]
    config["baselines"]["tfidf"]["tune"] = {"C": [1e-7, 1, 10]}
    told = run(tmp_path, config)
    after = times(results)
    assert after == after | before
    new = {"tuning/tfidf/C1e-07/epoch1.json", "tuning/cnn/learning_rate1e-07/epoch2.json"}
    assert set(after) - set(before) == new
    assert "nothing that results/small/runs/cnn/seed1/model" in told
    assert scheduled(tmp_path) == {}

    # another one is chosen, and trained
    config["tune"] = {"learning_rate": 1e-7}
    config["baselines"]["tfidf"]["tune"] = {"C": 1e-7}
    config["baselines"]["cnn"]["tune"] = {"learning_rate": 1e-7}
    run(tmp_path, config, *PREDICTED, "--configfile", str(tmp_path / "experiment.yaml"))
    assert files.read_json(results / "runs/tfidf/seed0/run.json")["recipe"]["C"] == 1e-7
    assert files.read_json(results / "runs/cnn/seed1/run.json")["tuned"] == {"learning_rate": 1e-7}


def test_halving_stops_the_worse_half(tmp_path: Path) -> None:
    config = light(tmp_path / "input") | {"tune": {"learning_rate": [1e-7, 3e-3], "halving": True}}
    config["baselines"]["cnn"]["tune"] = {"learning_rate": [1e-7, 1e-2]}
    run(
        tmp_path,
        config,
        "results/small/tuning/cnn.json",
        "--configfile",
        str(tmp_path / "experiment.yaml"),
    )
    folder = tmp_path / "results/small/tuning/cnn"
    trials = [trial.read(folder / f"learning_rate{r}/epoch2.json") for r in (1e-07, 1e-2)]
    better, worse = sorted(trials, key=lambda each: each.stopped)
    assert worse.stopped and len(worse.scores) == 1
    assert not better.stopped and len(better.scores) == 2
    assert worse.scores[0]["accuracy"] <= better.scores[0]["accuracy"]  # after the first epoch
    assert not list(folder.glob("*/state"))
