"""Shared by all of them: the checked configuration, names of everything, small lookups."""

import os
import re
import sys
from dataclasses import asdict
from inspect import signature
from pathlib import Path

from snakemake.common import overwrite_function_params
from snakemake.exceptions import WorkflowError
from snakemake.io import is_flagged
from snakemake.logging import logger

WORKFLOW = Path(str(workflow.current_basedir)).parent
# Here and in the scripts of the jobs, this library comes before any other of the same name.
sys.path.insert(0, str(WORKFLOW / "scripts"))
os.environ.update(PYTHONPATH=f"{WORKFLOW / 'scripts'}:{os.getenv('PYTHONPATH', '')}".rstrip(":"))

from finetone import attempts, nodes, reruns, slurm
from finetone.config import catalogue, checking
from finetone.data.first_look import look, look_at_rows
from finetone.data.row_counts import check_rows
from finetone.errors import UserError
from finetone.experiment import NOT_SHOWN, Experiment
from finetone.files import check_mtimes, refuse_read_only, sha256
from finetone.hub import revisions
from finetone.identity import files_in, without
from finetone.labelling import sources
from finetone.names import published_folder
from finetone.plots.style import Style
from finetone.provenance import as_param
from finetone.reproduction.choices import choices
from finetone.reproduction.study_file import check_study
from finetone.sizes import Sizes


def told(function, *arguments):
    """What `function` returns; what it refuses is an error of Snakemake's, which is one sentence."""
    try:
        return function(*arguments)
    except UserError as error:
        raise WorkflowError(str(error)) from None


SCHEMA = WORKFLOW / "schemas" / "config.schema.yaml"
checked = told(checking.check, dict(config), SCHEMA, list(map(Path, workflow.configfiles)))
config.clear()  # an update alone would keep the order the keys were written in
config.update(checked)
PUBLISHED = told(published_folder, config["report"]["published"], WORKFLOW.parent)

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
    """The files behind predictions of a learning curve: `pattern` with each run in place of `RUN`."""
    folder = pattern.split("/")[0]

    def files(wildcards):
        method = wildcards.get("model") or wildcards.method
        found = EXPERIMENT.curve_members(folder, wildcards.rows, method, wildcards.seed)
        return [pattern.replace(f"{folder}/RUN", f"<exp>/{each}") for each in found]

    return files


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


def first_run_of(file):
    """A file of the run of a model that is exported: that of the first seed."""

    def path(wildcards):
        seed = EXPERIMENT.seeds_of(wildcards.model)[0]
        return f"<exp>/runs/{wildcards.model}/seed{seed}/{file}"

    return path


def first_temperature_of(wildcards):
    """The temperature of that run."""
    seed = EXPERIMENT.seeds_of(wildcards.model)[0]
    return TEMPERATURE.format(method=wildcards.model, seed=seed) if EXPERIMENT.has_dev else []


def labelling_methods(wildcards):
    """The methods that may label a table: the one that it names, or any.

    An ensemble labels with the runs that it is made of.
    """
    method = config["label"][wildcards.table]["method"]
    found = METHODS if method is None else [method]
    return [*dict.fromkeys(m for name in found for m in EXPERIMENT.with_members(name))]


def runs_that_label(pattern):
    """Files of all runs of these methods."""
    return lambda wildcards: runs_of(pattern, labelling_methods(wildcards))


def learned_by(wildcards):
    """The folders that hold what these runs learned."""
    return [
        f"<exp>/runs/{method}/seed{seed}/{'checkpoint' if method in MODELS else 'model'}"
        for method in labelling_methods(wildcards)
        if method not in ENSEMBLES
        for seed in EXPERIMENT.seeds_of(method)
    ]


def advice(wildcards):
    """The results, if it is for them to say which method labels a table."""
    return "<exp>/results.json" if config["label"][wildcards.table]["method"] is None else []


