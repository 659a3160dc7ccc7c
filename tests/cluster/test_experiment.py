"""The small experiment from download to report through Slurm, with the shipped profile."""

import itertools
import re
from datetime import datetime

import pandas as pd
import pytest

from tests.cluster.conftest import Controller
from tests.cluster.slurm import Cluster
from tests.tiny import experiment

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> tuple[Controller, list]:
    folder = tmp_path_factory.mktemp("experiment")
    config = experiment(folder / "input")
    del config["models"]["tiny-scratch"]
    config["baselines"] = {"tfidf": {"kind": "tfidf"}}
    controller = Controller(cluster, folder, config)
    code, output = controller.run()
    assert code == 0, output[-6000:]
    return controller, controller.jobs()


def test_everything_is_made(finished: tuple[Controller, list]) -> None:
    controller, _ = finished
    runs = pd.read_csv(controller.results / "tables/runs.csv")
    assert set(runs["method"]) == {"tiny", "tfidf"} and set(runs["dataset"]) == {"films", "books"}
    assert (controller.results / "report.html").stat().st_size > 10_000
    assert not list(controller.results.rglob("epochs")), "early epochs are temporary"
    assert not list(controller.results.rglob("state"))
    code, output = controller.run("--dry-run")
    assert code == 0 and "Nothing to be done" in output


def test_each_model_and_seed_queued_once_and_light_rules_never(
    finished: tuple[Controller, list],
) -> None:
    """Slurm saw five jobs: tokens, baseline, speed and one for each seed; the rest ran here."""
    jobs = finished[1]
    assert sorted(job["comment"].split("_wildcards_")[0] for job in jobs) == [
        "rule_baseline_fit_baseline_predict_baseline",
        "rule_model_evaluate_finetune_transfer",
        "rule_model_evaluate_finetune_transfer",
        "rule_speed",
        "rule_tokenize_tokenize",
    ]
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}


def test_jobs_ask_for_what_the_experiment_takes(finished: tuple[Controller, list]) -> None:
    """Steps of a job run one after the other: the largest memory, one GPU, the sum of the times."""
    asked = {job["comment"].split("_")[1]: job for job in finished[1]}
    model, tokens = asked["model"], asked["tokenize"]
    assert memory(tokens) < 2000 < memory(model) < 4000  # of which 2,147 MB are for CUDA
    assert model["TresPerJob"] == "gres:gpu:1" and "TresPerJob" not in tokens
    assert model["TimeLimit"] == "00:09:00" and tokens["TimeLimit"] in ("00:06:00", "00:09:00")


def memory(job: dict[str, str]) -> int:
    return int(re.search(r"mem=(\d+)M", job["TRES"])[1])


def test_two_jobs_never_hold_the_one_gpu_together(finished: tuple[Controller, list]) -> None:
    held = sorted(
        (datetime.fromisoformat(job["StartTime"]), datetime.fromisoformat(job["EndTime"]))
        for job in finished[1]
        if "gpu" in job.get("TresPerJob", "")
    )
    assert len(held) == 3
    for (_, ended), (began, _) in itertools.pairwise(held):
        assert began >= ended


def test_the_plugins_own_pauses_end(finished: tuple[Controller, list]) -> None:
    """Every other test asks Slurm each second; this one waits as users do."""
    controller, _ = finished
    target = controller.results / "speed/rounds.json"
    target.unlink()
    code, output = controller.run("--", "results/small/speed/rounds.json", polling=False)
    assert code == 0, output[-4000:]
    assert target.exists()
