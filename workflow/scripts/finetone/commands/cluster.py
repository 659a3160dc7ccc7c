"""Ask a Slurm cluster, before anything is trained, whether it can run an experiment.

Says in one sentence what would fail hours later. What is requested is what the profile and the
experiment make of it, at every attempt of every job. The folder is checked from a compute node, by a
job of a few seconds.

    finetone cluster --configfile config/demo.yaml
"""

import argparse
import contextlib
import io
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from finetone.commands import clone
from finetone.commands.job import graph, in_one_line
from finetone.errors import UserError
from finetone.scheduling.nodes import Nodes, ask, options_of

COMMANDS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
PLACEMENT = ("slurm_partition", "slurm_account", "constraint", "qos")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    clone.add_arguments(parser, cores=False)
    parser.add_argument(
        "--workflow-profile", type=Path, metavar="FOLDER", help="default: profiles/slurm"
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=120,
        help="seconds to wait for a free node (default: %(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Check one thing after the other.

    Raises
    ------
    UserError
        The first that would fail, with its value and the fix.
    """
    check_commands()
    clone.check(options)
    clone.check_library(options.snakefile, "cluster")
    nodes, requests, results = look(options)
    check_results(results, placement(requests), options.wait)
    check_orphans()
    print(
        f"finetone: Slurm answers, takes all {len(requests)} kinds of request, and compute nodes see "
        f"{results}; {nodes.largest}"
    )
    return 0


def look(options: argparse.Namespace) -> tuple[Nodes, list[dict[str, Any]], Path]:
    """What nodes give, what jobs request of them, and the folder of the results.

    Raises
    ------
    UserError
        Snakemake refuses the experiment or the profile, or Slurm a request.
    """
    profile = read_profile(options.workflow_profile or options.snakefile.parent / "profiles/slurm")
    with in_one_line(), graph(options.snakefile, [], options.configfile, profile=profile) as dag:
        dag._finished.clear()  # a dry run has made nothing
        nodes, requests = dag.workflow.globals["fit_to_cluster"](1 + (profile.retries or 0))
        return nodes, requests, Path(dag.workflow.config["pathvars"]["results"])


def read_profile(folder: Path) -> Any:
    """Snakemake's arguments, with those of a profile.

    Raises
    ------
    UserError
        There is no such profile, or Snakemake does not understand it.
    """
    from snakemake import cli

    if not any((folder / name).is_file() for name in ("config.yaml", "config.v8+.yaml")):
        raise UserError(f"--workflow-profile {folder}: there is no config.yaml in it")
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return cli.parse_args(["--workflow-profile", str(folder.resolve())])[1]
    except (Exception, SystemExit) as error:
        stopped = isinstance(error, SystemExit)  # what was wrong is printed
        words = said.getvalue() if stopped else str(error)
        last = words.strip().splitlines()[-1]
        raise UserError(
            f"--workflow-profile {folder}: not understood, correct it: {last}"
        ) from None


def check_commands() -> None:
    """Refuse a machine without Slurm's commands."""
    if lacking := [name for name in COMMANDS if shutil.which(name) is None]:
        raise UserError(
            f"{', '.join(lacking)} not found on PATH: run snakemake where jobs are submitted (a login "
            "node), and load the cluster's Slurm module there if it has one"
        )


def placement(requests: Iterable[dict[str, Any]]) -> list[str]:
    """Options of srun for a small job where the first of the requests would run."""
    first = next(iter(requests), {})
    return options_of({key: first[key] for key in PLACEMENT if key in first})


def check_results(results: Path, placement: Iterable[str], wait: float) -> None:
    """Refuse a folder unless this machine and a compute node see each other's files in it."""
    folder = results.resolve()
    here, there = (folder / f".check-{uuid.uuid4().hex}-{side}" for side in ("here", "there"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        here.touch()
    except OSError as error:
        raise UserError(
            f"pathvars.results {folder}: {error.strerror}; name one to write into"
        ) from None
    script = 'test -e "$0" && : > "$1"'
    try:
        command = ["srun", "-n1", "--mem=100", "--time=2", "--chdir=/", "--quiet"]
        command += [*placement, "sh", "-c", script, str(here), str(there)]
        node = subprocess.run(command, text=True, capture_output=True, timeout=wait)
        end = time.monotonic() + 10  # caches of network file systems
        while node.returncode == 0 and not there.exists() and time.monotonic() < end:
            time.sleep(0.2)
        if not there.exists():
            raise UserError(
                f"{folder} is not the same folder on the compute nodes: put it on a file system they "
                "share with this machine (configuration: `pathvars: {results: /shared/...}`)"
            )
    except subprocess.TimeoutExpired:
        print(f"finetone: no node was free for {wait:.0f} s, so {folder} is unchecked")
    finally:
        here.unlink(missing_ok=True)
        there.unlink(missing_ok=True)


def check_orphans() -> None:
    """Refuse to start beside jobs of a snakemake that died: the same work would be sent again."""
    rows = (row.partition(" ") for row in ask("squeue", "--me", "-h", "-o", "%A %Z").splitlines())
    ids = [job for job, _, folder in rows if folder and Path(folder) == Path.cwd()]
    if ids:
        raise UserError(
            f"jobs of an earlier snakemake are still at work in {Path.cwd()}: wait until they end, or "
            f"scancel {' '.join(ids)}"
        )
