"""What no schema can check in a configuration: entries that refer to each other, and paths."""

import os
import re
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

from finetone.baselines.registry import KINDS
from finetone.config import catalogue
from finetone.config.canonical import encoding_name
from finetone.config.dataset_block import dataset_faults, folds_of, row_faults, splits_of
from finetone.config.shorthands import SHORTHANDS
from finetone.config.source_keys import Fault, one_source, wheel_faults
from finetone.errors import did_you_mean
from finetone.errors import known as known_names
from finetone.tuning.grid import KEYS, grid

MODEL_SOURCES = ("hub", "wheel", "path", "scratch", "intermediate")


def cross_checks(config: dict[str, Any]) -> Iterator[Fault]:
    """(path, problem) of what a canonical `config` has that does not fit together."""
    datasets, source = config["datasets"], config["source"]
    for name in config["transfer"]:
        if name != source and folds_of(datasets.get(name, {})):
            problem = f"is for the source, {source!r}; on {name!r} is only tested, so leave it out"
            yield ["datasets", name, "split", "folds"], problem
    yield from _below("datasets", {name: dataset_faults(block) for name, block in datasets.items()})
    yield from _references(config)
    yield from _results_folder(config["pathvars"]["results"], config["experiment"])
    yield from _below("models", {name: _model(name, config) for name in config["models"]})
    for name in config["baselines"]:
        classes = config["datasets"].get(source, {}).get("labels", [])
        if config["baselines"][name]["kind"] == "lexicon" and classes and len(classes) != 2:
            problem = f"lexicon knows two classes, but {source!r} has {len(classes)}; remove it"
            yield ["baselines", name, "kind"], problem
        if name in config["models"]:
            yield ["baselines", name], "a model has this name already; a method's must be unique"
    yield from _made_of_models(config)
    if not config["models"] and not config["baselines"]:
        yield ["models"], "there is no method to compare; name a model, or a baseline"
    for kinds in (["datasets"], ["models", "baselines"]):
        yield from _alike(kinds, config)
    splits = splits_of(datasets[source])
    if "train" not in splits:
        yield ["datasets", source], "is the source, so it needs a train split"
    if "test" not in splits and not folds_of(datasets[source]):
        remedy = "add split: {test: 0.2}, or split: {folds: 5} for cross-validation"
        yield ["datasets", source], f"is the source, so it needs a test split; {remedy}"
    yield from _below("datasets", {name: row_faults(block) for name, block in datasets.items()})
    yield from _tuning(config)
    yield from _learning_curve(config)


def _alike(kinds: list[str], config: dict[str, Any]) -> Iterator[Fault]:
    """Names are those of folders, and many disks make no difference between A and a."""
    seen: dict[str, str] = {}
    for kind in kinds:
        for name in config[kind]:
            if (other := seen.setdefault(name.lower(), name)) != name:
                problem = f"and {other!r} differ in capitals only, but name folders; rename one"
                yield [kind, name], problem


def _learning_curve(config: dict[str, Any]) -> Iterator[Fault]:
    """It is of methods that there are."""
    block = config.get("learning_curve")
    kinds = [KINDS[entry["kind"]] for entry in config["baselines"].values()]
    learns = config["models"] or any(kind.has_loss for kind in kinds)
    if block and "methods" not in block and not learns:
        yield ["learning_curve"], "no method here learns from labelled rows; leave it out"
    known = [*config["models"], *config["baselines"]]
    for name in block.get("methods", ()) if block else ():
        if name not in known:
            hint = did_you_mean(name, known, known_names(known))
            yield ["learning_curve", "methods"], f"no method is named {name!r}{hint}"
        elif name in config["baselines"] and KINDS[config["baselines"][name]["kind"]].averages:
            problem = f"{name!r} is an ensemble, which learns nothing itself; leave it out"
            yield ["learning_curve", "methods"], problem


def _tuning(config: dict[str, Any]) -> Iterator[Fault]:
    """There is a dev split to choose on, something to choose, and as much of it for everyone."""
    entries = [(kind, name) for kind in ("models", "baselines") for name in config[kind]]
    if "tune" not in config:
        for kind, name in entries:
            if "tune" in config[kind][name]:
                yield (
                    [kind, name, "tune"],
                    "is for experiments that have `tune:` themselves; add it",
                )
        return
    block, source = config["tune"], config["source"]
    shared = [len(block[key]) for key in KEYS if key in block]
    if not shared:
        yield ["tune"], f"names nothing to try; give several values of {', '.join(KEYS)}"
        return
    if "dev" not in splits_of(config["datasets"][source]):
        remedy = "add split: {dev: 0.1}"
        yield ["tune"], f"chooses on a dev split, which {source!r} does not have; {remedy}"
    if isinstance(block["rows"], float) and block["rows"] >= 1:
        problem = f"{block['rows']} is neither a share (below 1) nor a whole number of rows"
        yield ["tune", "rows"], problem
    names = {name for _, name in entries}
    for kind, name in entries:
        if f"{name}.json" in names:  # tuning/<name>.json would be a file and a folder
            yield [kind, name], f"and {name + '.json'!r} cannot both be tuned; rename one"
        own = config[kind][name].get("tune")
        if own is not None and (number := len(list(grid(config, name)))) != prod(shared):
            problem = f"is {number} trials, but every method has {prod(shared)}; give it as many"
            yield [kind, name, "tune"], problem


