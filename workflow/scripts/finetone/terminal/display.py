"""Turn what Snakemake tells its loggers into lines: of the jobs that run, and of all of them."""

import logging
import re
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from finetone.terminal import failures, job_log, lines
from finetone.terminal.job_log import Step
from finetone.terminal.jobs import Job, Jobs
from finetone.terminal.screen import Screen
from finetone.terminal.streams import Streams

REDRAW = 0.5  # seconds
PLAIN_LINES = 50  # on a pipe, about: one each time that so large a share of the jobs has ended
SILENCE, SILENCE_SHARE = 300.0, 0.05  # and one after so many seconds, or so much of the run so far
GRACE = 1.0  # seconds after a failure in which Snakemake says whether the job is tried again
RETRY = re.compile(r"Trying to restart job (\S+)\.")
POSTPROCESSED = re.compile(r"^Job (\d+) ", re.M)
INTERRUPTED = "Terminating processes on user request"
NOTHING = "Nothing to be done"
LENGTHY = ("Creating conda environment", "Pulling singularity image")  # before the first job
AGE = 1.0, 0.1  # seconds that what logs say is used for, and per job: reading many takes long


class Failure(NamedTuple):
    """A job that has failed, by itself or in a group of jobs that were sent together."""

    since: float
    job: Job
    logs: list[str]
    said: str
    in_group: bool


