"""Explain why jobs wait in Slurm's queue: for their turn, or for something that never happens.

Slurm accepts jobs that it can never start, and only squeue shows why they wait. While Snakemake
waits, a thread asks squeue and reports each job and reason once.
"""

import math
import os
import re
import subprocess
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from finetone.errors import UserError

LASTING = 2  # consecutive looks at the queue: Slurm shows some reasons only briefly
PATIENCE = 30  # the same for a job that only waits for its turn
NAMED = 3  # jobs that a sentence names; the others are counted

TURN = {
    "None": "Slurm has not looked at it yet",
    "Priority": "other jobs come first",
    "Resources": "nodes that could run it are in use",
    "BeginTime": "Slurm starts it again after a pause",
    "Dependency": "another job must end first",
    "JobArrayTaskLimit": "as many tasks of its array run as may",
    "Cleaning": "its last attempt is not cleaned up yet",
    "Prolog": "its node is being prepared",
}
PARTITION = "choose another slurm_partition in the profile"
SIZE = "lower gpu, mem_mb, nodes or set-threads in the profile"
# The first pattern that matches the whole reason: what it means, and what to change.
FIXED = (
    (r"PartitionTimeLimit",
     "more time is requested than the partition lets a job run",
     f"lower runtime in the profile (what was saved is kept), or {PARTITION}"),
    (r"Partition(NodeLimit|MinNodes|MaxNodes|Config)",
     "the partition does not run jobs of this size, or not of this user", f"{SIZE}, or {PARTITION}"),
    (r"Partition(Down|Inactive)", "the partition is closed", f"wait, or {PARTITION} (sinfo shows them)"),
    (r"BadConstraints|NoConstraints|Constraints",
     "no node has everything that is requested",
     f"change constraint or gpu_model, or {SIZE} (sinfo -o '%P %c %m %G %f' shows what there is)"),
    (r"(Requires)?Reservation.*",
     "a reservation is missing, over or not begun", f"change slurm-reservation in the profile, or {PARTITION}"),
    (r"ReqNodeNotAvail|NodeDown|Nodes required.*|FrontEndDown",
     "nodes that could run it are down, drained or reserved, perhaps for maintenance",
     f"wait (sinfo -R says why), lower runtime in the profile to end before it, or {PARTITION}"),
    (r"DependencyNeverSatisfied", "it depends on a job that has failed",
     "remove --dependency from slurm_extra in the profile, and scancel it"),
    (r"JobHeldAdmin", "an administrator holds it", "ask them; scancel ends the wait"),
    (r"JobHeldUser|JobHoldMaxRequeue|.*held.*", "it is on hold, by its user or after failed starts",
     "release it (scontrol release), or scancel it to have it sent again"),
    (r"Licenses", "no licence is free", "wait, or change --licenses of slurm_extra in the profile"),
    (r"InvalidAccount|AccountNotAllowed", "its account may not run jobs there",
     f"change slurm_account, or {PARTITION}"),
    (r"InvalidQOS|QOSNotAllowed|QOSUsageThreshold", "its QOS may not run jobs there, or is used up",
     "change slurm-qos or slurm_account in the profile"),
)  # fmt: skip
# Words in a limit of a QOS, an association or an account: the key of the profile to change.
KEYS = (
    (r"Job", "jobs"),
    (r"GRES", "gpu"),
    (r"Mem", "mem_mb"),
    (r"Wall|Time", "runtime"),
    (r"(?i:cpu)", "set-threads"),
    (r"Node", "nodes"),
    (r"License", "--licenses of slurm_extra"),
)


# Of sbatch, when it is worth trying again.
BUSY = r"(?i)timed out|unable to contact|try again|temporarily|submit limit|connection"


def rejection(message: str | None) -> tuple[str, bool]:
    """Find in the plugin's report of a failed job why sbatch did not take it.

    Returns
    -------
    reason, final
        In Slurm's own words, "" where it did take it; and whether it would never take it.
    """
    found = re.search(
        r"sbatch failed\. The error message was '(.*?)'\.\n", message or "", re.DOTALL
    )
    if found is None:
        return "", False
    reason = " ".join(found[1].split())
    return reason, not re.search(BUSY, reason)


class Waiting(NamedTuple):
    """A pending job.

    Attributes
    ----------
    id
        Its number.
    label
        Its rule and wildcards.
    reason
        Slurm's word for why it waits.
    start
        When Slurm expects it to start; "N/A" if unknown.
    """

    id: str
    label: str
    reason: str
    start: str = "N/A"