def artifacts_of(target):
    """The artifacts behind a target, which is a file, or a name with all that it makes or gathers."""
    if target == "all":
        return EXPERIMENT.added
    files = [target]
    if workflow.is_rule(target):
        named = workflow.get_rule(target)
        files = [file for file in named.output or named.input if isinstance(file, str)]
    return [file for file in map(EXPERIMENT.artifact_of, files) if file]


def look_at_new_texts(table):
    """Check that there is one table to label, with a column of texts."""
    block = config["label"][table]
    told(sources.look, f"label.{table}", block, block["text"] or config["datasets"][SOURCE]["text"])


def forget_sizes():
    """Where nothing counts memory and time, spare an estimate for each of thousands of jobs."""
    given = workflow.resource_settings
    counted = given.default_resources is not None or {"mem_mb", "runtime"} & {*given.resources}
    if workflow.executor_plugin.name in ("local", "dryrun") and not counted:
        for each in workflow.rules:
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
    build()
    data, current = RESULTS / "data" / SOURCE, f"data/{SOURCE}" not in found.stale
    prepared = current and (data / "manifest.json").exists()
    if current:  # or it is made again, perhaps with other rows
        told(look_at_rows, SOURCE, config["datasets"][SOURCE], data / "manifest.json")
    for job in workflow.dag.needrun_jobs():
        if job.rule.name.endswith("download_dataset"):
            dataset = job.wildcards.dataset
            told(look, dataset, config["datasets"][dataset])
        elif job.rule.name.endswith("label_texts"):
            look_at_new_texts(job.wildcards.table)
    if any(workflow.dag.needrun_jobs()):
        told(check_rows, config, data if prepared else None)
    # in a real run only, but also in one with nothing to do, which calls no `onstart`
    if found.unrecorded and workflow.executor_plugin and not workflow.dryrun:
        try:
            reruns.take(EXPERIMENT)
        except UserError as error:
            logger.warning(f"finetone: {error}.")


def requests(attempts):
    """What each job to come requests of a cluster, at each of its attempts.

    The steps of one job run one after the other: the profile counts one `step` at a time.
    """
    jobs = {}
    for job in workflow.dag.needrun_jobs():
        if job.rule.name not in workflow._localrules and not job.rule.norun:
            jobs.setdefault(workflow.dag.get_job_group(job) or job, []).append(job)
    for steps in jobs.values():
        for attempt in range(1, attempts + 1):
            found = []
            for job in steps:
                job.attempt = attempt
                found.append({**job.resources, "threads": job.threads})
                job.attempt = 1
            together = {key: value for step in found for key, value in step.items()}
            for key in ("mem_mb", "threads", "gpu"):
                together[key] = max(step.get(key, 0) for step in found)
            yield together | {"runtime": sum(step.get("runtime", 0) for step in found)}


def fit_to_cluster(attempts):
    """Have no job request more than a node gives; what cannot run is an error, before any is sent.

    Returns what nodes give, and the requests that differ.
    """
    partitions = {request.get("slurm_partition") for request in requests(1)}
    SIZES.nodes, SIZES.running = nodes.of_partitions(partitions or {None}), True
    SIZES.refuse()
    for each in workflow.rules:
        for key, most in (("_cores", SIZES.nodes.threads), ("gpu", SIZES.nodes.gpus)):
            amount = each.resources.get(key)
            if not amount.is_evaluable() and (amount.value or 0) > most:
                each.resources[key] = most
    return SIZES.nodes, nodes.refuse_requests(requests(attempts))


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


def show_rejections(executor):
    """Have a job that Slurm does not take say so in Slurm's words; of a group Snakemake tells none."""

    def report_job_error(job_info, msg=None, handle=executor.report_job_error, **named):
        job = job_info.job
        reason, final = slurm.rejection(msg)
        if reason:
            logger.error(f"Slurm rejects the job of {job.name}: {reason}")
        if final:
            for log in job.log:
                attempts.refuse(Path(log))
        handle(job_info, msg=msg, **named)

    executor.report_job_error = report_job_error


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
