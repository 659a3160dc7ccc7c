"""The cluster of this session, and Snakemake on it as a user would call it."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests import ROOT
from tests.cluster.slurm import Cluster, missing

LAUNCH = Path(__file__).with_name("launch.py")
LIMIT = 1500  # seconds; a run that hangs, not one that is slow


class Controller:
    """Calls of Snakemake in one working directory with the shipped profile."""

    def __init__(self, cluster: Cluster, folder: Path, config: dict) -> None:
        self.cluster = cluster
        self.folder = folder
        self.results = folder / "results" / config["experiment"]
        folder.mkdir(parents=True, exist_ok=True)
        self.configure(config)

    def configure(self, config: dict) -> None:
        (self.folder / "experiment.yaml").write_text(yaml.safe_dump(config, sort_keys=False))

    def start(
        self, *arguments: str, polling: bool = True, **environment: str
    ) -> subprocess.Popen[str]:
        """A running Snakemake; its output goes to snakemake.out."""
        program = [str(LAUNCH)] if polling else ["-m", "snakemake"]
        command = [
            sys.executable, *program, "-s", str(ROOT / "Snakefile"), "--directory", str(self.folder),
            "--configfile", str(self.folder / "experiment.yaml"),
            "--workflow-profile", str(ROOT / "profiles/slurm"),
            "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "10",
            "--max-threads", "1", *arguments,
        ]  # fmt: skip
        environment = {
            **self.cluster.environment, "OMP_NUM_THREADS": "1", "FINETONE_SAVE_EVERY": "0.5", **environment
        }  # fmt: skip
        with (self.folder / "snakemake.out").open("w") as out:
            return subprocess.Popen(
                command, cwd=self.folder, env=environment, text=True, stdout=out, stderr=out
            )

    def finish(self, process: subprocess.Popen[str], seconds: float = LIMIT) -> tuple[int, str]:
        """Exit status and output; one that hangs is interrupted and fails the test."""
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
            pytest.fail(
                f"snakemake hung for {seconds} s\n{self.output()[-5000:]}\n{self.cluster.ask('squeue')}"
            )
        return code, self.output()

    def run(self, *arguments: str, **options: str) -> tuple[int, str]:
        return self.finish(self.start(*arguments, **options))

    def output(self) -> str:
        return (self.folder / "snakemake.out").read_text()

    def jobs(self) -> list[dict[str, str]]:
        """Everything Slurm knows of the jobs of the last call, whose run id is their name."""
        found = re.search(r"^SLURM run ID: (\S+)$", self.output(), re.M)
        assert found, self.output()
        mine = [job for job in self.cluster.jobs() if job["name"] == found[1]]
        return [{**job, **self.cluster.job(job["id"])} for job in mine]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    if lacking := missing():
        pytest.skip(
            f"no Slurm here ({', '.join(lacking)} not found): apt-get install slurmctld slurmd slurm-client munge"
        )
    with Cluster() as running:
        yield running


@pytest.fixture(autouse=True)
def empty(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test leaves the cluster without jobs and with its nodes up."""
    yield
    if "cluster" in request.fixturenames:
        request.getfixturevalue("cluster").cancel_all()
