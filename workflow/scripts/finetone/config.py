"""Check an experiment's configuration and fill in its defaults.

The schema says what a key may hold; this module turns its verdicts into one sentence that names
the file, the key and the nearest key that exists, and checks what no schema can: references
between entries.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from finetone.errors import UserError

DATASET_SOURCES = ("hub", "wheel", "file")
SPLITS = ("train", "dev", "test")
MODEL_SOURCES = ("hub", "wheel", "path", "scratch", "intermediate")


def check(config: dict[str, Any], schema: Path, files: Iterable[Path] = ()) -> dict[str, Any]:
    """Return `config` with every default of the schema at `schema` filled in.

    `files` are the YAML files the configuration was merged from; they are searched for the place
    of a fault and for keys given twice. Raises UserError for the first fault found.
    """
    rules = yaml.safe_load(Path(schema).read_text(encoding="utf-8"))
    documents = {str(file): _load(Path(file)) for file in files}
    faults = sorted(
        Draft202012Validator(rules).iter_errors(config),
        key=lambda e: (len(e.absolute_path), str(e.absolute_path)),
    )
    for fault in faults:
        below = [f for f in faults if f is not fault and _is_below(f, fault)]
        if not (fault.context and below):  # a fault further down says more than "fits no variant"
            raise UserError(_sentence(fault, documents))
    complete = _fill(config, rules, rules)
    for path, problem in _cross_checks(complete):
        raise UserError(f"{_place(path, documents)}: {problem}")
    return complete


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader keeps the last of two equal keys; a user who wrote both meant something else."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        # ask the nodes before `<<` merges are flattened: overriding a merged key is no duplicate
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node)
            if key in seen:
                mark = key_node.start_mark
                raise UserError(
                    f"{mark.name}, line {mark.line + 1}: the key {key!r} is given twice; names must be unique"
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _load(file: Path) -> Any:
    try:
        with file.open(encoding="utf-8") as stream:
            return yaml.load(stream, _StrictLoader)
    except yaml.YAMLError as error:
        raise UserError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from None


def _place(path: Iterable[str | int], documents: dict[str, Any]) -> str:
    """`file: key.subkey`, with the last file that holds the longest part of the path."""
    keys = list(path)
    best, depth = "", -1
    for name, document in documents.items():
        reached = 0
        for key in keys:
            if isinstance(document, dict) and key in document:
                document = document[key]
                reached += 1
            else:
                break
        if reached >= depth:
            best, depth = name, reached
    dotted = ".".join(map(str, keys))
    dotted = "".join(c if c.isprintable() else repr(c)[1:-1] for c in dotted)  # stay on one line
    return ": ".join(part for part in (best, dotted) if part)


def _is_below(fault: ValidationError, other: ValidationError) -> bool:
    path, prefix = list(fault.absolute_path), list(other.absolute_path)
    return len(path) > len(prefix) and path[: len(prefix)] == prefix


def _sentence(fault: ValidationError, documents: dict[str, Any]) -> str:
    """The fault in words; for an unknown key, with the nearest known one."""
    if fault.context:  # anyOf / oneOf: the deepest complaint is the one the user can act on
        kind = fault.instance.get("kind") if isinstance(fault.instance, dict) else None
        branches = [e for e in fault.context if list(e.path) != ["kind"]]
        if kind is not None:
            wrong = {e.schema_path[0] for e in fault.context if list(e.path) == ["kind"]}
            branches = [e for e in branches if e.schema_path[0] not in wrong] or branches
        if branches:
            return _sentence(max(branches, key=lambda e: len(e.absolute_path)), documents)
    where = _place(fault.absolute_path, documents)
    if fault.validator == "additionalProperties" and isinstance(fault.schema, dict):
        known = list(fault.schema.get("properties", {}))
        for key in fault.instance:
            if key not in known:
                where = _place([*fault.absolute_path, key], documents)
                near = difflib.get_close_matches(str(key), known, 1, 0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
                return f"{where}: unknown key {key!r}; {hint}"
    if fault.validator == "required":
        missing = next(k for k in fault.validator_value if k not in fault.instance)
        return f"{where or 'config'}: the key {missing!r} is missing"
    if "propertyNames" in fault.absolute_schema_path:
        return f"{where}: {fault.instance!r} cannot be a name here; " + (
            f"use one of {', '.join(map(str, fault.validator_value))}"
            if fault.validator == "enum"
            else "use letters, digits, '.', '_' and '-', starting with a letter or digit, at most 64"
        )
    if fault.validator == "enum":
        near = difflib.get_close_matches(str(fault.instance), map(str, fault.validator_value), 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"{where}: {fault.instance!r} is not one of {fault.validator_value}{hint}"
    return f"{where}: {fault.message}"


def _fill(value: Any, schema: Any, root: dict[str, Any]) -> Any:
    """A copy of `value` with the defaults of `schema`, recursively."""
    if not isinstance(schema, dict):
        return value
    if "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
    if isinstance(value, dict):
        properties = dict(schema.get("properties", {}))
        for branch in schema.get("oneOf", []):
            if Draft202012Validator({"$defs": root["$defs"], **branch}).is_valid(value):
                properties |= {
                    k: v for k, v in branch["properties"].items() if v is not True and k != "kind"
                }
        filled = {
            key: _fill(item, properties.get(key, schema.get("additionalProperties")), root)
            for key, item in value.items()
        }
        for key, rule in () if schema.get("x-overlay") else properties.items():
            if isinstance(rule, dict) and key not in filled and "default" in rule:
                filled[key] = _fill(rule["default"], rule, root)
        return filled
    return value


def recipe_of(config: dict[str, Any], model: str) -> dict[str, Any]:
    """The recipe of one model: the experiment's, overlaid by the keys its entry gives."""
    return {**config["recipe"], **config["models"][model].get("recipe", {})}


