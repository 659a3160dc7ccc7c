"""finetone: which pretrained language model should I fine-tune for sentiment, and how sure can I be?"""

from pathlib import Path
from shutil import which

from snakemake.logging import logger
from snakemake.utils import min_version

min_version("9.27")


# Without an experiment on the command line, the original study's runs.
if not workflow.overwrite_configfiles and "datasets" not in config:

    configfile: Path(str(workflow.current_basedir), "config/config.yaml")


include: "workflow/rules/common.smk"


pathvars:
    exp=f"<results>/{config['experiment']}",


report: "workflow/report/workflow.rst"


include: "workflow/rules/data.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/probes.smk"
include: "workflow/rules/ensembles.smk"
include: "workflow/rules/subsets.smk"
include: "workflow/rules/tuning.smk"
include: "workflow/rules/learning_curve.smk"


if EXPERIMENT.folds:

    include: "workflow/rules/cross_validation.smk"


include: "workflow/rules/calibration.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/training_tables.smk"
include: "workflow/rules/exporting.smk"
include: "workflow/rules/figures.smk"


if PUBLISHED:

    include: "workflow/rules/published.smk"


include: "workflow/rules/report.smk"
include: "workflow/rules/labelling.smk"


onstart:
    SIZES.running = True
    # Without Slurm's commands its plugin waits for ever once a group of steps is ready.
    if workflow.executor_plugin.name == "slurm" and not which("sbatch"):
        raise WorkflowError("sbatch is not on PATH: call snakemake where jobs are submitted")
    jobs = list(workflow.dag.needrun_jobs())
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


onsuccess:
    if any(job.rule.name.endswith("report") for job in workflow.dag.finished_jobs):
        from finetone.terminal.ending import brief  # takes a second to import

        if answered := told(brief, RESULTS):
            logger.info(answered)


rule all:
    default_target: True
    input:
        "<exp>/report.html",
        "<exp>/results.json",
        "<exp>/checkpoints",
        figures=FIGURES,
        tables=[*TABLES, *EXPORTS_TABLE, *PUBLISHED_TABLES],
        exported=expand("<exp>/export/{model}", model=config["export"]),
        labelled=expand("<exp>/labelled/{table}.csv", table=config["label"]),
