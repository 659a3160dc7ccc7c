"""What `finetone new` writes runs, without an edit."""

import json
from pathlib import Path

import pytest
import yaml

from finetone import cli
from tests.proposing import known_machine, write
from tests.tiny import write_bert, write_reviews
from tests.unit.proposal.test_proposal import CASES, write_case
from tests.workflow.dry import dry_run
from tests.workflow.snake import snakemake


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    known_machine(monkeypatch)


def proposed(folder: Path, *arguments: str) -> dict:
    """The configuration that the command writes in a folder."""
    assert cli.main(["new", *arguments, "--output", "own.yaml", "--force"]) == 0
    config: dict = yaml.safe_load((folder / "own.yaml").read_text("utf-8"))
    return config


@pytest.mark.parametrize("name", CASES)
def test_a_dry_run_passes(name: str, tmp_path: Path) -> None:
    write_case(name)
    config = proposed(tmp_path, name)
    rules = {job.rule for job in dry_run(tmp_path, config)}
    assert {"download_dataset", "finetune", "report"} <= rules


def test_a_dry_run_of_a_larger_one_passes(tmp_path: Path) -> None:
    part = ["train"] * 3000 + ["valid"] * 300 + ["test"] * 300
    labels = ["spam" if i % 20 == 0 else "ham" for i in range(3600)]
    config = proposed(tmp_path, write("a.csv", labels, "kind_of_label", part=part))
    assert config["datasets"]["own"]["splits"]["dev"] == "valid"
    assert {job.rule for job in dry_run(tmp_path, config)} >= {"finetune", "fit_temperature"}


@pytest.mark.slow
def test_a_file_becomes_a_report(tmp_path: Path) -> None:
    write_reviews(tmp_path / "reviews.csv", 120, 1)
    write_bert(tmp_path / "bert")
    config = proposed(tmp_path, "reviews.csv", "--models", "bert", "--offline")
    assert config["models"] == [{"bert": {"path": "bert"}}]
    done = snakemake(tmp_path, "--configfile", "own.yaml")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    results = json.loads((tmp_path / "results/own/results.json").read_text())
    assert results and (tmp_path / "results/own/report.html").is_file()
