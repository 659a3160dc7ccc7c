"""What the log of a job says: how far it is, and why it failed."""

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from finetone import attempts, countdown

TAIL = 16_384  # bytes at the end of a log that are read
ERROR = re.compile(r"\d\d:\d\d:\d\d ERROR +(.*)")


@dataclass(frozen=True)
class Step:
    """How far a job is: `done` of `total`, and seconds that are left."""

    unit: str
    done: int
    total: int
    left: float


def step(log: Path, since: float) -> Step | None:
    """How far a job is that began at the time `since`; None if its log does not say.

    The job is not asked: it writes to its log every few seconds, and this reads the end of it.
    """
    try:
        written = log.stat().st_mtime
    except OSError:
        return None
    if written < since:  # by an earlier attempt
        return None
    found = next(filter(None, map(countdown.LINE.search, reversed(_tail(log)))), None)
    if found is None:
        return None
    age = max(time.time() - written, 0)  # the clock of a file server may be ahead
    left = max(float(found["left"]) - age, 0)
    return Step(found["unit"], int(found["done"]), int(found["total"]), left)


def error(log: Path) -> str:
    """The last error that a job logged, in one line; "" if it logged none."""
    lines = _tail(log)
    numbers = [number for number, line in enumerate(lines) if ERROR.match(line)]
    if not numbers:
        return ""
    first = ERROR.match(lines[numbers[-1]])
    assert first
    if not first[1].startswith("Traceback "):
        return first[1]
    return next((line for line in reversed(lines[numbers[-1] :]) if line.strip()), first[1])


def is_of_the_user(log: Path) -> bool:
    """Whether the job ended with a sentence that the user can act on, and not with a traceback."""
    return attempts.was_refused(log)


def _tail(log: Path) -> list[str]:
    """Lines at the end of a log that the last attempt wrote."""
    try:
        with log.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(size - TAIL, 0))
            lines = stream.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    headers = [n for n, line in enumerate(lines) if line.startswith(attempts.HEADER)]
    return lines[headers[-1] :] if headers else lines
