"""finetone: which pretrained language model should I fine-tune for sentiment, and how sure can I be?"""

from pathlib import Path
from shutil import which

from snakemake.logging import logger
from snakemake.utils import min_version

min_version("9.27")


# An experiment given on the command line stands alone; without one, the report's runs.
if not workflow.overwrite_configfiles and "datasets" not in config:

    configfile: Path(str(workflow.current_basedir), "config/config.yaml")


include: "workflow/rules/common.smk"


pathvars:
    exp=f"<results>/{config['experiment']}",


report: "workflow/report/workflow.rst"


include: "workflow/rules/download.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/intermediate.smk"
include: "workflow/rules/tokenize.smk"
include: "workflow/rules/finetune.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/baselines.smk"
include: "workflow/rules/speed.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"


if PUBLISHED:

    include: "workflow/rules/published.smk"


include: "workflow/rules/report.smk"


onstart:
    # Without Slurm's commands its plugin waits for ever once a group of steps is ready.
    if workflow.executor_plugin.name == "slurm" and not which("sbatch"):
        raise WorkflowError("sbatch is not on PATH: call snakemake where jobs are submitted")
    try:
        jobs = list(workflow.dag.needrun_jobs())
        check_mtimes(file for job in jobs for file in job.input)
        refuse_read_only(file for job in jobs for file in [*job.output, *job.log])
        revisions.refuse(revisions.fetched(config, (Path(file) for job in jobs for file in job.input)))
        if workflow.executor_plugin.name == "slurm":
            # the name that the plugin gives to every job of this call
            cluster.watch(workflow.scheduler._executor.run_uuid, logger.warning)
    except UserError as error:
        raise WorkflowError(str(error)) from None


rule all:
    default_target: True
    input:
        "<exp>/report.html",
        "<exp>/results.json",
        "<exp>/checkpoints",
        figures=FIGURES,
        tables=[*TABLES, *PUBLISHED_TABLES],
