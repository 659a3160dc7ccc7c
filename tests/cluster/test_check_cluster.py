"""What a cluster cannot do is said in one sentence, before anything is trained."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import ROOT, library_path
from tests.cluster.slurm import Cluster
from tests.tiny import experiment

CHECK = [sys.executable, "-m", "finetone", "cluster"]


def check(
    folder: Path,
    environment: dict[str, str],
    *arguments: str,
    before: tuple[str, ...] = (),
    resources: dict | None = None,
) -> tuple[int, str]:
    config = experiment(folder / "input") | {"resources": resources or {}}
    (folder / "experiment.yaml").write_text(yaml.safe_dump(config))
    done = subprocess.run(
        [*before, *CHECK, "--configfile", "experiment.yaml", "--snakefile", str(ROOT / "Snakefile"), *arguments],
        cwd=folder, env={**environment, "PYTHONPATH": library_path()}, text=True, capture_output=True, timeout=100,
    )  # fmt: skip
    output = done.stdout + done.stderr
    assert len(output.splitlines()) == 1, output
    return done.returncode, output


def test_a_cluster_that_fits_is_told_so(cluster: Cluster, tmp_path: Path) -> None:
    code, said = check(tmp_path, cluster.environment)
    assert (
        code == 0
        and re.search(r"takes all [1-9]\d* kinds", said)
        and "64000 MB and 1 GPU, and jobs run 1440 min" in said
    )
    assert not list((tmp_path / "results").iterdir()), "it leaves nothing behind"


@pytest.mark.parametrize(
    ("step", "amounts", "expected"),
    [
        ("finetune", {"gpu": 2}, ["resources.finetune.gpu: 2 is more", "64000 MB and 1 GPU"]),
        ("speed", {"mem_mb": 64001}, ["resources.speed.mem_mb: 64001", "slurm_partition"]),
        ("tokenize", {"runtime": 1441}, ["tokenize.runtime: 1441", "jobs run 1440 minutes"]),
        ("embed", {"threads": 17}, ["resources.embed.threads: 17", "gives 16 threads"]),
    ],
)  # fmt: skip
def test_what_no_node_gives(
    cluster: Cluster, tmp_path: Path, step: str, amounts: dict, expected: list[str]
) -> None:
    code, said = check(tmp_path, cluster.environment, resources={step: amounts})
    assert code == 1, said
    for words in expected:
        assert words in said


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ("slurm_partition=nope", ["'nope' does not exist", "has main"]),
        ("constraint=fast", ["cannot run a job of", "Invalid feature specification", "gives 16 threads"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_profile(
    cluster: Cluster, tmp_path: Path, edit: str, expected: list[str]
) -> None:
    profile = (ROOT / "profiles/slurm/config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(
        profile.replace("default-resources:\n", f"default-resources:\n  - {edit}\n")
    )
    code, said = check(tmp_path, cluster.environment, "--workflow-profile", ".")
    assert code == 1, said
    for words in expected:
        assert words in said


def test_later_attempts_are_asked_about_too(cluster: Cluster, tmp_path: Path) -> None:
    """What the profile itself sets is not capped, and grows with each attempt."""
    profile = (ROOT / "profiles/slurm/config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(f"{profile}  - speed:mem_mb=25000*attempt\n")
    code, said = check(tmp_path, cluster.environment, "--workflow-profile", ".")
    assert code == 1 and "75000 MB" in said and "not available" in said


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