class Display:
    """What `finetone run` shows of a run.

    Parameters
    ----------
    streams
        The terminal, and what is to go into the log instead.

    Attributes
    ----------
    results
        Folder of the experiment, once the workflow has named it.
    log
        Snakemake's log file, once there is one.
    interrupted, failed
        Whether the user ended the run, and whether an error was shown.
    """

    def __init__(self, streams: Streams) -> None:
        self.streams, self.screen = streams, Screen(streams.terminal, streams.live)
        self.jobs, self._start = Jobs(), Path.cwd()
        self.results: Path | None = None
        self.log: Path | None = None
        self.interrupted = self.failed = False
        self._failures: dict[int, Failure] = {}
        self._of_group: set[int] = set()  # jobs of groups that have failed
        self._errors: list[tuple[float, str]] = []  # of which it is not known whether of a job
        self._shown: set[str] = set()
        self._spoken, self._parts = time.time(), 0  # of the last plain line
        self._known: dict[int, Step] = {}
        self._read = 0.0
        self._lock, self._ended = threading.Lock(), threading.Event()
        self.screen.draw(["reading the configuration, and what is there already …"])
        self._thread = threading.Thread(target=self._draw_on, daemon=True)
        self._thread.start()

    def hear(self, record: logging.LogRecord) -> None:
        """Take in a record of Snakemake's logger."""
        event = str(getattr(record, "event", None) or "")
        with self._lock:
            if react := getattr(self, f"_on_{event}", None):
                react(record)
            elif record.levelno >= logging.ERROR:
                self._on_error(record)
            elif record.levelno >= logging.WARNING:
                self._say(str(record.msg).strip())
            elif not event:
                self._on_remark(record)

    def close(self) -> None:
        """Show what is still to be shown, and end; may be called again."""
        self._ended.set()
        self._thread.join()
        with self._lock:
            self._show_failures(grace=0.0)
            self.screen.draw([])

    def _on_run_info(self, record: Any) -> None:
        self.jobs.plan(record.stats)
        handlers = logging.getLogger("snakemake.logging").handlers
        files = [h.baseFilename for h in handlers if isinstance(h, logging.FileHandler)]
        if files:
            self.log = Path(files[0])
            self.streams.into(self.log)
        if not self.screen.live:
            where = f"; log: {failures.shown(self.log, self._start)}" if self.log else ""
            self._say(f"{self.jobs.total} jobs to run{where}")

    def _on_job_info(self, record: Any) -> None:
        title = lines.title(record.rule_msg or record.rule_name)
        log = Path(record.log[0]).absolute() if record.log else None
        self.jobs.start(Job(record.jobid, record.rule_name, title, log))

    def _on_job_finished(self, record: Any) -> None:
        self.jobs.finish(record.job_id)

    def _on_progress(self, record: Any) -> None:
        self.jobs.done = record.done
        if not self.screen.live:
            self._report(record.done * PLAIN_LINES // max(self.jobs.total, 1))

    def _on_job_error(self, record: Any) -> None:
        if record.jobid in self._of_group:  # told about already
            self._of_group.remove(record.jobid)
            return
        # the error that a job of this machine ended with is reported just before
        recent = self._errors and time.time() - self._errors[-1][0] < GRACE
        said = self._errors.pop()[1] if recent else ""
        self._note(vars(record), list(record.log), said)

    def _on_group_error(self, record: Any) -> None:
        told = record.job_error_info
        guilty = [one for one in told if any(job_log.error(Path(log)) for log in one["log"])]
        for about in guilty or told[:1]:  # the others ended well, or have not begun
            logs = [*about["log"], *record.aux_logs]
            self._note(about, logs, "", in_group=True)
        self._of_group |= {about["jobid"] for about in told}

    def _note(self, about: Any, logs: list[str], said: str, in_group: bool = False) -> None:
        """Remember a failure until it is known whether the job is tried again."""
        number, rule = about["jobid"], about["rule_name"]
        job = self.jobs.stop(number) or Job(number, rule, rule)
        self._failures[number] = Failure(time.time(), job, logs, said, in_group)

    def _on_error(self, record: Any) -> None:
        text = str(record.msg)
        if number := POSTPROCESSED.search(text):
            self.jobs.stop(int(number[1]))
        self._errors.append((time.time(), text))

    def _on_remark(self, record: logging.LogRecord) -> None:
        text = str(record.msg or "")
        if isinstance(folder := getattr(record, "results", None), str):
            self.results = Path(folder).absolute()
        elif text.startswith(INTERRUPTED):
            self.interrupted = True
            self._say("finetone: interrupted; waiting for running jobs to end")
        elif text.startswith(LENGTHY):
            self._say(text)
        elif text.startswith(NOTHING):
            self._say("finetone: nothing to do, everything is up to date")
        elif again := RETRY.match(text):
            for number, failure in list(self._failures.items()):
                # a group is named otherwise here than where it failed
                if again[1] == str(number) or (failure.in_group and not again[1].isdigit()):
                    del self._failures[number]
                    self._say(f"finetone: {failure.job.title}: failed, is tried again")

    def _show_failures(self, grace: float = GRACE) -> None:
        """Show failures that nothing has followed for a while, each sentence once."""
        before = time.time() - grace
        if self.interrupted:  # jobs end with errors because they were told to end
            self._failures.clear()
            self._errors.clear()
        for number, failure in list(self._failures.items()):
            if failure.since <= before:
                del self._failures[number]
                job, logs, said = failure.job, failure.logs, failure.said
                self._fail(failures.of_job(job, logs, said, self._start))
        for since, text in list(self._errors):
            if since <= before and not self._failures:
                self._errors.remove((since, text))
                if not failures.is_an_echo(text) or not self.failed:
                    self._fail(failures.of_run(text, self.log, self._start))

    def _fail(self, block: str) -> None:
        self.failed = True
        if block not in self._shown:
            self._shown.add(block)
            self._say(block)

    def _say(self, text: str) -> None:
        if text:
            self.screen.say(text)
            self._spoken = time.time()

    def _draw_on(self) -> None:
        while not self._ended.wait(REDRAW):
            with self._lock:
                self._show_failures()
                if not self.jobs.total:
                    continue
                if self.screen.live:
                    known, rows = self._steps(), self.screen.size[1]
                    below = lines.of_all(self.jobs, known, self.interrupted)
                    self.screen.draw([*lines.of_jobs(self.jobs, known, rows - 2), below])
                elif time.time() - self._spoken > max(SILENCE, SILENCE_SHARE * self.jobs.seconds):
                    self._report(-1)

    def _steps(self) -> dict[int, Step]:
        """How far jobs are, by their logs, which are not read each time."""
        now = time.monotonic()
        if now - self._read > max(AGE[0], AGE[1] * len(self.jobs.running)):
            self._known, self._read = lines.steps(self.jobs), now
        return self._known

    def _report(self, part: int) -> None:
        """Write a plain line if the share of jobs that have ended has entered another part."""
        if part != self._parts:
            self._parts = part if part >= 0 else self._parts
            known = self._steps()
            running = [line.strip() for line in lines.of_jobs(self.jobs, known, 3)]
            total = lines.of_all(self.jobs, known, self.interrupted)
            self._say(" | ".join([f"{time.strftime('%H:%M:%S')}  {total}", *running]))
