"""What went wrong, as one block: a sentence, and the log that has the rest."""

import re
from collections.abc import Iterable
from pathlib import Path

from finetone.errors import first_line
from finetone.masking import mask
from finetone.terminal import job_log
from finetone.terminal.jobs import Job

HEAD = re.compile(r"\A\w+( in (file|rule) .*)?:\n")  # of Snakemake's: the kind of error and where
TRACE = re.compile(r'\n? *File "[^"]*", line \d+, in .*')
SIGNAL = re.compile(r"died with <Signals\.(\w+)")
# what Snakemake says beside the error itself
ECHOES = (
    "At least one job did not complete successfully",
    "Exiting because a job execution failed",
)
KILLED = "was killed ({signal}): memory may have ended, or a scheduler has ended it"
MOST = 12  # lines of one error


def sentence(text: str) -> str:
    r"""The message of an error as Snakemake words it, without its kind, place and traceback.

    Parameters
    ----------
    text
        "WorkflowError in file …, line 3:\n<message>\n  File …, line 4, in <module>"
    """
    plain = TRACE.sub("", HEAD.sub("", text)).removeprefix("Error: ").strip()
    return mask("\n".join(line.rstrip() for line in plain.splitlines()[:MOST] if line.strip()))


def is_an_echo(text: str) -> bool:
    """Whether an error only says that there was another one."""
    return any(echo in text for echo in ECHOES)


def of_job(job: Job, logs: Iterable[str], said: str, start: Path) -> str:
    """The block about a job that has failed.

    Parameters
    ----------
    job
        Which.
    logs
        Its log files, the rule's own first.
    said
        The error that Snakemake reported; only if the log says nothing is it of use.
    start
        The folder that the path of the log is given from.
    """
    paths = [Path(log).absolute() for log in logs]
    for path in paths:
        if told := job_log.error(path):
            if job_log.is_of_the_user(path):
                return f"finetone: {told}"
            return _block(f"{job.title}: {told}", path, start)
    signal = SIGNAL.search(said)
    reason = KILLED.format(signal=signal[1]) if signal else first_line(Exception(sentence(said)))
    return _block(f"{job.title}: {reason}", paths[0] if paths else None, start)


def of_run(text: str, log: Path | None, start: Path) -> str:
    """The block about an error that is of no job; one sentence of ours stands alone."""
    said = sentence(text)
    ours = text.startswith("WorkflowError") and "\n" not in said
    return _block(said, None if ours else log, start)


def _block(said: str, log: Path | None, start: Path) -> str:
    return f"finetone: {said}" + (f"\n  log: {shown(log, start)}" if log else "")


def shown(path: Path, start: Path) -> str:
    """`path` as it is shown: from `start` if it is in there."""
    return str(path.relative_to(start) if path.is_relative_to(start) else path)
