"""finetone: which pretrained language model should I fine-tune for sentiment, and how sure can I be?"""

import gc

from snakemake.logging import logger
from snakemake.utils import min_version

min_version("9.27")
# Jobs and files of a graph live until its end: to look for garbage among them costs a tenth of the time.
gc.set_threshold(100_000, 50, 50)


include: "workflow/rules/source.smk"


# Without an experiment on the command line, the original study's runs.
if not workflow.overwrite_configfiles and "datasets" not in config:

    configfile: HERE / "config" / "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/cluster.smk"
include: "workflow/rules/hooks.smk"


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
include: "workflow/rules/exporting.smk"
include: "workflow/rules/figures.smk"


if PUBLISHED:

    include: "workflow/rules/published.smk"


include: "workflow/rules/report.smk"
include: "workflow/rules/labelling.smk"


onstart:
    check_before_jobs()


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
