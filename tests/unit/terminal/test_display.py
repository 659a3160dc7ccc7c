"""What is shown of a run, from the records that Snakemake's logger gets and from logs of jobs."""

import io
import logging
import os
import time
from pathlib import Path
from typing import Any

import pytest

from finetone import attempts
from finetone.terminal import display, failures, job_log, lines
from finetone.terminal.display import Display
from finetone.terminal.job_log import Step
from finetone.terminal.jobs import Job, Jobs
from finetone.terminal.screen import Screen, fitted


class Streams:
    """In place of the terminal."""

    def __init__(self, live: bool = False) -> None:
        self.terminal, self.live, self.log = io.StringIO(), live, Path()

    def into(self, log: Path) -> None:
        self.log = log


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Display:
    monkeypatch.chdir(tmp_path)
    return Display(Streams())  # type: ignore[arg-type]


def said(of: Display) -> list[str]:
    """The lines after the run."""
    of.close()
    return of.streams.terminal.getvalue().splitlines()  # type: ignore[attr-defined, no-any-return]


def tell(
    to: Display, event: str | None, text: str = "", level: int = logging.INFO, **facts: Any
) -> None:
    record = logging.LogRecord("snakemake.logging", level, "", 0, text, (), None)
    vars(record).update(facts | ({"event": event} if event else {}))
    to.hear(record)


def start(to: Display, number: int, rule: str = "finetune", log: str = "") -> None:
    about = {"jobid": number, "rule_name": rule, "rule_msg": f"Do {rule} {number}"}
    tell(to, "job_info", **about, log=[log] if log else [])


def fail(to: Display, number: int, log: str = "", text: str = "") -> None:
    if text:
        tell(to, "error", text, logging.ERROR)
    about = {"jobid": number, "rule_name": "finetune", "log": [log] if log else []}
    tell(to, "job_error", "Error in rule", logging.ERROR, **about)


def write_log(path: str, text: str, refused: bool = False) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(f"==== attempt 1, now\n{text}")
    if refused:
        attempts.refuse(Path(path))
    return path


def test_plain_lines_are_few_whatever_the_number_of_jobs(shown: Display) -> None:
    tell(shown, "run_info", stats={"finetune": 2000, "total": 2000})
    for number in range(2000):
        start(shown, number)
        tell(shown, "job_finished", job_id=number)
        tell(shown, "progress", done=number + 1, total=5000)
    told = said(shown)
    assert told[0] == "2000 jobs to run" and 40 < len(told) < 60
    assert " 2000 of 2000 jobs · " in told[-1] and "left" not in told[-1]


def test_silence_is_broken_now_and_then(shown: Display, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "SILENCE", 0.0)
    monkeypatch.setattr(display, "SILENCE_SHARE", 0.0)
    tell(shown, "run_info", stats={"finetune": 1, "total": 1})
    start(shown, 1)
    time.sleep(3 * display.REDRAW)
    told = said(shown)
    assert len(told) > 1 and "0 of 1 jobs" in told[1] and "Do finetune 1" in told[1]


def test_an_error_is_told_once_with_its_log(shown: Display) -> None:
    trace = 'Traceback (most recent call last):\n  File "x.py", line 1\nRuntimeError: odd \x1b[2J\n'
    log = write_log("logs/a.log", f"12:00:00 ERROR   {trace}")
    for number in (1, 2):
        start(shown, number, log=log)
    fail(shown, 1, log, "RuleException:\nCalledProcessError in file …")
    tell(shown, None, "Exiting because a job execution failed. Look below …", logging.ERROR)
    tell(
        shown,
        "error",
        "WorkflowError:\nAt least one job did not complete successfully.",
        logging.ERROR,
    )
    assert said(shown) == ["finetone: Do finetune 1: RuntimeError: odd  [2J", "  log: logs/a.log"]
    assert shown.failed


def test_the_same_error_of_the_user_in_many_jobs_is_one_sentence(shown: Display) -> None:
    for number in (1, 2, 3):
        log = write_log(f"logs/{number}.log", "12:00:00 ERROR   recipe: lower it\n", refused=True)
        start(shown, number, log=log)
        fail(shown, number, log)
    assert said(shown) == ["finetone: recipe: lower it"]


def test_a_job_that_is_tried_again_is_no_error(shown: Display) -> None:
    log = write_log("logs/a.log", "12:00:00 ERROR   OSError: the disk\n")
    start(shown, 7, log=log)
    fail(shown, 7, log, "RuleException: …")
    tell(shown, None, "Trying to restart job 7.")
    assert said(shown) == ["finetone: Do finetune 7: failed, is tried again"]
    assert not shown.failed


def test_a_group_of_jobs_names_the_one_that_failed(shown: Display) -> None:
    bad = write_log("logs/2.log", "12:00:00 ERROR   ValueError: x\n")
    logs = {1: write_log("logs/1.log", "all well\n"), 2: bad, 3: "logs/3.log"}
    for number, log in logs.items():
        start(shown, number, log=log)
    about = [{"jobid": n, "rule_name": "finetune", "log": [log]} for n, log in logs.items()]
    tell(
        shown,
        "group_error",
        "",
        logging.ERROR,
        groupid="g",
        aux_logs=["s.log"],
        job_error_info=about,
    )
    for number, log in logs.items():
        fail(shown, number, log)
    assert said(shown) == ["finetone: Do finetune 2: ValueError: x", "  log: logs/2.log"]
    again = Display(Streams())  # type: ignore[arg-type]
    tell(
        again,
        "group_error",
        "",
        logging.ERROR,
        groupid="g",
        aux_logs=["s.log"],
        job_error_info=about,
    )
    tell(again, None, "Trying to restart job 0e9a-11.")
    assert said(again) == ["finetone: finetune: failed, is tried again"]