def explain(reason: str) -> tuple[str, str]:
    """Explain a reason of Slurm and how to remove it.

    Returns
    -------
    meaning, change
        Two clauses of a sentence. For an unknown reason they refer to its documentation.
    """
    for pattern, meaning, change in FIXED:
        if re.fullmatch(pattern, reason):
            return meaning, change
    owner = re.match(r"QOS|Assoc|Max\w+Per(Account|Limit)", reason)
    if owner is None:
        return "see JOB REASON CODES in man squeue", "if it stays, ask the cluster's administrators"
    who = "QOS" if owner[0] == "QOS" else "account"
    on = re.sub("Per(Job|Node|User|Account|Limit)|Limit", "", reason)
    key = next((key for pattern, key in KEYS if re.search(pattern, on)), "what is requested")
    other = f"or change {'slurm-qos' if who == 'QOS' else 'slurm_account'}"
    if key == "jobs":
        change = "nothing to change: it starts as others end"
        return f"the {who} lets no more jobs run at once", change
    if "Min" in reason.replace("Minutes", ""):
        return f"the {who} wants jobs to request more", f"raise {key} in the profile, {other}"
    if "PerJob" in reason or "PerNode" in reason or owner[0].endswith("PerLimit"):
        key = f"{key} or runtime" if "Minutes" in reason else key
        meaning = f"more is requested than the {who} lets one job have"
        return meaning, f"lower {key} in the profile, {other}"
    if "Minutes" in reason:
        meaning = f"what the {who} may use in a period is used up"
        return meaning, f"wait, lower {key} or runtime, {other}"
    whose = "user" if "PerUser" in reason else who
    return (
        f"jobs of this {whose} use all that the {who} allows at once",
        f"it starts as they end, or never if it alone requests more: then lower {key} in the profile, "
        f"{other}",
    )


class Notices:
    """Decides which sentences to report; one that was reported is not repeated."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()
        self._looks: dict[tuple[str, str], int] = {}

    def due(self, jobs: Iterable[Waiting]) -> list[str]:
        """Return one sentence for each reason that lasts and is new for some pending job.

        Parameters
        ----------
        jobs
            All pending jobs, at one look at the queue.
        """
        looks, new = {}, defaultdict(list)
        for job in jobs:
            reason = re.split(r"[,(]", job.reason.replace("_", " ").strip("()"))[0].strip()
            key = (job.id, "turn" if _is_turn(reason) else reason)
            looks[key] = self._looks.get(key, 0) + 1
            if key not in self._told and looks[key] >= (PATIENCE if _is_turn(reason) else LASTING):
                self._told.add(key)
                new[reason].append(job)
        self._looks = looks
        return [_sentence(reason, those) for reason, those in new.items()]


def _is_turn(reason: str) -> bool:
    return reason in TURN or reason.startswith("Sched")


def _sentence(reason: str, jobs: list[Waiting]) -> str:
    names = ", ".join(f"{job.id} ({job.label})" for job in jobs[:NAMED])
    more = f" and {len(jobs) - NAMED} more" if len(jobs) > NAMED else ""
    head = f"Slurm job{'s' if len(jobs) > 1 else ''} {names}{more}: pending, {reason}: "
    if _is_turn(reason):
        starts = sorted(job.start for job in jobs if job.start != "N/A")
        when = f"; Slurm expects a start at {starts[0]}" if starts else ""
        return f"{head}{TURN.get(reason, 'Slurm has not placed it yet')}{when}; nothing to change"
    return head + "; ".join(explain(reason))


def pending(name: str) -> list[Waiting] | None:
    """Pending jobs of this user with a job name; None if squeue fails or does not answer."""
    command = ["squeue", "--me", "--noheader", "--states=PENDING", f"--name={name}"]
    command += ["--format=%i|%r|%S|%k"]
    nothing = subprocess.DEVNULL
    try:
        text = subprocess.check_output(
            command, text=True, errors="replace", timeout=10, stdin=nothing, stderr=nothing
        )
    except (OSError, subprocess.SubprocessError):
        return None
    rows = (row.split("|", 3) for row in text.splitlines())
    return [
        Waiting(row[0], row[3].removeprefix("rule_").replace("_wildcards_", " "), row[1], row[2])
        for row in rows
        if len(row) == 4
    ]


def watch(name: str, warn: Callable[[str], object]) -> None:
    """Report why jobs are pending, in a thread, until this process ends.

    Slurm is asked every 60 seconds, or every FINETONE_PENDING_EVERY seconds. Jobs inherit the name
    as FINETONE_RUN, by which their logs recognise attempts of one run (see `attempts`).

    Parameters
    ----------
    name
        Job name of all jobs of this run.
    warn
        Called with each sentence.

    Raises
    ------
    UserError
        FINETONE_PENDING_EVERY is not a number above 0.
    """
    text = os.environ.get("FINETONE_PENDING_EVERY", "60")
    try:
        every = float(text)
    except ValueError:
        every = math.nan
    if not 0 < every < math.inf:
        raise UserError(
            f"FINETONE_PENDING_EVERY is {text!r}; set it to a number of seconds or unset it"
        )

    os.environ["FINETONE_RUN"] = name

    def ask() -> None:
        notices, pause = Notices(), threading.Event()
        while not pause.wait(every):
            if (jobs := pending(name)) is not None:
                for sentence in notices.due(jobs):
                    warn(sentence)

    threading.Thread(target=ask, name="pending jobs", daemon=True).start()
