"""What `finetone cluster` says, with programs in Slurm's place (tests/cluster has a real Slurm)."""

from pathlib import Path

import pytest
import yaml

from finetone import cli
from finetone.commands import cluster
from finetone.errors import UserError
from finetone.scheduling.nodes import Node, Nodes
from tests.unit.scheduling.test_sizes import CONFIG

FITS = {
    "sinfo": "echo 'main*|1-00:00:00|16|20000|gpu:1'",
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
    slurm: Programs,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", f"{slurm.folder}:/usr/bin:/bin")  # Snakemake wants some
    slurm.put("sbatch", f"echo $* >> {tmp_path}/asked")
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(CONFIG))
    code, said = check(capsys, "--configfile", "experiment.yaml")
    asked = (tmp_path / "asked").read_text().splitlines()
    assert code == 0 and f"takes all {len(asked)} kinds of request" in said
    assert "--mem=20000" in (words := " ".join(asked)) and "-task=4" in words, (
        "a third attempt has no more than there is"
    )
    assert not list((tmp_path / "results").iterdir())


@pytest.mark.parametrize(
    ("program", "script", "results", "words"),
    [
        ("srun", "exit 1", "results", "{folder}/results is not the same folder on the compute nodes: put it"),
        ("squeue", "echo 7 {folder}; echo 8 /elsewhere", "results", "{folder}: wait until they end, or scancel 7"),
        ("squeue", "true", "bin/sinfo", "pathvars.results {folder}/bin/sinfo: File exists; name one"),
    ],
)  # fmt: skip
def test_what_would_fail_hours_later_is_one_sentence(
    slurm: Programs, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    program: str, script: str, results: str, words: str,
) -> None:  # fmt: skip
    nodes = Nodes("here", (Node(0, 2000, 2),))
    monkeypatch.setattr(cluster, "look", lambda options: (nodes, [{"mem_mb": 1}], Path(results)))
    slurm.put(program, script.replace("{folder}", str(tmp_path)))
    code, said = check(capsys)
    assert code == 1 and words.replace("{folder}", str(tmp_path)) in said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no config.yaml in it"),
        ("default-resources: [mem_mb]", "not understood, correct it"),
        ("nonsense: 3", "unrecognized arguments: --nonsense=3"),
    ],
)
def test_a_profile_that_is_none(tmp_path: Path, content: str | None, words: str) -> None:
    if content:
        (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(UserError, match=words):
        cluster.read_profile(tmp_path)


def test_a_controller_that_does_not_answer(slurm: Programs) -> None:
    slurm.put("squeue", "exec sleep 20")
    with pytest.raises(UserError, match="^squeue did not answer within 0 s: is slurmctld up"):
        cluster.ask("squeue", seconds=0.2)


def test_no_slurm_at_all(slurm: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    (slurm.folder / "sbatch").unlink()
    code, said = check(capsys)
    assert code == 1 and "sbatch not found on PATH: run snakemake where jobs are submitted" in said
