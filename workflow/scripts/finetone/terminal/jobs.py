"""The jobs of a run: which are running, how long each kind takes, how long the rest will take."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from finetone.terminal.job_log import Step

ENOUGH = 3  # jobs that have ended before the time left is estimated


@dataclass(frozen=True)
class Job:
    """A job that runs; `log` is None if its rule has none."""

    number: int
    rule: str
    title: str
    log: Path | None = None
    began: float = field(default_factory=time.time)

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return max(time.time() - self.began, 0)


class Jobs:
    """What is known of all jobs of a run.

    Attributes
    ----------
    total, done
        Numbers of jobs.
    running
        By number.
    took
        Seconds of the jobs that have ended, by rule.
    """

    def __init__(self) -> None:
        self.total, self.done = 0, 0
        self.running: dict[int, Job] = {}
        self.took: dict[str, list[float]] = {}
        self._open: Counter[str] = Counter()
        self._began = time.time()

    @property
    def seconds(self) -> float:
        """How long the run has been going on."""
        return max(time.time() - self._began, 0)

    def plan(self, counts: Mapping[str, int]) -> None:
        """Begin a run of so many jobs of each rule."""
        self._open = Counter({rule: n for rule, n in counts.items() if rule != "total"})
        self.total, self._began = sum(self._open.values()), time.time()

    def start(self, job: Job) -> None:
        """A job has begun, or was sent to a cluster."""
        self.running[job.number] = job

    def finish(self, number: int) -> Job | None:
        """A job has ended well."""
        job = self.running.pop(number, None)
        if job:
            self.took.setdefault(job.rule, []).append(job.seconds)
            self._open[job.rule] -= 1
        return job

    def stop(self, number: int) -> Job | None:
        """A job has ended otherwise."""
        return self.running.pop(number, None)

    def time_left(self, steps: Mapping[int, Step]) -> tuple[float, bool] | None:
        """Estimate how long the run still takes.

        Jobs of a rule take as long as those before them; as many run at once as until now.

        Parameters
        ----------
        steps
            How far running jobs are, by number.

        Returns
        -------
        (float, bool) or None
            Seconds, and whether something is known of all rules. A job of which nothing is known,
            for none of its rule has ended or says how far it is, is taken for as short as the
            shortest: then the seconds are a lower bound. None at the beginning and at the end.
        """
        ended = sum(map(len, self.took.values()))
        if ended < ENOUGH or self.done >= self.total:
            return None
        typical = {rule: fmean(seconds) for rule, seconds in self.took.items()}
        for number, step in steps.items():
            if job := self.running.get(number):
                typical.setdefault(job.rule, job.seconds + step.left)
        least = min(typical.values())
        ahead = {
            number: steps[number].left
            if number in steps
            else max(typical.get(job.rule, least) - job.seconds, 0)
            for number, job in self.running.items()
        }
        waiting = self._open - Counter(job.rule for job in self.running.values())
        work = sum(ahead.values())
        work += sum(typical.get(rule, least) * n for rule, n in waiting.items())
        busy = sum(map(sum, self.took.values())) + sum(j.seconds for j in self.running.values())
        at_once = max(busy / max(self.seconds, 1), 1)
        seconds = max(work / at_once, max(ahead.values(), default=0))
        return seconds, set(typical) >= {rule for rule, n in self._open.items() if n > 0}