def _cross_checks(config: dict[str, Any]) -> Iterator[tuple[list[str], str]]:
    datasets, models, baselines = config["datasets"], config["models"], config["baselines"]
    for name, block in datasets.items():
        here = ["datasets", name]
        yield from _one_source(here, block, DATASET_SOURCES)
        if "wheel" in block and "member" not in block["wheel"]:
            yield [*here, "wheel"], "the key 'member' is missing (the file inside the wheel)"
        if unknown := sorted(_splits(block) - set(SPLITS)):
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
        if recipe_of(config, name).get("choose_epoch") == "dev" and "dev" not in _splits(
            datasets[config["source"]]
        ):
            yield (
                [*here, "recipe"],
                f"choose_epoch: dev needs a dev split of {config['source']!r}; add split: {{dev: 0.1}}",
            )
    if "train" not in _splits(datasets[config["source"]]):
        yield ["datasets", config["source"]], "is the source, so it needs a train split"
    if "test" not in _splits(datasets[config["source"]]):
        yield (
            ["datasets", config["source"]],
            "is the source, so it needs a test split; add split: {test: 0.2}",
        )


def _one_source(
    here: list[str], block: dict[str, Any], sources: tuple[str, ...]
) -> Iterator[tuple[list[str], str]]:
    given = [s for s in sources if s in block]
    if len(given) != 1:
        had = ", ".join(given) or "none"
        yield here, f"needs exactly one source of {', '.join(sources)}; it has {had}"


def _references(config: dict[str, Any]) -> Iterator[tuple[list[str], str]]:
    datasets, models = list(config["datasets"]), list(config["models"])
    methods = models + list(config["baselines"])

    def unknown(
        path: list[str], name: str, known: list[str], what: str
    ) -> Iterator[tuple[list[str], str]]:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.4)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            yield path, f"no {what} is named {name!r}; {hint}"

    yield from unknown(["source"], config["source"], datasets, "dataset")
    for name in config["transfer"]:
        yield from unknown(["transfer"], name, datasets, "dataset")
        if name == config["source"]:
            yield ["transfer"], f"{name!r} is the source already"
        elif "test" not in _splits(config["datasets"][name]):
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


def _splits(block: dict[str, Any]) -> set[str]:
    """Names of the splits a dataset block can yield."""
    if "hub" in block:
        named = set(block.get("splits", {"train": "", "test": ""}))
    else:
        given = block["file"] if "file" in block else block.get("wheel", {}).get("member", "")
        named = set(given) if isinstance(given, dict) else {"train"}
    return named | (set(block.get("split", {})) - {"seed"})


def split_names(block: dict[str, Any]) -> list[str]:
    """The splits of a (checked) dataset block in the order train, dev, test."""
    return [s for s in SPLITS if s in _splits(block)]


def wheel_name(requirement: str) -> str:
    """The file name, without suffix, under which a pinned wheel is kept: `name-version`."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", requirement)
