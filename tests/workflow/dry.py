"""What a run would do, found in a forked process that has Snakemake imported already.

A dry run by the command line takes seconds, most of them for imports; a table of a hundred of them
needs something quicker. What is read here is the same graph of jobs.
"""

import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import yaml
from snakemake.api import SnakemakeApi
from snakemake.exceptions import WorkflowError
from snakemake.settings.enums import Quietness
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings

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
    """Run the script of the one job that makes `target`, in a fork; what it refuses, or "".

    The job is run as it would be now, with whatever is there of its inputs.
    """

    def run() -> str:
        try:
            jobs = _needed(folder, config, [target])
            (job,) = [job for job in jobs if target in map(str, job.output)]
            assert len(jobs) == 1, f"more to do: {[str(job) for job in jobs]}"
            script = ROOT / "workflow/scripts" / Path(job.rule.script).name
            names = ("input", "output", "params", "wildcards", "threads", "log")
            snakemake = SimpleNamespace(**{name: getattr(job, name) for name in names})
            os.chdir(folder)
            exec(compile(script.read_text(), script, "exec"), {"snakemake": snakemake})
        except (UserError, WorkflowError) as error:
            return str(error)
        return ""

    return in_fork(run)


def _plain(job: Any) -> Job:
    texts = [list(map(str, files)) for files in (job.input, job.output)]
    return Job(job.rule.name, dict(job.wildcards_dict), *texts, dict(job.params.items()))


def _needed(folder: Path, config: dict, targets: Iterable[str]) -> list[Any]:
    """Snakemake's own objects of the jobs to run; only in a process of one's own."""
    # Snakemake's own default would be all triggers; these are those of profiles/default
    profile = yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text())
    triggers = DAGSettings.__dataclass_fields__["rerun_triggers"].default
    wanted = {t for t in triggers if str(t).replace("_", "-") in profile["rerun-triggers"]}
    file = folder / "experiment.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=2),
            config_settings=ConfigSettings(configfiles=[file]),
            snakefile=ROOT / "Snakefile",
            workdir=folder,
        )
        settings = DAGSettings(targets=set(targets), rerun_triggers=frozenset(wanted))
        workflow.dag(settings).execute_workflow(executor="dryrun")
        dag = workflow._workflow.dag
        place = {job: level for level, jobs in enumerate(dag.toposorted()) for job in jobs}
        jobs = [job for job in dag.jobs if dag.needrun(job) and job.rule.name != "all"]
        return sorted(jobs, key=lambda job: (place[job], str(job)))


def in_fork(work: Callable[[], Any]) -> Any:
    """The result of `work`, called in a copy of this process, whatever it does to its globals."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()

    def call() -> None:
        try:
            theirs.send((work(), None))
        except BaseException as error:
            theirs.send((None, f"{error}\n{traceback.format_exc()}"))

    process = context.Process(target=call)
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
