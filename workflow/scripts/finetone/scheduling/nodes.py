"""What the nodes of a Slurm partition give to one job, and whether Slurm would take a request."""

import functools
import json
import math
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from typing import Any

from finetone.errors import UserError, listed

TOLD = "FINETONE_NODES"  # the variable that jobs inherit
UNITS = (("gpu", "GPU"), ("threads", "threads"), ("mem_mb", "MB"), ("runtime", "minutes"))


@dataclass(frozen=True)
class Node:
    """A node: its GPUs, memory in MB, and threads."""

    gpus: int
    memory: int
    threads: int


@dataclass(frozen=True)
class Nodes:
    """All that jobs may run on.

    Attributes
    ----------
    place
        What they are called in a sentence.
    nodes
        Those that differ, at least one.
    minutes
        That a job may last; infinity where there is no limit.
    """

    place: str
    nodes: tuple[Node, ...]
    minutes: float = math.inf

    @property
    def gpus(self) -> int:
        """GPUs of the node that has most."""
        return max(node.gpus for node in self.nodes)

    @property
    def threads(self) -> int:
        """Threads of the node that has most."""
        return max(node.threads for node in self.nodes)

    def memory_mb(self, gpus: int = 0) -> int:
        """Memory of the largest node that has so many GPUs, or of any if none has."""
        enough = [node.memory for node in self.nodes if node.gpus >= gpus]
        return max(enough or [node.memory for node in self.nodes])

    @property
    def largest(self) -> str:
        """What a job can have at most, in words."""
        limit = (
            "as long as they want" if self.minutes == math.inf else f"{self.minutes:.0f} minutes"
        )
        return (
            f"the largest node of {self.place} gives {self.threads} threads, {self.memory_mb()} MB and "
            f"{self.gpus or 'no'} GPU{'s' if self.gpus > 1 else ''}, and jobs run {limit}"
        )

    def tell_jobs(self) -> None:
        """Let the jobs of this call know: Snakemake on a node requests each step of its job anew."""
        facts = [self.place, [astuple(node) for node in self.nodes], self.minutes]
        os.environ[TOLD] = json.dumps(facts)

    @classmethod
    def told(cls) -> "Nodes | None":
        """What the call told that sent this job; None if it told nothing."""
        if not (text := os.environ.get(TOLD)):
            return None
        place, nodes, minutes = json.loads(text)
        return cls(place, tuple(Node(*node) for node in nodes), minutes)

    def refuse(self, key: str, kind: str, amount: int) -> None:
        """Check one amount that the user requests.

        Raises
        ------
        UserError
            No node gives as much; names what the largest does.
        """
        most = {"gpu": self.gpus, "mem_mb": self.memory_mb(), "threads": self.threads}
        if amount > (most | {"runtime": self.minutes})[kind]:
            raise UserError(
                f"{key}: {amount} is more than a job can have: {self.largest}; lower it, or choose "
                "another slurm_partition in the profile"
            )


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


def of_partitions(partitions: Iterable[str | None]) -> Nodes:
    """Ask Slurm for the nodes of partitions (None: the default one), and for the shortest limit.

    Raises
    ------
    UserError
        There is no such partition, or Slurm does not answer.
    """
    # exact: one row for each kind of node
    said = ask("sinfo", "-h", "--exact", "-o", "%P|%l|%c|%m|%G")
    rows = [row.split("|") for row in said.splitlines()]
    known = listed(sorted({row[0].rstrip("*") for row in rows}))
    chosen: list[list[str]] = []
    for partition in (wanted := set(partitions)):
        own = [r for r in rows if r[0].endswith("*") or partition]
        own = [r for r in own if partition in (None, r[0].rstrip("*"))]
        if not own and partition:
            raise UserError(f"partition {partition!r} does not exist; this cluster has {known}")
        if not own:
            raise UserError(
                "this cluster has no default partition; set slurm_partition in the profile to one of "
                f"{known}"
            )
        chosen += own
    place = listed(f"partition {name!r}" if name else "the default partition" for name in wanted)
    nodes = {
        Node(_gpus(gres), int(memory.rstrip("+")), int(threads.rstrip("+")))
        for _, _, threads, memory, gres in chosen
    }
    return Nodes(place, tuple(nodes), min(_minutes(row[1]) for row in chosen))


def _gpus(gres: str) -> int:
    """GPUs in a list of generic resources such as "gpu:a100:4(S:0-1),ssd:1"."""
    bare = "".join(part.split(")")[-1] for part in gres.split("("))
    found = [each.split(":") for each in bare.split(",") if each.split(":")[0] == "gpu"]
    return sum(int(each[-1]) if each[-1].isdigit() else 1 for each in found)


def _minutes(limit: str) -> float:
    """Minutes of a time limit: "infinite", or [days-][[hours:]minutes:]seconds."""
    if not limit[:1].isdigit():
        return math.inf
    days, _, clock = limit.rpartition("-")
    hours, minutes, seconds = map(int, f"0:0:{clock}".split(":")[-3:])
    return int(days or 0) * 1440 + hours * 60 + minutes + seconds / 60


def options_of(request: Mapping[str, Any]) -> list[str]:
    """Options of sbatch for the resources of a job, as the plugin of Snakemake gives them."""
    gpu = request.get("gpu")
    model = f"{request['gpu_model']}:" if request.get("gpu_model") else ""
    given = {
        "partition": request.get("slurm_partition"),
        "account": request.get("slurm_account"),
        "constraint": request.get("constraint"),
        "qos": request.get("qos"),
        "gpus": f"{model}{gpu}" if gpu else None,
        "cpus-per-task": request.get("threads"),
        "mem": request.get("mem_mb"),
        "time": request.get("runtime"),
    }
    return [f"--{name}={value}" for name, value in given.items() if value]


def refuse_requests(requests: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Check that Slurm would take every request, without submitting any; returns those that differ.

    Raises
    ------
    UserError
        It would not: in its own words, with what the largest node gives.
    """
    different = {tuple(options_of(request)): request for request in requests}
    of = functools.cache(of_partitions)
    for options, request in different.items():
        nodes = of((request.get("slurm_partition"),))
        size = ", ".join(f"{request[key]} {unit}" for key, unit in UNITS if request.get(key))
        what = f"{nodes.place} cannot run a job of {size}"
        change = "change the profile, or `resources:` of the experiment"
        try:
            ask("sbatch", "--test-only", *options, "--wrap=true")
        except UserError as problem:
            raise UserError(f"{what} ({problem}): {nodes.largest}; {change}") from None
        if int(request.get("runtime") or 0) > nodes.minutes:  # Slurm would never start it
            raise UserError(f"{what}: {nodes.largest}; {change}")
    return list(different.values())
