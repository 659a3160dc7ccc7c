"""The demo, cut down in rows, from the download of its wheels to the report through Slurm."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.cluster.conftest import Controller
from tests.cluster.slurm import Cluster
from tests.workflow.snake import ROOT

pytestmark = pytest.mark.slow


def test_the_demo_runs_through_slurm(cluster: Cluster, tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / "config/demo.yaml").read_text())
    config["seeds"] = [1]
    config["recipe"] |= {"epochs": 2}
    config["compare"] = {"resamples": 200}
    config["datasets"]["movies"]["sample"] = {"train": 64, "test": 64}
    config["datasets"]["products"]["sample"] = {"test": 48}
    for network in ("bilstm", "textcnn"):
        config["baselines"][network]["epochs"] = 1
    controller = Controller(cluster, tmp_path, config)
    code, output = controller.run()
    assert code == 0, output[-6000:]
    results = tmp_path / "results/demo"
    ranking = pd.read_csv(results / "tables/ranking.csv")
    methods = {*config["models"], *config["baselines"]}
    assert set(ranking["method"]) == methods and set(ranking["n"]) == {64, 48}
    assert (results / "report.html").stat().st_size > 10_000
    assert {job["JobState"] for job in controller.jobs()} == {"COMPLETED"}