def removals(config: dict[str, Any], documents: list[Any]) -> Iterator[Fault]:
    """(path, problem) of entries that are null, although no file before has what they take away."""
    for kind in ("datasets", "baselines"):  # of models: catalogue.in_full
        entries: Any = config.get(kind)
        given = [d.get(kind) for d in documents if isinstance(d, dict)]
        before = [each for each in given if isinstance(each, dict)]
        for name in entries if isinstance(entries, dict) and documents else ():
            if entries[name] is None and all(each.get(name) is None for each in before):
                known = [str(other) for other in entries if entries[other] is not None]
                hint = did_you_mean(str(name), known)
                yield [kind, name], f"is empty, and there is no such entry to take away{hint}"


def _below(key: str, found: dict[str, Iterator[Fault]]) -> Iterator[Fault]:
    """The faults of entries by name, whose paths begin in the entry."""
    for name, faults in found.items():
        for path, problem in faults:
            yield [key, name, *path], problem


def _model(name: str, config: dict[str, Any]) -> Iterator[Fault]:
    block, source = config["models"][name], config["source"]
    for key in ("allow_missing", "allow_unexpected"):
        for pattern in block[key]:
            try:
                re.compile(pattern)
            except (re.error, RecursionError, OverflowError) as error:
                yield [key], f"{pattern!r} is no regular expression ({error})"
    if not block.get("path", "."):
        yield ["path"], "names no folder"
    for path, problem in one_source(block, MODEL_SOURCES):
        known = list(catalogue.load())
        hint = did_you_mean(name, known, "see `finetone models`", most=3)
        lost = (
            "" if set(MODEL_SOURCES) & set(block) else f", and the catalogue has no {name!r}{hint}"
        )
        yield path, problem + lost
    yield from wheel_faults(block, "folder", "the model's folder inside the wheel")
    recipe = {**config["recipe"], **block.get("recipe", {})}
    if recipe["choose_epoch"] == "dev" and "dev" not in splits_of(config["datasets"][source]):
        remedy = "add split: {dev: 0.1}"
        yield ["recipe"], f"choose_epoch: dev needs a dev split of {source!r}; {remedy}"
    if asked := block.get("intermediate"):
        stride, length = asked["stride"], asked["max_length"]
        if stride >= length:
            yield ["intermediate", "stride"], f"{stride} must be less than max_length, {length}"


def _references(config: dict[str, Any]) -> Iterator[Fault]:
    datasets, models, source = list(config["datasets"]), list(config["models"]), config["source"]
    labels = {name: block["labels"] for name, block in config["datasets"].items()}
    baseline = config["compare"]["baseline"]

    def unknown(path: list[str], name: str, known: list[str], what: str) -> Iterator[Fault]:
        if name not in known:
            hint = did_you_mean(name, known, known_names(known))
            yield path, f"no {what} is named {name!r}{hint}"

    yield from unknown(["source"], source, datasets, "dataset")
    for name in config["transfer"]:
        yield from unknown(["transfer"], name, datasets, "dataset")
        if name == source:
            yield ["transfer"], f"{name!r} is the source already"
        elif "test" not in splits_of(config["datasets"][name]):
            remedy = "write file: {test: path}, or split: {test: 0.2}"
            yield ["datasets", name], f"is named under transfer, so it needs a test split; {remedy}"
        elif (ours := labels[name]) != (theirs := labels[source]):
            problem = f"{ours} differ from those of the source {source!r}, {theirs}"
            yield ["datasets", name, "labels"], problem
    for name, block in config["models"].items():
        for key, field in (("scratch", "like"), ("intermediate", "from")):
            if key in block:
                other = block[key][field]
                path = ["models", name, key, field]
                yield from unknown(path, other, models, "model")
                if other == name or {"scratch", "intermediate"} & set(config["models"][other]):
                    weights = "weights of its own (hub, wheel or path)"
                    yield path, f"{other!r} must be a model with {weights}"
    if config["report"]["published"] and folds_of(config["datasets"].get(source, {})):
        problem = "a published table is of a test split, but the source is cross-validated"
        yield ["report", "published"], f"{problem}; leave out one of published and split.folds"
    if config["export"] and folds_of(config["datasets"].get(source, {})):
        problem = "what is exported is measured on a test split, but the source is cross-validated"
        yield ["export"], f"{problem}; leave out one of export and split.folds"
    methods = [*models, *config["baselines"]]
    if baseline is not None:
        yield from unknown(["compare", "baseline"], baseline, methods, "method")
    for name in config["export"]:
        if name in config["baselines"]:
            yield ["export"], f"{name!r} is a baseline; fine-tuned models alone are exported"
        else:
            yield from unknown(["export"], name, models, "model")
    for name, block in config["label"].items():
        if (method := block["method"]) is not None:
            yield from unknown(["label", name, "method"], method, methods, "method")
        seeds = [0] if _is_deterministic(method, config) else config["seeds"]
        if isinstance(seed := block["seed"], int) and seed not in seeds:
            known = ", ".join(map(str, seeds))
            yield ["label", name, "seed"], f"there is no run of seed {seed}; there are {known}"
        if (encoding := block["encoding"]) and not encoding_name(encoding):
            problem = f"{encoding!r} is no encoding that Python knows; such as utf-8, cp1252"
            yield ["label", name, "encoding"], problem


