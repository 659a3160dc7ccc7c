"""What a run would do, found in a forked process that has Snakemake imported already.

A dry run by the command line takes seconds, most of them for imports; a table of a hundred of them
needs something quicker. What is read here is the same graph of jobs.
"""

import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import snakemake.api  # noqa: F401 (imported once, not in every fork)
import yaml
from snakemake.exceptions import WorkflowError

from finetone.commands.job import execute, graph, job_of
from finetone.errors import UserError
from tests.workflow.snake import ROOT


class Job(NamedTuple):
    """A job that would run; `params` and `output` as its script would see them."""

    rule: str
    wildcards: dict[str, str]
    input: list[str]
    output: list[str]
    params: dict[str, Any]


def dry_run(folder: Path, config: dict, *targets: str) -> list[Job]:
    """In an order they could run in, the jobs that a run in `folder` would start for `config`; its
    error becomes an Exception."""
    return in_fork(lambda: [_plain(job) for job in _needed(folder, config, targets)])


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


def _needed(folder: Path, config: dict, targets: Iterable[str]) -> list[Any]:
    """Snakemake's own objects of the jobs to run; only in a process of one's own."""
    file = _write(folder, config)
    with graph(ROOT / "Snakefile", targets, [file], folder, 2) as dag:
        place = {job: level for level, jobs in enumerate(dag.toposorted()) for job in jobs}
        jobs = [job for job in dag.jobs if dag.needrun(job) and job.rule.name != "all"]
        return sorted(jobs, key=lambda job: (place[job], str(job)))


def _write(folder: Path, config: dict) -> Path:
    file = folder / "experiment.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    return file


def in_fork(work: Callable[[], Any]) -> Any:
    """The result of `work`, called in a copy of this process, whatever it does to its globals.

    It must not compute with torch: where this process has, its threads would be waited for in vain.
    """
    return _result(multiprocessing.get_context("fork"), work, ())


def in_process(work: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a module's function, called in a process that has none of this one's threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["snakemake.api", "finetone.commands.job"])
    return _result(context, work, arguments)


def _result(context: Any, work: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    ours, theirs = context.Pipe()
    process = context.Process(target=_call, args=(theirs, work, arguments))
    process.start()
    theirs.close()
    try:
        result, error = ours.recv()
    except EOFError:
        result, error = None, "the process died"
    process.join()
    if error:
        raise RuntimeError(error)
    return result


def _call(connection: Any, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        connection.send((work(*arguments), None))
    except BaseException as error:
        connection.send((None, f"{error}\n{traceback.format_exc()}"))
