"""Keep what earlier attempts of a job logged when the job is sent again.

Snakemake removes the log of a job before each attempt (retry, requeue, the next call after a kill).
A log therefore has a second name, a hard link, until its attempt ends well: the next attempt finds
the text under it and appends. A job that ended well and is made again starts with an empty log.
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

HEADER = "==== attempt "
LIMIT = 10 << 20  # bytes; a job that fails at every call must not fill the disk with its log


def begin(log: Path) -> Callable[[], None]:
    """Restore in `log` what unfinished attempts wrote, and add a header line for this one.

    On a file system without hard links the log holds one attempt alone, as Snakemake leaves it.

    Parameters
    ----------
    log
        The file; its content is dropped unless an attempt left it unfinished.

    Returns
    -------
    callable
        To be called once this attempt has ended well; without that call its text is kept.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    unfinished = log.with_name(f".{log.name}.unfinished")
    _refused(log).unlink(missing_ok=True)
    # The steps of one Slurm job are repeated together: a step that ended well before a later one
    # failed is run again, and that is a further attempt of the same run.
    run = os.environ.get("FINETONE_RUN") if "SLURM_JOB_ID" in os.environ else None
    ended = log.with_name(f".{log.name}.ended-{run}")
    for left in [p for p in log.parent.iterdir() if p.name.startswith(f".{log.name}.ended-")]:
        if left == ended:
            left.replace(unfinished)
        else:
            left.unlink()
    if unfinished.exists() and unfinished.stat().st_size > LIMIT:
        unfinished.unlink()
    log.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        os.link(unfinished, log)
    with log.open("a+", encoding="utf-8", errors="replace") as stream:
        stream.seek(0)
        attempt = 1 + sum(line.startswith(HEADER) for line in stream)
        stream.write(f"{HEADER}{attempt}, {machine_and_job()}\n")
    if not unfinished.exists():
        with contextlib.suppress(OSError):
            os.link(log, unfinished)

    def ended_well() -> None:
        with contextlib.suppress(OSError):
            unfinished.replace(ended) if run else unfinished.unlink()

    return ended_well


def refuse(log: Path) -> None:
    """Note that the attempt ended with an error of the user's, which another would only repeat."""
    with contextlib.suppress(OSError):
        log.parent.mkdir(parents=True, exist_ok=True)  # a job that was not even sent has none
        _refused(log).touch()


def was_refused(log: Path) -> bool:
    """Whether the last attempt with this log ended so."""
    return _refused(log).exists()


def _refused(log: Path) -> Path:
    return log.with_name(f".{log.name}.refused")


def machine_and_job() -> str:
    """The time, the computer and the job: "2026-01-31 12:00:00, host n1, Slurm job 7"."""
    job = os.environ.get("SLURM_JOB_ID")
    host = f"{time.strftime('%Y-%m-%d %H:%M:%S')}, host {socket.gethostname()}"
    return f"{host}, Slurm job {job}" if job else host