def _is_deterministic(method: str | None, config: dict[str, Any]) -> bool:
    block = config["baselines"].get(method)
    return block is not None and not KINDS[block["kind"]].seeded


def _made_of_models(config: dict[str, Any]) -> Iterator[Fault]:
    """Probes and ensembles: what they are made of is there, and can be."""
    models, baselines = config["models"], config["baselines"]
    for kind in SHORTHANDS:
        for name in config.get(kind, {}).get("models", []):
            if name not in models and config[kind]["models"] != "all":
                hint = did_you_mean(name, models, known_names(models))
                yield [kind, "models"], f"no model is named {name!r}{hint}"
    drawing = [*models, *(n for n, block in baselines.items() if KINDS[block["kind"]].seeded)]
    for name, block in baselines.items():
        key = SHORTHANDS.get(block["kind"], "")
        path, other = ["baselines", name, key], block.get(key)
        if block["kind"] == "probe" and other not in models:
            hint = did_you_mean(other, models, known_names(models))
            yield path, f"no model is named {other!r}{hint}"
        elif block["kind"] == "probe" and "scratch" in models[other]:
            problem = f"{other!r} has random weights, which say nothing of a text"
            yield path, f"{problem}; name a pretrained model"
        elif block["kind"] == "ensemble" and other not in drawing:
            known = f"those are {', '.join(drawing)}" if drawing else "there is none"
            yield path, f"{other!r} is no method with a run per seed; {known}"
        elif block["kind"] == "ensemble" and folds_of(config["datasets"].get(config["source"], {})):
            problem = "an ensemble is measured on a test split, but the source is cross-validated"
            yield path, f"{problem}; leave out one of ensembles and split.folds"
        elif block["kind"] == "ensemble" and len(config["seeds"]) < 2:
            yield (
                path,
                "an ensemble needs several runs, but there is one seed; give seeds: [1, 2, 3]",
            )


def _results_folder(results: str, experiment: str) -> Iterator[Fault]:
    """Snakemake puts `results` in front of every path as it is, so it must be a plain one."""
    here = ["pathvars", "results"]
    plain = os.path.normpath(results).replace("//", "/")
    if not results.strip():
        yield here, f"{results!r} names no folder; leave the key out for 'results'"
    elif plain in ("/", "."):
        yield here, f"{results!r} is no folder of its own; name one below it"
    elif set(results) & set("{}") or not results.isprintable():
        yield here, f"{results!r} holds a brace or a control character; choose another folder"
    elif results.startswith("~"):
        yield here, f"{results!r}: only a shell knows '~'; write the whole path"
    elif results != results.strip() or results != plain:
        yield here, f"write {results!r} as {plain.strip()!r}"
    else:
        folder = Path(results, experiment)
        try:
            taken = next((p for p in (folder, *folder.parents) if p.exists() and not p.is_dir()), 0)
        except PermissionError:
            return  # what may be written is asked of all paths at once, before the first job
        except OSError as error:
            yield here, f"{repr(results)[:60]} cannot be a folder ({error.strerror})"
            return
        if taken:
            yield here, f"{str(taken)!r} is a file, so no folder can be there"
