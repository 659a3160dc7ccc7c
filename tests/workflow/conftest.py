import copy
import shutil

import pytest

from tests.tiny import experiment
from tests.workflow.snake import snakemake


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The small experiment, run once from beginning to end: (folder, config)."""
    folder = tmp_path_factory.mktemp("small")
    config = experiment(folder / "input")
    done = snakemake(folder, config=config)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return folder, config


@pytest.fixture
def again(finished, tmp_path):
    """A copy of the finished experiment to disturb, with times and Snakemake's records kept."""
    folder, config = finished
    copied = tmp_path / "copy"
    shutil.copytree(folder, copied, symlinks=True)
    return copied, copy.deepcopy(config)
