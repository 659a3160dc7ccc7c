"""The demo, cut down in rows, from its wheels to the report, through a Slurm of small nodes."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests import library_path
from tests.cluster.conftest import Controller
from tests.cluster.slurm import Cluster, missing
from tests.workflow.snake import ROOT

pytestmark = pytest.mark.slow

MEMORY = 2000  # MB of each of two nodes, which have no GPU


@pytest.fixture
def small() -> Iterator[Cluster]:
    if missing():
        pytest.skip("no Slurm here")
    with Cluster(memory=MEMORY, gpus=0) as running:
        yield running


def test_the_demo_runs_through_small_nodes_without_an_edit(small: Cluster, tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / "config/demo.yaml").read_text())
    config["seeds"] = [1]
    config["recipe"] |= {"epochs": 2}
    config["compare"] = {"resamples": 200}
    config["datasets"]["movies"]["sample"] = {"train": 64, "test": 64}
    config["datasets"]["products"]["sample"] = {"test": 48}
    for network in ("bilstm", "textcnn"):
        config["baselines"][network]["epochs"] = 1
    controller = Controller(small, tmp_path, config)
    command = [sys.executable, "-m", "finetone", "cluster", "--configfile", "experiment.yaml"]
    command += ["--snakefile", str(ROOT / "Snakefile")]
    environment = {**small.environment, "PYTHONPATH": library_path()}
    asked = subprocess.run(command, cwd=tmp_path, env=environment, text=True, capture_output=True)
    assert asked.returncode == 0, asked.stderr
    assert f"gives 16 threads, {MEMORY} MB and no GPU" in asked.stdout

    code, output = controller.run()
    assert code == 0, output[-6000:]
    results = tmp_path / "results/demo"
    ranking = pd.read_csv(results / "tables/ranking.csv")
    methods = {*config["models"], *config["baselines"], "minilm-l6-probe"}
    assert set(ranking["method"]) == methods and set(ranking["n"]) == {64, 48}
    assert (results / "report.html").stat().st_size > 10_000
    jobs = controller.jobs()
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    memory = [int(re.search(r"mem=(\d+)M", job["TRES"])[1]) for job in jobs]
    assert max(memory) < MEMORY, "its models are known by now, and none needs a whole node"
    assert all(re.fullmatch("00:[0-3].:00", job["TimeLimit"]) for job in jobs), "minutes"
