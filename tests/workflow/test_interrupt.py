"""Ctrl-C, a scheduler's SIGTERM, a retry: one line on the terminal, every attempt in the log."""

import copy
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from tests.tiny import experiment
from tests.workflow.snake import ROOT, snakemake

TARGET = "results/small/runs/tiny/seed1/run.json"
LOG = "results/small/logs/finetune/tiny-seed1.log"


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """One model and what its training reads."""
    folder = tmp_path_factory.mktemp("tokens")
    config = experiment(folder / "input")
    del config["models"]["tiny-scratch"]
    config |= {"baselines": {}, "transfer": [], "seeds": [1]}
    done = snakemake(folder, "--until", "tokenize", config=config)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder, config


@pytest.fixture
def folder(tokens: tuple[Path, dict], tmp_path: Path) -> Path:
    return Path(shutil.copytree(tokens[0], tmp_path / "run"))


def configure(folder: Path, config: dict, **recipe: float) -> None:
    config = copy.deepcopy(config)
    config["recipe"] |= recipe
    (folder / "experiment.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def in_mid_training(folder: Path) -> subprocess.Popen[str]:
    """Snakemake in a process group of its own, its job training."""
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "1",
         "--show-failed-logs", "--configfile", "experiment.yaml", "--", TARGET],
        cwd=folder, env={**os.environ, "OMP_NUM_THREADS": "1"}, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    log, end = folder / LOG, time.monotonic() + 120
    while not (log.exists() and "tokens/s" in log.read_text()):
        if process.poll() is not None or time.monotonic() > end:
            os.killpg(process.pid, signal.SIGKILL)
            pytest.fail(process.communicate()[1])
        time.sleep(0.05)
    return process


def strike(process: subprocess.Popen[str], number: int) -> None:
    """As a terminal does with SIGINT, and a scheduler with SIGTERM."""
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        for child in psutil.Process(process.pid).children(recursive=True):
            if ".snakemake/scripts" in " ".join(child.cmdline()):
                child.send_signal(number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_job_says_so_in_one_line(
    tokens: tuple[Path, dict], folder: Path, number: int
) -> None:
    configure(folder, tokens[1], epochs=2000)
    process = in_mid_training(folder)
    strike(process, number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode not in (0, None)
    assert said.count("finetone: interrupted; run again to go on\n") == 1, said
    assert "Traceback" not in said and "KeyboardInterrupt" not in said
    assert (folder / LOG).read_text().rstrip().endswith("interrupted; run again to go on")
    assert not (folder / TARGET).exists()


@pytest.mark.slow
def test_every_attempt_stays_in_the_log_until_one_has_ended_well(
    tokens: tuple[Path, dict], folder: Path
) -> None:
    """Killed, then a failure that no retry would mend, then success; what is made anew begins a new log."""
    configure(folder, tokens[1], epochs=2000)
    process = in_mid_training(folder)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    snakemake(folder, "--unlock")

    configure(folder, tokens[1], learning_rate=1e30)
    done = snakemake(folder, "--retries", "1", "--rerun-incomplete", "--", TARGET)
    assert done.returncode != 0 and "lower recipe: learning_rate" in done.stderr
    log = (folder / LOG).read_text()
    assert headers(log) == ["1", "2"]
    assert log.count("tokens/s") >= 1, "the killed one"
    assert log.count("the loss is not finite; lower") == 1, "the failed one"

    configure(folder, tokens[1])
    assert snakemake(folder, "--", TARGET).returncode == 0
    assert headers((folder / LOG).read_text()) == ["1", "2", "3"]
    assert not list((folder / LOG).parent.glob(".*")), "nothing beside it"

    assert snakemake(folder, "--forcerun", "finetune", "--", TARGET).returncode == 0
    assert headers((folder / LOG).read_text()) == ["1"]


def headers(log: str) -> list[str]:
    lines = [line for line in log.splitlines() if line.startswith("==== attempt ")]
    assert all(", host " in line for line in lines)
    return [line.removeprefix("==== attempt ").split(",")[0] for line in lines]
