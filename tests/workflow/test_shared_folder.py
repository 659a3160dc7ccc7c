"""A folder that a group shares: another member reads, changes and goes on."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.tiny import of_baselines
from tests.workflow.snake import ROOT

USER, GROUP = 12345, 23456
# Python itself may be where only root reads; what the member may write is what is tested.
READING = [
    f"--{kind}=-all,+dac_read_search" for kind in ("inh-caps", "ambient-caps", "bounding-set")
]
AS_MEMBER = ["setpriv", f"--reuid={USER}", f"--regid={GROUP}", "--clear-groups", *READING]
RUN = "results/small/runs/words/seed0/run.json"


def can_be_another() -> bool:
    """Whether this process may start one of another user."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        return False
    return subprocess.run([*AS_MEMBER, sys.executable, "-c", ""], check=False).returncode == 0


as_member = pytest.mark.skipif(not can_be_another(), reason="only root can act as another user")


def snakemake(folder: Path, *arguments: str, member: bool, umask: int = 0o002):
    """The finished process of `snakemake` in `folder`, called by its owner or another member."""
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "1"]
    command += ["--configfile", "experiment.yaml", *arguments]
    own = {"HOME": str(folder.parent / "home"), "LOGNAME": "member"} if member else {}
    return subprocess.run(
        [*(AS_MEMBER if member else []), *command], cwd=folder, env={**os.environ, **own},
        umask=umask, text=True, capture_output=True, timeout=600,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What two members are to share: an experiment of baselines, of which nothing was made."""
    shared = tmp_path / "shared"
    shared.mkdir()
    home = tmp_path / "home"  # of the member
    home.mkdir()
    if os.geteuid() == 0:
        os.chown(home, USER, GROUP)
        os.chown(shared, -1, GROUP)
    (shared / "experiment.yaml").write_text(yaml.safe_dump(of_baselines(shared), sort_keys=False))
    shared.chmod(0o2775)
    return shared


def test_no_artifact_is_for_its_owner_alone(finished) -> None:
    """Under umask 002 all that a whole run leaves may be changed by the group, read by all."""
    folder, _ = finished
    made = [folder / "results", *(folder / "results").rglob("*")]
    assert len(made) > 250
    for path in made:
        wanted = 0o775 if path.is_dir() else 0o664
        assert path.stat().st_mode & 0o777 == wanted, path
    weights = {path.name for path in made if path.suffix in (".safetensors", ".npz", ".arrow")}
    assert {"model.safetensors", "tiny.arrow"} <= weights
    records = [path for path in folder.glob(".snakemake/metadata/**/*") if path.is_file()]
    assert records and all(path.stat().st_mode & 0o060 == 0o060 for path in records)


@as_member
def test_another_member_goes_on_and_unlocks(folder: Path) -> None:
    done = snakemake(folder, "--", "results/small/audit/films.json", member=False)
    assert done.returncode == 0, done.stderr
    # what a killed run of the first leaves
    before = os.umask(0o002)
    (folder / ".snakemake/locks").mkdir(exist_ok=True)
    (folder / ".snakemake/locks/0.output.lock").write_text(RUN + "\n")
    os.umask(before)
    locked = snakemake(folder, "--", RUN, member=True)
    assert locked.returncode == 1 and "Directory cannot be locked" in locked.stderr
    unlocked = snakemake(folder, "--unlock", member=True)
    assert unlocked.returncode == 0, unlocked.stderr
    done = snakemake(folder, "--", RUN, member=True)
    assert done.returncode == 0, done.stderr
    assert (folder / RUN).stat().st_uid == USER
    # and the first again, over what the member made
    done = snakemake(folder, "--force", "--", RUN, member=False)
    assert done.returncode == 0, done.stderr
    assert (folder / RUN).stat().st_uid == 0


@as_member
def test_a_folder_that_is_not_shared_is_refused_in_a_sentence(folder: Path) -> None:
    folder.chmod(0o755)
    done = snakemake(folder, "--", "results/small/audit/films.json", member=False, umask=0o022)
    assert done.returncode == 0, done.stderr
    refused = snakemake(folder, "--", RUN, member=True)
    assert refused.returncode == 1 and "Traceback" not in refused.stderr
    assert ".snakemake: cannot be written (no permission" in refused.stderr
    assert "g+rwx by its owner" in refused.stderr
