"""Shared by all of them: the checked configuration, names of everything, small lookups."""

import re
from dataclasses import asdict
from inspect import signature
from pathlib import Path

from snakemake.common import overwrite_function_params
from snakemake.exceptions import WorkflowError

from finetone.config import catalogue, checking
from finetone.errors import UserError
from finetone.experiment.artifacts import NOT_SHOWN, Experiment
from finetone.files import refuse_read_only, sha256
from finetone.identity import files_in, without
from finetone.experiment.names import published_folder
from finetone.plots.drawing.style import Style
from finetone.provenance import as_param
from finetone.reproduction.choices import choices
from finetone.reproduction.study_file import check_study
from finetone.scheduling.sizes import Sizes


def told(function, *arguments):
    """What `function` returns; what it refuses is an error of Snakemake's, which is one sentence."""
    try:
        return function(*arguments)
    except UserError as error:
        raise WorkflowError(str(error)) from None


IS_MODULE = not workflow.modifier.is_main_snakefile()
if workflow.is_main_process:
    told(refuse_read_only, [".snakemake/locks"])  # where Snakemake would end in a traceback

SCHEMA = WORKFLOW / "schemas" / "config.schema.yaml"
checked = told(checking.check, dict(config), SCHEMA, list(map(Path, workflow.configfiles)))
config.clear()  # an update alone would keep the order the keys were written in
config.update(checked)
PUBLISHED = told(published_folder, config["report"]["published"], HERE)

RESULTS = Path(config["pathvars"]["results"], config["experiment"])
# In a module with a prefix, Snakemake puts all files there.
RESULTS = Path(workflow.modifier.path_modifier.replace_prefix(str(RESULTS)))
EXPERIMENT = Experiment(config, RESULTS)
SIZES = Sizes(EXPERIMENT)
SOURCE, TRANSFER, DATASETS = EXPERIMENT.source, config["transfer"], EXPERIMENT.datasets
MODELS, BASELINES, METHODS = EXPERIMENT.models, EXPERIMENT.baselines, EXPERIMENT.methods
NETWORKS, INTERMEDIATE = EXPERIMENT.networks, EXPERIMENT.intermediate
PROBES, ENSEMBLES = list(EXPERIMENT.probes), list(EXPERIMENT.ensembles)
READING_TEXTS = EXPERIMENT.reading_texts  # baselines that read the texts themselves
FROM_ELSEWHERE = [model for model in MODELS if model not in INTERMEDIATE]
runs_of, add, TUNING, CURVE = (
    EXPERIMENT.runs_of,
    EXPERIMENT.add,
    EXPERIMENT.tuning,
    EXPERIMENT.curve,
)
PUBLISHED_NAMES = ["published", "claims", "deviations", "side_by_side", "column_match"]
PUBLISHED_NAMES += ["parameters", "tokenizers"]
PUBLISHED_TABLES = expand("<exp>/tables/{table}.csv", table=PUBLISHED_NAMES if PUBLISHED else [])


def in_exp(artifacts):
    """Files of artifacts, as rules name them."""
    return [f"<exp>/{artifact}" for artifact in artifacts]


def any_of(names):
    """A wildcard constraint that matches these names only (and nothing at all if there are none)."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


wildcard_constraints:
    dataset=any_of(config["datasets"]),
    split="train|dev|test",
    model=any_of(MODELS),
    method=any_of(METHODS),
    seed=r"\d+",
    subset=any_of(EXPERIMENT.subsets),
    wheel=any_of(EXPERIMENT.wheels),


def curve_members(pattern):
    """The files behind predictions of a learning curve: `pattern` with each run in place of `RUN`.

    With cross-validation it is a list, one per fold.
    """
    folder = pattern.split("/")[0]

    def files(wildcards):
        method = wildcards.get("model") or wildcards.method
        found = EXPERIMENT.curve_members(folder, wildcards.rows, method, wildcards.seed)
        named = [pattern.replace(f"{folder}/RUN", f"<exp>/{each}") for each in found]
        return named if EXPERIMENT.folds else named[0]

    return files


def tested_epochs(run):
    """The weights of the epochs that are tested, beside those of the kept one."""
    return {"epochs": f"<exp>/{run}/epochs"} if config["tested_epochs"] == "every" else {}


def of_wildcards(function):
    """A function of wildcards, whose parameters Snakemake need not look up again for each job."""
    if callable(function):
        overwrite_function_params(function, signature(function).parameters)
    return function


def sized(step):
    """What one job requests, by its key in `resources:`: by its size, and more at each attempt."""
    found = {
        "mem_mb": lambda wildcards, attempt: SIZES.mem_mb(step, wildcards, attempt),
        "runtime": lambda wildcards, attempt: SIZES.runtime(step, wildcards, attempt),
        "gpu": lambda wildcards: SIZES.gpus(step, wildcards),
    }
    if step != "predict_baseline":  # of the baselines only networks want a GPU
        found["gpu"] = SIZES.gpus(step)
    return {name: of_wildcards(amount) for name, amount in found.items()}


def style_of(methods, datasets):
    """The setting `style` of a picture of these methods and datasets."""
    return {"style": asdict(Style.from_config(config, methods, datasets))}


def reported_table(table, label, category="Tables"):
    """The CSV file of a table, with its caption in Snakemake's own report."""
    return report(
        f"<exp>/tables/{table}.csv",
        caption=f"../report/{table}_table.rst",
        category=category,
        labels={"table": label},
    )


