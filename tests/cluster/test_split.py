"""A run in parts: one model per invocation, or batches of a table's inputs; then the tables."""

from pathlib import Path

import pandas as pd
import pytest

from tests.tiny import experiment
from tests.workflow.snake import scheduled, snakemake

TABLE = "results/small/tables/runs.csv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    config = experiment(tmp_path / "input")
    config["seeds"] = [1]
    config["transfer"] = []
    config["baselines"] = {}
    del config["datasets"]["books"]
    done = snakemake(tmp_path, "--until", "tokenize", config=config)
    assert done.returncode == 0, done.stderr[-3000:]
    return tmp_path


def test_one_model_per_invocation_then_the_tables(folder: Path) -> None:
    """As machines do that share the folder: --nolock, for each makes files that no other makes."""
    for model in ("tiny", "tiny-scratch"):
        target = f"results/small/predictions/films/{model}/seed1.parquet"
        assert scheduled(folder, target) == {"finetune": 1, "evaluate": 1}
        done = snakemake(folder, "--nolock", "--", target)
        assert done.returncode == 0, done.stderr[-3000:]
    assert scheduled(folder, TABLE) == {"runs_table": 1}, "the aggregate trains nothing again"
    assert snakemake(folder, "--", TABLE).returncode == 0
    assert set(pd.read_csv(folder / TABLE)["method"]) == {"tiny", "tiny-scratch"}


def test_batches_share_the_models_among_them(folder: Path) -> None:
    jobs = []
    for part in ("1/2", "2/2"):
        done = snakemake(folder, "--dry-run", "--batch", f"runs_table={part}", "--", TABLE)
        assert done.returncode == 0, done.stderr[-3000:]
        lines = (done.stdout + done.stderr).splitlines()
        jobs.append({line.split(": ", 1)[1] for line in lines if ": Fine-tune " in line})
    assert jobs[0] == {"Fine-tune tiny on films, seed 1"} or jobs[0] == {
        "Fine-tune tiny-scratch on films, seed 1"
    }
    assert jobs[0] | jobs[1] == {
        f"Fine-tune {model} on films, seed 1" for model in ("tiny", "tiny-scratch")
    }
