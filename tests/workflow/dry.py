"""What a run would do, found in a forked process.

A dry run by the command line takes seconds, most of them for imports; a table of a hundred of them
needs something quicker. What is read here is the same graph of jobs.
"""

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from snakemake.exceptions import WorkflowError

from finetone.commands.job import execute, graph, job_of
from finetone.errors import UserError
from tests import ROOT
from tests.workflow.processes import in_fork, in_process


class Job(NamedTuple):
    """A job that would run; `params` and `output` as its script would see them."""

    rule: str
    wildcards: dict[str, str]
    input: list[str]
    output: list[str]
    params: dict[str, Any]


def dry_run(folder: Path, config: dict | None, *targets: str) -> list[Job]:
    """In an order they could run in, the jobs that a run in `folder` would start for `config`, or
    for the configuration that is there; its error becomes an Exception."""
    return in_fork(lambda: [_plain(job) for job in _needed(folder, config, targets)])


def scheduled(folder: Path, *targets: str, config: dict | None = None) -> dict[str, int]:
    """How many jobs of each rule a run would start."""
    return dict(Counter(job.rule for job in dry_run(folder, config, *targets)))


def run_one(folder: Path, config: dict, target: str) -> str:
    """Run the script of the one job that makes `target`; what it refuses, or "".

    The job is run as it would be now, with whatever is there of its inputs.
    """
    return in_process(_run, folder, config, target)


def _run(folder: Path, config: dict, target: str) -> str:
    try:
        with graph(ROOT / "Snakefile", [target], [_write(folder, config)], folder, 2) as dag:
            os.chdir(folder)
            execute(job_of(dag, target))
    except (UserError, WorkflowError) as error:
        return str(error)
    return ""


def _plain(job: Any) -> Job:
    texts = [list(map(str, files)) for files in (job.input, job.output)]
    return Job(job.rule.name, dict(job.wildcards_dict), *texts, dict(job.params.items()))


def _needed(folder: Path, config: dict | None, targets: Iterable[str]) -> list[Any]:
    """Snakemake's own objects of the jobs to run; only in a process of one's own."""
    file = _write(folder, config)
    with graph(ROOT / "Snakefile", targets, [file], folder, 2) as dag:
        place = {job: level for level, jobs in enumerate(dag.toposorted()) for job in jobs}
        jobs = [job for job in dag.jobs if dag.needrun(job) and job.rule.name != "all"]
        return sorted(jobs, key=lambda job: (place[job], str(job)))


def _write(folder: Path, config: dict | None) -> Path:
    file = folder / "experiment.yaml"
    if config is not None:
        file.write_text(yaml.safe_dump(config, sort_keys=False))
    return file