def reported_tables(labels):
    """The outputs of a rule that makes these tables."""
    found = {table: reported_table(table, label) for table, label in labels.items()}
    return found if len(found) > 1 else {"target": found.popitem()[1]}


def table_params(made_by, tables):
    """The parameters of a rule that makes these tables; but the first, each one's own is called as it is."""
    first, *others = tables
    records = {"settings": record(f"tables/{first}.csv")}
    return {"table": made_by} | records | {name: record(f"tables/{name}.csv") for name in others}


def source_of(artifact):
    """The local files that an entry is made of: its wheel, the model it is like, the user's own.

    The content of the user's decides whether something is made again (finetone.identity), not
    their time.
    """

    def inputs(wildcards):
        found = EXPERIMENT.source_of(artifact.format(**wildcards))
        # Snakemake would take braces for wildcards; the job finds the file by the configuration.
        plain = [file for file in found.pop("files", []) if not set(file) & set("{}")]
        return found | {"files": ancient(local(plain))} if plain else found

    return inputs


def drawn_from(wildcards):
    """What a row subset is drawn from, beside the data."""
    settings = EXPERIMENT.subsets[wildcards.subset]
    return {
        "within": [f"<exp>/subsets/{settings['within']}.parquet"] if "within" in settings else [],
        "near_duplicates": (
            [f"<exp>/near_duplicates/{SOURCE}.parquet"] if "folds" in settings else []
        ),
    }


def record(artifact):
    """What decides the bytes of `artifact`, a path with wildcards, and the fingerprint for its
    record: the parameter `settings` of whatever makes it."""
    return of_wildcards(lambda wildcards: EXPERIMENT.param(artifact.format(**wildcards)))


def embedded(dataset, split):
    """The embeddings of a split that the probe in the wildcard `method` reads."""

    def artifact(wildcards):
        of = dataset.format(**wildcards)
        return f"<exp>/{EXPERIMENT.embeddings_of(wildcards.method, of, split)}"

    return artifact


def of_members(pattern):
    """The files `pattern` of the runs that the ensemble in the wildcard `method` is made of."""
    return lambda wildcards: EXPERIMENT.members(
        pattern.replace("{dataset}", wildcards.get("dataset", "")), wildcards.method
    )


def of_first_run(pattern):
    """The file `pattern` of the run of a model that is exported."""
    return lambda wildcards: pattern.format(
        method=wildcards.model, seed=EXPERIMENT.first_seed_of(wildcards.model)
    )


def runs_that_label(pattern):
    """The files `pattern` of all runs that may label a table."""
    return lambda wildcards: runs_of(pattern, EXPERIMENT.labelling_methods(wildcards.table))


def learned_by(wildcards):
    """The folders that hold what these runs learned."""
    return [
        f"<exp>/runs/{method}/seed{seed}/{'checkpoint' if method in MODELS else 'model'}"
        for method in EXPERIMENT.labelling_methods(wildcards.table)
        if method not in ENSEMBLES
        for seed in EXPERIMENT.seeds_of(method)
    ]


def advice(wildcards):
    """The results, if it is for them to say which method labels a table."""
    return "<exp>/results.json" if config["label"][wildcards.table]["method"] is None else []


def our_rules(here=globals()):
    """All rules, without those of a workflow that uses this one as a module."""
    return [rule for rule in workflow.rules if rule.module_globals is here]


def our_jobs(here=globals()):
    """The jobs to run, without theirs."""
    return [job for job in workflow.dag.needrun_jobs() if job.rule.module_globals is here]
