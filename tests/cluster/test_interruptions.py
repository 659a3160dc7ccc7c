"""What clusters do to jobs: cancel, requeue, lose a node, kill the controller; nothing is lost."""

import copy
import json
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.cluster.conftest import Controller
from tests.cluster.slurm import Cluster, wait_for
from tests.tiny import experiment, write_reviews
from tests.workflow.snake import snakemake

RUN = "results/small/runs/tiny/seed1"
PREDICTIONS = "results/small/predictions/films/tiny/seed1.parquet"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """Everything up to the tokens of an experiment whose training lasts some seconds."""
    folder = tmp_path_factory.mktemp("tokens")
    config = experiment(folder / "input")
    del config["models"]["tiny-scratch"]
    config["recipe"]["epochs"] = 3
    write_reviews(Path(config["datasets"]["films"]["file"]["train"]), 1600, 1)
    done = snakemake(folder, "--until", "tokenize", config=config)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder, config


@pytest.fixture(scope="module")
def uninterrupted(tokens: tuple[Path, dict], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run, without Slurm and without any interruption."""
    folder = tmp_path_factory.mktemp("uninterrupted") / "run"
    shutil.copytree(tokens[0], folder)
    done = snakemake(folder, "--max-threads", "1", "--notemp", "--", PREDICTIONS)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


@pytest.fixture
def controller(cluster: Cluster, tokens: tuple[Path, dict], tmp_path: Path) -> Controller:
    folder = tmp_path / "run"
    shutil.copytree(tokens[0], folder)
    return Controller(cluster, folder, copy.deepcopy(tokens[1]))


def in_mid_training(controller: Controller, seed: int = 1) -> str:
    """Wait until the run has saved itself; the id of its Slurm job."""
    state = controller.results / f"runs/tiny/seed{seed}/state"
    wait_for(
        lambda: list(state.glob("state-*.pt")),
        120,
        f"saved state\n{controller.output()}",
        every=0.05,
    )
    (job,) = [job for job in controller.cluster.jobs("running") if "finetune" in job["comment"]]
    return job["id"]


def assert_same(one: Path, other: Path) -> None:
    """Weights, history (but for the clock) and, where made, predictions are equal bit for bit."""
    history = [
        pd.read_parquet(f / RUN / "history.parquet").drop(columns="seconds") for f in (one, other)
    ]
    pd.testing.assert_frame_equal(*history, check_exact=True)
    weights = [(f / RUN / "checkpoint/model.safetensors").read_bytes() for f in (one, other)]
    assert weights[0] == weights[1]
    if (one / PREDICTIONS).exists():
        predictions = [pd.read_parquet(f / PREDICTIONS) for f in (one, other)]
        logits = [p.pop("logits").map(list) for p in predictions]
        pd.testing.assert_frame_equal(*predictions, check_exact=True)
        assert logits[0].equals(logits[1])


def resumed(controller: Controller) -> int:
    return json.loads((controller.folder / RUN / "run.json").read_text())["resumed"]


def test_a_cancelled_job_is_reported_and_the_next_call_goes_on(
    controller: Controller, uninterrupted: Path
) -> None:
    process = controller.start("--retries", "0", "--", PREDICTIONS)
    controller.cluster.ask("scancel", in_mid_training(controller))
    code, output = controller.finish(process)
    assert code != 0 and "CANCELLED" in output
    assert not (controller.folder / RUN / "run.json").exists()

    code, output = controller.run("--", PREDICTIONS)
    assert code == 0, output[-4000:]
    assert resumed(controller) == 1
    assert_same(controller.folder, uninterrupted)


def requeue(cluster: Cluster, job: str) -> None:
    cluster.ask("scontrol", "requeue", job)


def lose_the_node(cluster: Cluster, job: str) -> None:
    cluster.ask("scontrol", "update", "nodename=n1", "state=down", "reason=test")
    wait_for(
        lambda: cluster.job(job)["JobState"] != "RUNNING", 30, "the job to leave the lost node"
    )
    cluster.ask("scontrol", "update", "nodename=n1", "state=resume")


@pytest.mark.parametrize("strike", [requeue, lose_the_node])
def test_a_preempted_job_resumes_by_itself(
    controller: Controller, uninterrupted: Path, strike: Callable[[Cluster, str], None]
) -> None:
    process = controller.start("--retries", "0", "--", f"{RUN}/run.json")
    job = in_mid_training(controller)
    strike(controller.cluster, job)
    code, output = controller.finish(process)
    assert code == 0, output[-4000:]
    assert controller.cluster.job(job)["Restarts"] == "1", "the very same job ran again"
    assert resumed(controller) == 1
    assert_same(controller.folder, uninterrupted)
    assert attempts(controller) == [("1", job), ("2", job)]


def attempts(controller: Controller) -> list[tuple[str, str]]:
    """Number and Slurm job of every attempt in the log of the training."""
    log = (controller.results / "logs/finetune/tiny-seed1.log").read_text()
    return re.findall(r"^==== attempt (\d+), .*, host \S+, Slurm job (\d+)$", log, re.M)


def test_a_step_repeated_with_its_job_keeps_its_first_log(controller: Controller) -> None:
    """Training ended well, its job was requeued in the evaluation; the next run begins a new log."""
    process = controller.start("--retries", "0", "--", PREDICTIONS)
    job = in_mid_training(controller)
    evaluation = controller.results / "logs/evaluate/tiny-seed1.log"
    wait_for(evaluation.exists, 120, "the evaluation", every=0.05)
    requeue(controller.cluster, job)
    code, output = controller.finish(process)
    assert code == 0, output[-4000:]
    assert attempts(controller) == [("1", job), ("2", job)]
    code, output = controller.run("--forcerun", "finetune", "--", f"{RUN}/run.json")
    assert code == 0, output[-4000:]
    assert [attempt for attempt, _ in attempts(controller)] == ["1"]


def test_a_killed_controller_loses_nothing_and_repeats_nothing(
    controller: Controller, uninterrupted: Path
) -> None:
    """Its job goes on without it; the next call sees that work done and does the rest."""
    targets = [f"results/small/runs/tiny/seed{seed}/run.json" for seed in (1, 2)]
    process = controller.start("--", targets[0])
    in_mid_training(controller)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not controller.cluster.jobs("running,completing"), 120, "the orphan to end")
    assert_same(controller.folder, uninterrupted)
    before = (controller.folder / targets[0]).stat().st_mtime_ns

    assert controller.run("--unlock")[0] == 0
    code, output = controller.run("--rerun-incomplete", "--", *targets)
    assert code == 0, output[-4000:]
    assert fine_tuned(output) == ["seed 2"]
    assert (controller.folder / targets[0]).stat().st_mtime_ns == before


def fine_tuned(output: str) -> list[str]:
    return sorted(
        {line.rsplit(", ", 1)[1] for line in output.splitlines() if ": Fine-tune tiny" in line}
    )


def test_an_error_of_the_user_says_why_and_is_not_sent_again(
    controller: Controller, tokens: tuple[Path, dict]
) -> None:
    config = copy.deepcopy(tokens[1])
    config["recipe"]["learning_rate"] = 1e30
    controller.configure(config)
    code, output = controller.run("--retries", "1", "--", f"{RUN}/run.json")
    assert code != 0
    assert "the loss is not finite; lower recipe: learning_rate" in output
    assert "slurm_logs" in output, "and where Slurm's own log lies"
    assert [job["TimeLimit"] for job in controller.jobs()] == ["00:03:00"]