def test_errors_without_a_job(shown: Display) -> None:
    """Ours is a sentence; Snakemake's own has the log that has the rest; a warning is shown."""
    ours = 'WorkflowError in file "/x/common.smk", line 28:\nseeds: is empty\n  File "/x", line 1, in f'
    tell(shown, "error", ours, logging.ERROR)
    assert said(shown) == ["finetone: seeds: is empty"]
    other = Display(Streams())  # type: ignore[arg-type]
    tell(other, None, "finetone: models.x: a licence.", logging.WARNING)
    lock = "LockException:\nError: Directory cannot be locked.\nRemove it."
    tell(other, "error", lock, logging.ERROR)
    tell(other, None, "Select jobs to execute...")
    tell(other, None, "Results: results/a", results="results/a")
    assert said(other) == [
        "finetone: models.x: a licence.",
        "finetone: Directory cannot be locked.",
        "Remove it.",
    ]
    assert other.results == Path.cwd() / "results/a"


def test_output_that_is_missing_ends_the_job(shown: Display) -> None:
    tell(shown, "run_info", stats={"finetune": 2, "total": 2})
    start(shown, 5)
    text = "MissingOutputException in rule finetune in file …:\nJob 5 completed successfully, but some output files are missing."
    tell(shown, "error", text, logging.ERROR)
    assert shown.jobs.running == {}
    assert said(shown)[-1].startswith("finetone: Job 5 completed successfully, but")


def test_after_an_interruption_errors_of_the_jobs_are_not_told(shown: Display) -> None:
    start(shown, 1)
    tell(shown, None, "Terminating processes on user request, this might take some time.")
    fail(shown, 1, text="RuleException: …")
    assert said(shown) == ["finetone: interrupted; waiting for running jobs to end"]
    assert shown.interrupted and not shown.failed


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("CalledProcessError in file \"x\", line 1:\nCommand 'a' died with <Signals.SIGKILL: 9>.",
         "was killed (SIGKILL): memory may have ended, or a scheduler has ended it"),
        ("CalledProcessError in file \"x\", line 1:\nCommand 'a' returned non-zero exit status 3.",
         "Command 'a' returned non-zero exit status 3"),
    ],
)  # fmt: skip
def test_a_job_that_could_not_log_its_end(text: str, reason: str, tmp_path: Path) -> None:
    block = failures.of_job(Job(1, "r", "Do it"), [str(tmp_path / "a.log")], text, tmp_path)
    assert block == f"finetone: Do it: {reason}\n  log: a.log"


def test_how_far_a_job_is_stands_in_its_log(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    assert job_log.step(log, 0) is None
    log.write_text(
        "12:00:00 INFO    epoch 2 step 50/225 loss 0.4 accuracy 0.9 (epoch so far) 464 tokens/s 40 s left\n"
        "12:00:00 INFO    another/line\n"
    )
    now = time.time()
    os.utime(log, (now - 10, now - 10))
    step = job_log.step(log, now - 60)
    assert step and (step.unit, step.done, step.total) == ("step", 50, 225)
    assert step.left == pytest.approx(30, abs=1)
    assert job_log.step(log, now) is None, "by an earlier attempt"
    with log.open("a") as stream:
        stream.write("==== attempt 2, now\n12:00:00 INFO    nothing yet\n")
    assert job_log.step(log, 0) is None, "of another attempt"


def test_the_time_left_is_complete_or_a_lower_bound() -> None:
    jobs = Jobs()
    jobs.plan({"short": 4, "long": 3, "total": 7})
    jobs._began -= 40
    assert jobs.time_left({}) is None
    for number in range(3):
        jobs.start(Job(number, "short", "", began=time.time() - 10))
        jobs.finish(number)
    jobs.done = 3
    jobs.start(Job(9, "long", "", began=time.time() - 10))
    seconds, complete = jobs.time_left({}) or (0, True)
    assert not complete and seconds == pytest.approx(30, abs=2), "as if all were short"
    seconds, complete = jobs.time_left({9: Step("step", 1, 10, 90.0)}) or (0, False)
    assert complete and seconds == pytest.approx(90 + 2 * 100 + 10, abs=2)
    jobs._began += 30  # as if three had run at once
    assert (jobs.time_left({9: Step("step", 1, 10, 90.0)}) or (0,))[0] < 110


def test_live_lines_are_written_anew_and_fit() -> None:
    stream = io.StringIO()
    view = Screen(stream, live=True)
    view.draw(["a", "电" * 60])
    assert stream.getvalue() == "a\n" + "电" * 39 + "…\n"
    view.say("told\x07")
    view.draw([])
    assert stream.getvalue().endswith("\x1b[2A\x1b[Jtold \na\n" + "电" * 39 + "…\n\x1b[2A\x1b[J")
    assert fitted("short", 10) == "short" and fitted("0123456789", 5) == "0123…"


def test_a_terminal_that_is_gone_does_not_end_the_run() -> None:
    stream = io.StringIO()
    view = Screen(stream, live=True)
    stream.close()
    view.say("told")
    view.draw(["a"])
    assert not view.live


def test_more_jobs_than_rows() -> None:
    jobs = Jobs()
    for number in range(30):
        jobs.start(Job(number, "r", lines.title(f"{number}\n{'x' * 90}")))
    told = lines.of_jobs(jobs, {}, most=10)
    assert len(told) == 10 and told[-1] == "  and 21 more"
    assert len({len(line) for line in told[:-1]}) == 1 and "…" in told[0] and "\n" not in told[0]
