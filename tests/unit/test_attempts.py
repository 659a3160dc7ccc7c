"""The log of a job that is sent again."""

import os
from pathlib import Path

import pytest

from finetone import attempts


def attempt(log: Path, text: str, well: bool) -> str:
    """One attempt as Snakemake runs it: the log is removed first. What the log then says."""
    log.unlink(missing_ok=True)
    ended_well = attempts.begin(log)
    with log.open("a") as stream:
        stream.write(f"{text}\n")
    if well:
        ended_well()
    return log.read_text()


def test_failed_attempts_stay_and_a_success_is_followed_by_a_new_log(tmp_path: Path) -> None:
    log = tmp_path / "job.log"
    attempt(log, "one", well=False)
    said = attempt(log, "two", well=True)
    assert [line.split(",")[0] for line in said.splitlines()] == [
        "==== attempt 1", "one", "==== attempt 2", "two",
    ]  # fmt: skip
    said = attempt(log, "three", well=True)
    assert said.startswith("==== attempt 1, ") and "one" not in said and "two" not in said
    assert list(tmp_path.iterdir()) == [log]


def test_steps_that_ended_well_are_repeated_with_their_slurm_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "job.log"
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("FINETONE_RUN", "this")
    attempt(log, "one", well=True)
    said = attempt(log, "two", well=True)
    assert "one" in said and "==== attempt 2, " in said and ", Slurm job 7\n" in said
    monkeypatch.setenv("FINETONE_RUN", "the next")
    assert "one" not in attempt(log, "three", well=True)
    assert len(list(tmp_path.iterdir())) == 2, "nothing of earlier runs is left"


def test_other_jobs_logs_are_not_touched(tmp_path: Path) -> None:
    attempt(tmp_path / "a.log", "one", well=False)
    attempt(tmp_path / "a.log.b", "other", well=False)
    assert "one" in attempt(tmp_path / "a.log", "two", well=True)


def test_a_job_that_always_fails_does_not_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "LIMIT", 1000)
    log = tmp_path / "job.log"
    sizes = [len(attempt(log, "x" * 300, well=False)) for _ in range(20)]
    assert max(sizes) < 1500 and "x" * 300 in log.read_text()


def test_without_hard_links_the_log_holds_one_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    log = tmp_path / "job.log"
    attempt(log, "one", well=False)
    said = attempt(log, "two", well=True)
    assert said.startswith("==== attempt 1, ") and said.endswith("two\n")
