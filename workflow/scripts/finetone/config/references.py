"""What no schema can check in a configuration: entries that refer to each other, and paths."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from finetone.errors import did_you_mean
from finetone.identity import by_split

DATASET_SOURCES = ("hub", "wheel", "file")
MODEL_SOURCES = ("hub", "wheel", "path", "scratch", "intermediate")
SPLITS = ("train", "dev", "test")

Fault = tuple[list[str], str]


def cross_checks(config: dict[str, Any]) -> Iterator[Fault]:
    """(path, problem) of what a canonical `config` has that does not fit together."""
    datasets, models, baselines = config["datasets"], config["models"], config["baselines"]
    for name, block in datasets.items():
        here = ["datasets", name]
        yield from _one_source(here, block, DATASET_SOURCES)
        if "wheel" in block and "member" not in block["wheel"]:
            yield [*here, "wheel"], "the key 'member' is missing (the file inside the wheel)"
        if "splits" in block and "hub" not in block:
            yield [*here, "splits"], "is for hub; write file, or member of wheel, as {split: path}"
        if block["text"] == block["label"]:
            yield [*here, "label"], f"is the column of the text already, {block['text']!r}"
        if unknown := sorted(splits_of(block) - set(SPLITS)):
            yield here, f"unknown split {unknown[0]!r}; the splits are {', '.join(SPLITS)}"
        if "threshold" in block and len(block["labels"]) != 2:
            yield (
                [*here, "threshold"],
                f"makes two classes, but labels names {len(block['labels'])}",
            )
        for value, label in block.get("label_values", {}).items():
            if label not in block["labels"]:
                yield (
                    [*here, "label_values", value],
                    f"{label!r} is not one of labels {block['labels']}",
                )
        if sum(v for k, v in block.get("split", {}).items() if k != "seed") >= 1:
            yield (
                [*here, "split"],
                "leaves no rows for training; the shares must sum to less than 1",
            )
    yield from _references(config)
    yield from _results_folder(config["pathvars"]["results"], config["experiment"])
    for name, block in models.items():
        here = ["models", name]
        yield from _one_source(here, block, MODEL_SOURCES)
        if "wheel" in block and "folder" not in block["wheel"]:
            yield (
                [*here, "wheel"],
                "the key 'folder' is missing (the model's folder inside the wheel)",
            )
        if name in baselines:
            yield (
                ["baselines", name],
                "a model has this name already; names of methods must be unique",
            )
        recipe = {**config["recipe"], **block.get("recipe", {})}
        if recipe["choose_epoch"] == "dev" and "dev" not in splits_of(datasets[config["source"]]):
            yield (
                [*here, "recipe"],
                f"choose_epoch: dev needs a dev split of {config['source']!r}; add split: {{dev: 0.1}}",
            )
        asked = block.get("intermediate", {"stride": 0, "max_length": 1})
        if asked["stride"] >= asked["max_length"]:
            yield (
                [*here, "intermediate", "stride"],
                f"{asked['stride']} must be less than max_length, {asked['max_length']}",
            )
    if "train" not in splits_of(datasets[config["source"]]):
        yield ["datasets", config["source"]], "is the source, so it needs a train split"
    if "test" not in splits_of(datasets[config["source"]]):
        yield (
            ["datasets", config["source"]],
            "is the source, so it needs a test split; add split: {test: 0.2}",
        )
    for name, block in datasets.items():
        yield from _rows(["datasets", name], block)


def _rows(here: list[str], block: dict[str, Any]) -> Iterator[Fault]:
    """Where rows are to be cut off there are some, and no split of that name; where sampled, too."""
    given, cut = _given_splits(block), set(block.get("split", {})) - {"seed"}
    place = " (name those to use under splits:)" if "hub" in block else ""
    for split in sorted(cut & given):
        yield (
            [*here, "split", split],
            f"the source has a {split} split already{place}; leave it out",
        )
    if cut and "train" not in given:
        yield [*here, "split"], "the source has no train split to cut from"
    for split, size in block.get("sample", {}).items():
        if split != "seed" and split not in splits_of(block):
            yield [*here, "sample", split], f"there is no {split} split to take {size} from"
        elif isinstance(size, float) and size >= 1:
            yield (
                [*here, "sample", split],
                f"{size} is neither a share (below 1) nor a whole number of rows",
            )


def _one_source(
    here: list[str], block: dict[str, Any], sources: tuple[str, ...]
) -> Iterator[Fault]:
    given = [s for s in sources if s in block]
    if len(given) != 1:
        had = ", ".join(given) or "none"
        yield here, f"needs exactly one source of {', '.join(sources)}; it has {had}"


def _references(config: dict[str, Any]) -> Iterator[Fault]:
    datasets, models = list(config["datasets"]), list(config["models"])
    methods = models + list(config["baselines"])

    def unknown(path: list[str], name: str, known: list[str], what: str) -> Iterator[Fault]:
        if name not in known:
            hint = did_you_mean(name, known, f"known: {', '.join(known)}")
            yield path, f"no {what} is named {name!r}{hint}"

    yield from unknown(["source"], config["source"], datasets, "dataset")
    for name in config["transfer"]:
        yield from unknown(["transfer"], name, datasets, "dataset")
        if name == config["source"]:
            yield ["transfer"], f"{name!r} is the source already"
        elif "test" not in splits_of(config["datasets"][name]):
            yield ["datasets", name], "is named under transfer, so it needs a test split"
        elif config["datasets"][name]["labels"] != config["datasets"][config["source"]]["labels"]:
            yield (
                ["datasets", name, "labels"],
                f"{config['datasets'][name]['labels']} differ from those of the source "
                f"{config['source']!r}, {config['datasets'][config['source']]['labels']}",
            )
    for name, block in config["models"].items():
        for key, field in (("scratch", "like"), ("intermediate", "from")):
            if key in block:
                other = block[key][field]
                path = ["models", name, key, field]
                yield from unknown(path, other, models, "model")
                if other == name or any(
                    k in config["models"][other] for k in ("scratch", "intermediate")
                ):
                    yield (
                        path,
                        f"{other!r} must be a model with weights of its own (hub, wheel or path)",
                    )
    if config["compare"]["baseline"] is not None:
        yield from unknown(
            ["compare", "baseline"], config["compare"]["baseline"], methods, "method"
        )


def _results_folder(results: str, experiment: str) -> Iterator[Fault]:
    """Snakemake puts `results` in front of every path as it stands, so it must be a plain one."""
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


def _given_splits(block: dict[str, Any]) -> set[str]:
    """Names of the splits that a dataset block's source has."""
    if "hub" in block:
        return set(block.get("splits") or ("train", "test"))
    return set(by_split(block["file"] if "file" in block else block["wheel"].get("member", "")))


def splits_of(block: dict[str, Any]) -> set[str]:
    """Names of the splits a dataset block can yield."""
    return _given_splits(block) | (set(block.get("split", {})) - {"seed"})
