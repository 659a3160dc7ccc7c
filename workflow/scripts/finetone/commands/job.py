"""Run the one job that makes TARGET, in the foreground, to debug it.

TARGET is a file or folder that a rule makes, as `snakemake -n` names it. Its job runs in this
process: progress and a whole traceback are printed, and breakpoint() works. It runs even if TARGET
is current. All it is made from must be there and current; other jobs are not run.

    finetone job results/demo/tables/ranking.csv --configfile config/demo.yaml
"""

import argparse
import logging
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from finetone import own_yaml
from finetone.commands import clone
from finetone.errors import UserError
from finetone.masking import mask


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("target", metavar="TARGET", help="a file or folder")
    clone.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Make the target; what was made of it is deleted if the job fails, as by snakemake.

    Raises
    ------
    UserError
        No job makes it, something before it is to be made first, or the job refuses.
    """
    clone.check(options)
    clone.check_library(options.snakefile, "job")
    from snakemake.exceptions import RuleException, WorkflowError

    terminal = logging.StreamHandler()
    terminal.addFilter(lambda record: record.levelno < logging.ERROR)  # errors are printed below
    logging.getLogger("finetone").addHandler(terminal)
    try:
        target, cores = options.target, options.cores
        with graph(options.snakefile, [target], options.configfile, cores=cores, force=True) as dag:
            job = job_of(dag, target)
            with locked(dag):
                return foreground(dag.workflow, job)
    except (RuleException, WorkflowError) as error:
        raise UserError(str(error).removeprefix("Error: ")) from None


@contextmanager
def in_one_line() -> Iterator[None]:
    """Inside the block what Snakemake refuses becomes a UserError of one line."""
    from snakemake.exceptions import RuleException, WorkflowError

    try:
        yield
    except (RuleException, WorkflowError) as error:
        said = " ".join(str(error).removeprefix("Error: ").split())
        raise UserError(said) from None


def locked(dag: Any) -> Any:
    """Return Snakemake's lock on the files of the job, as a context manager."""
    del dag.workflow.persistence.lock, dag.workflow.persistence.unlock  # a dry run's only warn
    dag._finished.clear()  # and it has made nothing
    return dag.workflow.persistence.lock()


def foreground(workflow: Any, job: Any) -> int:
    """Run a job, with what snakemake does before and after one; return the exit status."""
    workflow.async_run(job.prepare())
    workflow.persistence.started(job)
    try:
        execute(job)
    except BaseException as error:
        workflow.async_run(job.cleanup([]))
        workflow.persistence.cleanup(job)
        if not isinstance(error, UserError | KeyboardInterrupt):
            print(mask(traceback.format_exc()), end="", file=sys.stderr)
        sys.excepthook(type(error), error, error.__traceback__)  # the script's: writes its log
        return 1
    workflow.async_run(workflow.persistence.finished(job))
    return 0


@contextmanager
def graph(
    snakefile: Path,
    targets: Iterable[str],
    configfiles: Iterable[Path] = (),
    folder: Path | None = None,
    cores: int = 1,
    force: bool = False,
    profile: Any = None,
) -> Iterator[Any]:
    """Build Snakemake's graph of the jobs that make `targets`, in this process, by a dry run.

    Parameters
    ----------
    snakefile
        The workflow.
    targets
        Files or folders that its rules make.
    configfiles
        The experiment; later files win.
    folder
        Where to run; the current folder if None.
    cores
        Cores that jobs may use.
    force
        Make the targets again, even if they are current or were interrupted.
    profile
        Snakemake's arguments with those of a profile, whose resources and groups jobs then have.

    Raises
    ------
    WorkflowError
        Snakemake would refuse the call.
    """
    from snakemake.api import SnakemakeApi
    from snakemake.settings.enums import Quietness
    from snakemake.settings.types import (
        ConfigSettings,
        DAGSettings,
        GroupSettings,
        OutputSettings,
        ResourceSettings,
    )

    # those of profiles/default; Snakemake's default would be all triggers
    default = own_yaml.read(snakefile.parent / "profiles/default/config.yaml")
    triggers = DAGSettings.__dataclass_fields__["rerun_triggers"].default
    wanted = {t for t in triggers if str(t).replace("_", "-") in default["rerun-triggers"]}
    resources, groups = ResourceSettings(cores=cores), GroupSettings()
    if profile is not None:
        resources = ResourceSettings(  # no cores: those of this machine limit none of its jobs
            overwrite_threads=profile.set_threads,
            overwrite_resources=profile.set_resources,
            default_resources=profile.default_resources,
        )
        groups = GroupSettings(profile.groups, profile.group_components)
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            resource_settings=resources,
            config_settings=ConfigSettings(configfiles=list(configfiles)),
            snakefile=snakefile,
            workdir=folder,
        )
        settings = DAGSettings(
            targets=set(targets),
            rerun_triggers=frozenset(wanted),
            forcetargets=force,
            force_incomplete=force,
        )
        workflow.dag(settings).execute_workflow(executor="dryrun", group_settings=groups)
        yield workflow._workflow.dag


def job_of(dag: Any, target: str) -> Any:
    """The job of `dag` that makes `target`.

    Raises
    ------
    UserError
        None does, or what it is made from is missing or would be made again first.
    """
    jobs = [job for job in dag.jobs if target in map(str, job.output)]
    if not jobs or not jobs[0].rule.script:
        raise UserError(f"{target}: no job makes it; give a file or folder that snakemake -n names")
    (job,) = jobs
    before = [one for one in dag.bfs(dag.dependencies, job) if one is not job and dag.needrun(one)]
    first = [str(file) for one in before for file in one.output]
    missing = [str(file) for file in job.input if not Path(file).exists()]
    if first := list(dict.fromkeys(missing or first)):
        more = f" (and {len(first) - 1} more)" if len(first) > 1 else ""
        raise UserError(
            f"{target}: is made from {first[0]}{more}, which is to be made first; run snakemake "
            f"--cores 1 {first[0]} with the same --configfile"
        )
    return job


def execute(job: Any) -> None:
    """Run the script of a job in this process, with the part of `snakemake` that scripts use."""
    script = Path(job.rule.basedir.join(job.rule.script).get_path_or_uri(secret_free=False))
    names = ("input", "output", "params", "wildcards", "threads", "log")
    snakemake = SimpleNamespace(**{name: getattr(job, name) for name in names})
    exec(compile(script.read_text(encoding="utf-8"), script, "exec"), {"snakemake": snakemake})
