"""What a cluster cannot do is said in one sentence, before anything is trained."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import library_path
from tests.cluster.slurm import Cluster

CHECK = [sys.executable, "-m", "finetone", "cluster"]


def check(
    folder: Path, environment: dict[str, str], *arguments: str, before: tuple[str, ...] = ()
) -> tuple[int, str]:
    done = subprocess.run(
        [*before, *CHECK, "--results", str(folder / "results"), *arguments],
        cwd=folder, env={**environment, "PYTHONPATH": library_path()}, text=True, capture_output=True, timeout=100,
    )  # fmt: skip
    output = done.stdout + done.stderr
    assert len(output.splitlines()) == 1, output
    return done.returncode, output


def test_a_cluster_that_fits_is_told_so(cluster: Cluster, tmp_path: Path) -> None:
    code, said = check(tmp_path, cluster.environment, "--partition", "main")
    assert code == 0 and "the largest job fits" in said
    assert not list((tmp_path / "results").iterdir()), "it leaves nothing behind"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--partition", "nope"], ["'nope' does not exist", "has main"]),
        (["--gpu", "2"], ["cannot run a job of 2 GPU", "Requested node configuration is not available"]),
        (["--mem-mb", "64001"], ["64001 MB", "change the profile"]),
        (["--runtime", "1441"], ["lets a job run 1440 minutes, not 1441"]),
    ],
)  # fmt: skip
def test_what_the_cluster_cannot_give(
    cluster: Cluster, tmp_path: Path, arguments: list[str], expected: list[str]
) -> None:
    code, said = check(tmp_path, cluster.environment, *arguments)
    assert code == 1
    for words in expected:
        assert words in said


@pytest.mark.skipif(os.geteuid() != 0, reason="a folder of our own needs the right to mount")
def test_a_results_folder_that_nodes_cannot_see(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    private = (
        "unshare",
        "--mount",
        "sh",
        "-c",
        f'mount -t tmpfs none {tmp_path}/results && exec "$@"',
        "sh",
    )
    if subprocess.run([*private, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount")
    code, said = check(tmp_path, cluster.environment, before=private)
    assert code == 1 and f"{tmp_path}/results is not the same folder on the compute nodes" in said


def test_jobs_left_by_a_dead_controller_are_named(cluster: Cluster, tmp_path: Path) -> None:
    job = cluster.ask(
        "sbatch", "--parsable", "-D", str(tmp_path), "-o", "/dev/null", "--wrap", "sleep 60"
    )
    code, said = check(tmp_path, cluster.environment)
    assert code == 1 and f"scancel {job.strip()}" in said
