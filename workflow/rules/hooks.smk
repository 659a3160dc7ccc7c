"""What is done around the jobs: what is stale is made again, what cannot run is refused before it does.

Snakemake has no places for these; its own functions are wrapped.
"""

from pathlib import Path
from shutil import which

from snakemake.io import is_flagged
from snakemake.logging import logger

from finetone import attempts
from finetone.experiment import reruns
from finetone.scheduling import slurm
from finetone.config import catalogue
from finetone.data.first_look import look, look_at_rows
from finetone.data.row_counts import check_rows
from finetone.errors import UserError
from finetone.files import check_mtimes, refuse_read_only
from finetone.hub import revisions
from finetone.labelling import sources


def artifacts_of(target):
    """The artifacts behind a target, which is a file, or a name with all that it makes or gathers.

    What a workflow that uses this one as a module makes may be made from any of them.
    """
    if target == "all":
        return EXPERIMENT.added
    files = [target]
    if workflow.is_rule(target):
        named = workflow.get_rule(target)
        files = [file for file in named.output or named.input if isinstance(file, str)]
    found = list(map(EXPERIMENT.artifact_of, files))
    if IS_MODULE and not all(found):
        return EXPERIMENT.added
    return [artifact for artifact in found if artifact]


def look_at_new_texts(table):
    """Check that there is one table to label, with a column of texts."""
    block = config["label"][table]
    told(sources.look, f"label.{table}", block, block["text"] or config["datasets"][SOURCE]["text"])


def forget_sizes():
    """Where nothing counts memory and time, spare an estimate for each of thousands of jobs."""
    given = workflow.resource_settings
    counted = given.default_resources is not None or {"mem_mb", "runtime"} & {*given.resources}
    plugin = workflow.executor_plugin  # none where a report is made
    if plugin and plugin.name in ("local", "dryrun") and not counted:
        for each in our_rules():
            for key in ("mem_mb", "runtime"):
                if each.resources.get(key).is_evaluable():
                    each.resources[key] = None


def _build_dag(build=workflow._build_dag):
    """Have Snakemake make again, among what it is to make, all that was made under other
    settings than the present ones, and say so."""
    logger.info(f"Results: {RESULTS}", extra={"results": str(RESULTS)})
    forget_sizes()
    targets = workflow.dag_settings.targets or ["all"]
    wanted = [artifact for target in targets for artifact in artifacts_of(target)]
    found = told(reruns.find, EXPERIMENT, wanted)
    for sentence in [*catalogue.notices(config["models"]), *reruns.sentences(found, RESULTS)]:
        logger.warning(f"finetone: {sentence}.")
    workflow.dag.forcefiles |= found.files
    for table in config["label"]:
        labelled = f"labelled/{table}.csv"
        if labelled in wanted and not (RESULTS / labelled).exists():
            look_at_new_texts(table)
    if IS_MODULE:
        check_as_module()
    build()
    data, current = RESULTS / "data" / SOURCE, f"data/{SOURCE}" not in found.stale
    prepared = current and (data / "manifest.json").exists()
    if current:  # or it is made again, perhaps with other rows
        told(look_at_rows, SOURCE, config["datasets"][SOURCE], data / "manifest.json")
    for job in our_jobs():
        if job.rule.name.endswith("download_dataset"):
            dataset = job.wildcards.dataset
            told(look, dataset, config["datasets"][dataset])
        elif job.rule.name.endswith("label_texts"):
            look_at_new_texts(job.wildcards.table)
    if our_jobs():
        told(check_rows, config, data if prepared else None)
    # in a real run only, but also in one with nothing to do, which calls no `onstart`
    if found.unrecorded and workflow.executor_plugin and not workflow.dryrun:
        try:
            reruns.take(EXPERIMENT)
        except UserError as error:
            logger.warning(f"finetone: {error}.")


def check_before_jobs():
    """Refuse, before the first job, what would end in an error later."""
    SIZES.running = True
    # Without Slurm's commands its plugin waits for ever once a group of steps is ready.
    if workflow.executor_plugin.name == "slurm" and not which("sbatch"):
        raise WorkflowError("sbatch is not on PATH: call snakemake where jobs are submitted")
    jobs = our_jobs()
    inputs = [file for job in jobs for file in job.input]
    told(check_mtimes, inputs)
    told(refuse_read_only, [file for job in jobs for file in [*job.output, *job.log]])
    told(revisions.refuse_moved, config, list(map(Path, inputs)))
    if workflow.executor_plugin.name == "slurm":
        told(fit_to_cluster, 1 + workflow.execution_settings.retries)
        SIZES.nodes.tell_jobs()
    retry_unless_refused(workflow.scheduler)
    if TUNING:
        skip_unchanged(workflow.scheduler)
    if workflow.executor_plugin.name == "slurm":
        # the name that the plugin gives to every job of this call
        told(slurm.watch, workflow.scheduler._executor.run_uuid, logger.warning)
        show_rejections(workflow.scheduler._executor)


def check_as_module():
    """Have the same checked where Snakemake leaves out `onstart:`, that of a module."""
    theirs = workflow._onstart

    def onstart(log):
        check_before_jobs()
        theirs(log)

    workflow._onstart = onstart


def retry_unless_refused(scheduler):
    """Have a job that ended with an error of the user's not sent again: it would end so again."""

    def handle_error(job, *given, handle=scheduler._handle_error, **named):
        jobs = list(job) if job.is_group() else [job]
        refused = any(attempts.was_refused(Path(log)) for each in jobs for log in each.log)
        limits = [(each.rule, each.rule._restart_times) for each in jobs if refused]
        for of_job, _ in limits:
            of_job.restart_times = 0
        handle(job, *given, **named)
        for of_job, retries in limits:
            of_job.restart_times = retries

    scheduler._handle_error = handle_error


def is_unchanged(job):
    """Whether all that a job would make is there already, made from what is there now."""
    dag = workflow.dag
    if job.is_group():
        return all(map(is_unchanged, job.jobs))
    artifacts = [EXPERIMENT.artifact_of(str(file)) for file in job.output]
    if dag.reason(job).forced or not artifacts or not all(artifacts):
        return False
    if not all(reruns.is_current(EXPERIMENT, artifact) for artifact in artifacts):
        return False
    gone = [file for file in job.output if not Path(file).exists()]
    users = [
        user for user, used in dag.depending[job].items() if dag.needrun(user) and {*gone} & used
    ]
    # what is deleted once it was used is not missed if nobody uses it now
    return all(is_flagged(file, "temp") for file in gone) and all(map(is_unchanged, users))


def skip_unchanged(scheduler):
    """Have a job end without being run where it would make what is there.

    Snakemake runs all that follows from a job that ran. What is chosen by tuning often stays what
    it was, and then so does everything made from it.
    """

    def run_changed(jobs, executor=None, run=scheduler.run):
        unchanged = [job for job in jobs if is_unchanged(job)]
        run([job for job in jobs if job not in unchanged], executor)
        for job in unchanged:
            logger.info(f"finetone: nothing that {', '.join(job.output)} is made from has changed")
            for each in job.jobs if job.is_group() else [job]:
                for file in each.output:
                    if not Path(file).exists():
                        Path(file).mkdir(parents=True)  # a folder to be deleted; nobody uses it
            scheduler._proceed(job)

    scheduler.run = run_changed


# Snakemake has no place between reading the rules and deciding which jobs to run, where the files
# to make again could be named.
if workflow.is_main_process:
    workflow._build_dag = _build_dag
