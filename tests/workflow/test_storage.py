"""Without a shared file system: all results are in a storage, and jobs have copies of what they name.

The storage is a folder, by the plugin `fs`, which needs rsync. Jobs run here, as they would elsewhere.
"""

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.cluster.slurm import wait_for
from tests.tiny import experiment
from tests.workflow.snake import ROOT, snakemake

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not importlib.util.find_spec("snakemake_storage_plugin_fs") or not shutil.which("rsync"),
        reason="needs snakemake-storage-plugin-fs and rsync",
    ),
]
RUN = "results/small/runs/tiny/seed1"


def options(folder: Path) -> list[str]:
    found = [
        "--workflow-profile",
        str(ROOT / "profiles/storage"),
        "--default-storage-provider",
        "fs",
    ]
    return [*found, "--default-storage-prefix", str(folder / "store")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished experiment, whose training was interrupted and has gone on."""
    folder = tmp_path_factory.mktemp("storage")
    config = experiment(folder / "input")
    config |= {"seeds": [1], "transfer": [], "baselines": {"majority": {"kind": "majority"}}}
    del config["models"]["tiny-scratch"], config["datasets"]["books"]
    config["recipe"]["epochs"] = 40
    (folder / "experiment.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    state = folder / ".snakemake/storage/fs" / str(folder / "store").strip("/") / RUN / "state"
    with (folder / "out").open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "2",
             "--configfile", "experiment.yaml", *options(folder), "--retries", "0", "--", f"{RUN}/run.json"],
            cwd=folder, stdout=out, stderr=out, start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "FINETONE_SAVE_EVERY": "0.1"},
        )  # fmt: skip
    wait_for(lambda: list(state.glob("state-*.pt")) or process.poll() is not None, 200, "a state")
    assert process.poll() is None, (folder / "out").read_text()[-4000:]
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C: its jobs, too
    process.wait(60)
    done = snakemake(folder, *options(folder))
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


def test_everything_is_in_the_storage(folder: Path) -> None:
    stored = folder / "store/results/small"
    assert (stored / "report.html").exists() and (stored / "checkpoints").is_dir()
    assert (stored / "tables/ranking.csv").exists() and (stored / RUN.split("small/")[1]).is_dir()
    assert not (folder / "results").exists()
    again = snakemake(folder, *options(folder), "--dry-run")
    assert "Nothing to be done" in again.stdout + again.stderr


def test_an_interrupted_training_went_on(folder: Path) -> None:
    run = json.loads((folder / "store" / RUN / "run.json").read_text())
    assert run["resumed"] == 1


def test_the_page_names_no_place_of_a_job(folder: Path) -> None:
    stored = folder / "store/results/small"
    for page in (
        stored / "report.html",
        stored / "results.json",
        *stored.glob("checkpoints/*/*.md"),
    ):
        assert (
            ".snakemake" not in page.read_text() and str(folder / "store") not in page.read_text()
        )
    assert (
        "snakemake --cores 1 results/small/figures/methods.svg"
        in (stored / "report.html").read_text()
    )


def test_settings_that_change_are_noticed(folder: Path) -> None:
    """What is stored is not here to be looked at: Snakemake's own notes say what it was made with."""
    text = (folder / "experiment.yaml").read_text()
    other = folder / "other.yaml"
    other.write_text(text.replace("learning_rate: 0.003", "learning_rate: 0.004"))
    again = ["--dry-run", "--quiet", "rules", "--configfile", str(other)]
    done = snakemake(folder, *options(folder), *again)
    made = dict(re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, re.M))
    assert made["finetune"] == made["evaluate"] == made["report"] == "1"
    assert not {"tokenize", "download_model", "download_dataset"} & set(made)
