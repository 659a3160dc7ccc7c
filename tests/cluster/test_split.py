"""A run in parts: one model per invocation, or batches of a table's inputs; then the tables."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from tests.tiny import experiment
from tests.workflow.dry import scheduled
from tests.workflow.snake import snakemake

TABLE = "results/small/tables/runs.csv"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("split")
    config = experiment(folder / "input")
    config["seeds"] = [1]
    config["transfer"] = []
    config["baselines"] = {}
    del config["datasets"]["books"]
    done = snakemake(folder, "--until", "tokenize", config=config)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture
def folder(tokens: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tokens, tmp_path / "copy"))


def test_one_model_per_invocation_then_the_tables(folder: Path) -> None:
    """At the same time, as on machines that share the folder; the aggregate trains nothing again."""
    targets = [
        f"results/small/predictions/films/{m}/seed1.parquet" for m in ("tiny", "tiny-scratch")
    ]
    for target in targets:
        assert scheduled(folder, target) == {"finetune": 1, "evaluate": 1}
    with ThreadPoolExecutor() as machines:
        for done in machines.map(
            lambda target: snakemake(folder, "--cores", "1", "--", target), targets
        ):
            assert done.returncode == 0, done.stdout + done.stderr
    assert scheduled(folder, TABLE) == {"runs_table": 1}
    done = snakemake(folder, "--", TABLE)
    assert done.returncode == 0, done.stderr
    assert set(pd.read_csv(folder / TABLE)["method"]) == {"tiny", "tiny-scratch"}


def test_batches_share_the_models_among_them(folder: Path) -> None:
    first = snakemake(folder, "--batch", "runs_table=1/2", "--", TABLE)
    assert first.returncode == 0, first.stdout + first.stderr
    runs = folder / "results/small/runs"
    assert len(list(runs.glob("*/seed1/run.json"))) == 1 and not (folder / TABLE).exists()
    assert scheduled(folder, TABLE) == {"finetune": 1, "evaluate": 1, "runs_table": 1}
    last = snakemake(folder, "--batch", "runs_table=2/2", "--", TABLE)
    assert last.returncode == 0, last.stdout + last.stderr
    assert set(pd.read_csv(folder / TABLE)["method"]) == {"tiny", "tiny-scratch"}
