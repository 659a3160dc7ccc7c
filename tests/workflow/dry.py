"""What a run would do, found in a forked process that has Snakemake imported already.

A dry run by the command line takes seconds, most of them for imports; a table of a hundred of them
needs something quicker. What is read here is the same graph of jobs.
"""

import multiprocessing
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from snakemake.api import SnakemakeApi
from snakemake.settings.enums import Quietness
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings

from tests.workflow.snake import ROOT


class Job(NamedTuple):
    """A job that would run; `params` and `output` as its script would see them."""

    rule: str
    wildcards: dict[str, str]
    input: list[str]
    output: list[str]
    params: dict[str, Any]


def dry_run(folder: Path, config: dict, *targets: str) -> list[Job]:
    """In an order they could run in, the jobs that a run in `folder` would start for `config`; its error becomes an Exception."""
    # Snakemake's own default would be all triggers; these are those of profiles/default
    profile = yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text())
    file = folder / "experiment.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))

    def read() -> list[Job]:
        with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=2),
                config_settings=ConfigSettings(configfiles=[file]),
                snakefile=ROOT / "Snakefile",
                workdir=folder,
            )
            triggers = DAGSettings.__dataclass_fields__["rerun_triggers"].default
            wanted = {t for t in triggers if str(t).replace("_", "-") in profile["rerun-triggers"]}
            settings = DAGSettings(targets=set(targets), rerun_triggers=frozenset(wanted))
            workflow.dag(settings).execute_workflow(executor="dryrun")
            dag = workflow._workflow.dag
            levels = enumerate(dag.toposorted())
            place = {job: level for level, jobs in levels for job in jobs}
            return [
                Job(
                    job.rule.name,
                    dict(job.wildcards_dict),
                    list(map(str, job.input)),
                    list(map(str, job.output)),
                    dict(job.params.items()),
                )
                for job in sorted(dag.jobs, key=lambda job: (place[job], str(job)))
                if dag.needrun(job) and job.rule.name != "all"
            ]

    return in_fork(read)


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
