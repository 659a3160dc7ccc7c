"""The lines about jobs: one for each that runs, and one for all."""

from collections.abc import Mapping

from finetone.numbers import duration
from finetone.plots.drawing.fitting import columns, one_line
from finetone.terminal import job_log
from finetone.terminal.job_log import Step
from finetone.terminal.jobs import Job, Jobs

TITLE = 64  # columns


def title(text: str) -> str:
    """The title of a job on one line, short enough to leave room for its progress."""
    text = one_line(text)
    while columns(text) > TITLE:
        text = f"{text[: TITLE * len(text) // columns(text) - 2].rstrip()}…"
    return text


def steps(jobs: Jobs) -> dict[int, Step]:
    """How far the running jobs are whose logs say so, by number."""
    logs = {job.number: job for job in jobs.running.values() if job.log}
    found = {number: job_log.step(job.log, job.began) for number, job in logs.items() if job.log}
    return {number: step for number, step in found.items() if step}


def of_jobs(jobs: Jobs, known: Mapping[int, Step], most: int) -> list[str]:
    """One line per running job, at most so many; `known` is what `steps` found."""
    running = list(jobs.running.values())
    shown = running if len(running) <= most else running[: max(most - 1, 0)]
    width = max((columns(job.title) for job in shown), default=0)
    lines = [
        f"  {job.title}{' ' * (width - columns(job.title))}  {_progress(job, known.get(job.number))}"
        for job in shown
    ]
    more = len(running) - len(shown)
    return [*lines, f"  and {more} more"] if more else lines


def of_all(jobs: Jobs, known: Mapping[int, Step], interrupted: bool) -> str:
    """The line about all jobs: how many have ended, the time, and the time left."""
    parts = [f"{jobs.done} of {jobs.total} jobs", clock(jobs.seconds)]
    if interrupted:
        parts.append("interrupted")
    elif left := jobs.time_left(known):
        seconds, complete = left
        parts.append(f"{'about' if complete else 'at least'} {clock(seconds)} left")
    return " · ".join(parts)


def clock(seconds: float) -> str:
    """Format seconds that run: whole ones, so that nothing flickers."""
    return f"{seconds:.0f} s" if seconds < 59.5 else duration(seconds)


def _progress(job: Job, step: Step | None) -> str:
    if step is None:
        return clock(job.seconds)
    return f"{step.unit} {step.done} of {step.total}, {clock(step.left)} left"
