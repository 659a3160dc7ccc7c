"""What `finetone cluster` says, with programs in Slurm's place (tests/cluster has a real Slurm)."""

from pathlib import Path

import pytest

from finetone import cli
from finetone.commands import cluster
from finetone.errors import UserError

FITS = {
    "sinfo": """case "$*" in *%l*) echo "main* 1-00:00:00";; *) echo "main*";; esac""",
    "sbatch": "true",
    "srun": """while [ "$1" != sh ]; do shift; done; exec "$@" """,
    "squeue": "true",
    "scancel": "true",
    "scontrol": "true",
}


class Programs:
    """A folder of programs, which are all there is on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name, script in FITS.items():
            self.put(name, script)

    def put(self, name: str, script: str) -> None:
        (self.folder / name).write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        (self.folder / name).chmod(0o755)


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return Programs(tmp_path / "bin")


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = cli.main(["cluster", *arguments])
    out, err = capsys.readouterr()
    assert len((out + err).splitlines()) == 1, out + err
    return code, out + err


def test_a_cluster_that_fits(
    slurm: Programs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = check(capsys, "--partition", "main")
    assert code == 0 and "the largest job fits" in said
    assert not list((tmp_path / "results").iterdir())


@pytest.mark.parametrize(
    ("program", "script", "arguments", "words"),
    [
        ("sinfo", "echo 'cannot contact slurmctld' >&2; exit 1", [], "sinfo failed: cannot contact"),
        ("sinfo", FITS["sinfo"], ["--partition", "nope"], "'nope' does not exist; this cluster has main"),
        ("sbatch", "echo 'not available' >&2; exit 1", ["--gpu", "2"],
         "the default partition cannot run a job of 2 GPU, 4 threads and 12400 MB (sbatch failed: not available); see"),
        ("sinfo", FITS["sinfo"], ["--runtime", "1441"], "lets a job run 1440 minutes, not 1441: lower `runtime`"),
        ("srun", "exit 1", [], "{folder}/results is not the same folder on the compute nodes: put it"),
        ("squeue", "echo 7 {folder}; echo 8 /elsewhere", [], "{folder}: wait until they end, or scancel 7"),
        ("sinfo", FITS["sinfo"], ["--results", "bin/sinfo"], "--results {folder}/bin/sinfo: File exists; give one"),
    ],
)  # fmt: skip
def test_what_would_fail_hours_later_is_one_sentence(
    slurm: Programs, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    program: str, script: str, arguments: list[str], words: str,
) -> None:  # fmt: skip
    slurm.put(program, script.replace("{folder}", str(tmp_path)))
    code, said = check(capsys, *arguments)
    assert code == 1 and words.replace("{folder}", str(tmp_path)) in said


def test_a_controller_that_does_not_answer(slurm: Programs) -> None:
    slurm.put("squeue", "exec sleep 20")
    with pytest.raises(UserError, match="^squeue did not answer within 0 s: is slurmctld up"):
        cluster.ask("squeue", seconds=0.2)


def test_no_slurm_at_all(slurm: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    (slurm.folder / "sbatch").unlink()
    code, said = check(capsys)
    assert code == 1 and "sbatch not found on PATH: run snakemake where jobs are submitted" in said
