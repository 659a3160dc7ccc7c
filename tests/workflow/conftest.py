import copy
import os
import shutil

import pytest
import yaml
from filelock import FileLock

from tests.tiny import experiment
from tests.workflow.snake import snakemake


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The small experiment, run once from beginning to end for all workers: (folder, config).

    By a user who shares with a group, whose files other members may change.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "small"
    done = folder / "done.yaml"
    with FileLock(f"{folder}.lock"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed
            config = experiment(folder / "input")
            run = snakemake(folder, config=config, umask=0o002)
            assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-6000:]
            done.write_text(yaml.safe_dump(config, sort_keys=False))
    return folder, yaml.safe_load(done.read_text())


@pytest.fixture
def again(finished, tmp_path):
    """A copy of the finished experiment to disturb, with times and Snakemake's records kept."""
    folder, config = finished
    copied = tmp_path / "copy"
    shutil.copytree(folder, copied, symlinks=True)
    return copied, copy.deepcopy(config)
