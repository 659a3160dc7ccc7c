"""Ask a Slurm cluster, before anything is trained, whether it can run this workflow.

Says in one sentence what would fail hours later. Numbers default to the largest job of
profiles/slurm. The folder is checked from a compute node, by a job of a few seconds.

    finetone cluster --partition gpu --gpu 1 --results results
"""

import argparse
import shutil
import subprocess
import time
import uuid
from pathlib import Path

from finetone.errors import UserError

COMMANDS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--partition", help="default: the cluster's default partition")
    parser.add_argument("--account", help="default: none, as clusters without accounting want it")
    parser.add_argument("--gpu", type=int, default=1, help="GPUs of one job (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=4, help="of one job (default: %(default)s)")
    parser.add_argument(
        "--mem-mb", type=int, default=12400, help="memory of one job (default: %(default)s)"
    )
    parser.add_argument("--runtime", type=int, default=285, help="minutes (default: %(default)s)")
    parser.add_argument(
        "--results", type=Path, default=Path("results"), help="folder (default: %(default)s)"
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
    check_partition(options.partition)
    check_request(options)
    check_results(options)
    check_orphans()
    print("finetone: Slurm answers, the largest job fits, and compute nodes see the results folder")
    return 0


def ask(*command: str, seconds: float = 30) -> str:
    """Run a Slurm command and return its standard output.

    Parameters
    ----------
    command
        The command with its arguments.
    seconds
        To wait for an answer.

    Raises
    ------
    UserError
        It failed (the message is its last line), or did not answer in time.
    """
    try:
        done = subprocess.run(command, text=True, capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise UserError(
            f"{command[0]} did not answer within {seconds:.0f} s: is slurmctld up?"
        ) from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()
        raise UserError(f"{command[0]} failed: {said[-1]}")
    return done.stdout


def check_commands() -> None:
    """Refuse a machine without Slurm's commands."""
    if lacking := [name for name in COMMANDS if shutil.which(name) is None]:
        raise UserError(
            f"{', '.join(lacking)} not found on PATH: run snakemake where jobs are submitted (a login "
            "node), and load the cluster's Slurm module there if it has one"
        )


def check_partition(partition: str | None) -> None:
    """Refuse a partition that does not exist."""
    known = sorted({name.rstrip("*") for name in ask("sinfo", "-h", "-o", "%P").split()})
    if partition is not None and partition not in known:
        raise UserError(
            f"partition {partition!r} does not exist; this cluster has {', '.join(known)}"
        )


def placement(options: argparse.Namespace) -> list[str]:
    """Options of sbatch and srun that say where to run."""
    given = {"partition": options.partition, "account": options.account}
    return [f"--{name}={value}" for name, value in given.items() if value]


def check_request(options: argparse.Namespace) -> None:
    """Refuse a size that no node can run, by a test submission of a job like the largest one."""
    place = f"partition {options.partition!r}" if options.partition else "the default partition"
    size = {"cpus-per-task": options.threads, "mem": options.mem_mb, "time": options.runtime}
    size |= {"gpus": options.gpu} if options.gpu else {}
    given = [f"--{name}={value}" for name, value in size.items()]
    try:
        ask("sbatch", "--test-only", *given, *placement(options), "--wrap=true")
    except UserError as problem:
        raise UserError(
            f"{place} cannot run a job of {options.gpu} GPU, {options.threads} threads and "
            f"{options.mem_mb} MB ({problem}); see what it has with sinfo -o '%P %c %m %l %G', then "
            "change the profile"
        ) from None
    limit = longest(options.partition)
    if options.runtime > limit:  # Slurm would accept the job and never start it
        raise UserError(
            f"{place} lets a job run {limit:.0f} minutes, not {options.runtime}: lower `runtime` in the "
            "profile (a job that runs out of time goes on from its saved state) or choose another"
        )


def longest(partition: str | None) -> float:
    """Largest number of minutes for a job in the partition (in the default one if None)."""
    for row in ask("sinfo", "-h", "-o", "%P %l").splitlines():
        name, limit = row.split()
        if partition == name.rstrip("*") or (partition is None and name.endswith("*")):
            if limit == "infinite":
                return float("inf")
            days, _, clock = limit.rpartition("-")
            hours, minutes, seconds = map(int, f"0:0:{clock}".split(":")[-3:])
            return int(days or 0) * 1440 + hours * 60 + minutes + seconds / 60
    return float("inf")


def check_results(options: argparse.Namespace) -> None:
    """Refuse a folder unless this machine and a compute node see each other's files in it."""
    folder = options.results.resolve()
    here, there = (folder / f".check-{uuid.uuid4().hex}-{side}" for side in ("here", "there"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        here.touch()
    except OSError as error:
        raise UserError(f"--results {folder}: {error.strerror}; give one to write into") from None
    script = 'test -e "$0" && : > "$1"'
    try:
        command = ["srun", "-n1", "--mem=100", "--time=2", "--chdir=/", "--quiet"]
        command += [*placement(options), "sh", "-c", script, str(here), str(there)]
        node = subprocess.run(command, text=True, capture_output=True, timeout=options.wait)
        end = time.monotonic() + 10  # caches of network file systems
        while node.returncode == 0 and not there.exists() and time.monotonic() < end:
            time.sleep(0.2)
        if not there.exists():
            raise UserError(
                f"{folder} is not the same folder on the compute nodes: put it on a file system they "
                "share with this machine (configuration: `pathvars: {results: /shared/...}`)"
            )
    except subprocess.TimeoutExpired:
        print(f"finetone: no node was free for {options.wait:.0f} s, so {folder} is unchecked")
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
