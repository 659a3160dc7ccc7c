"""Check an experiment's configuration and fill in its defaults.

The schema says what a key may hold; this module turns its verdicts into one sentence that names
the file, the key and the nearest key that exists.
"""

import functools
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from finetone.config import catalogue, shorthands
from finetone.config.canonical import canonical
from finetone.config.dataset_block import SPLITS, splits_of
from finetone.config.misplaced import belongs
from finetone.config.references import cross_checks, removals
from finetone.config.values import faults as unusable
from finetone.config.values import load
from finetone.errors import UserError, did_you_mean
from finetone.identity import without

ALIKE = 0.85  # similarity of a key that is likely meant, though the written one is elsewhere
LOSS = ("class_weights", "label_smoothing")  # keys of a recipe


def check(config: dict[str, Any], schema: Path, files: Iterable[Path] = ()) -> dict[str, Any]:
    """Return `config` with every default of the schema at `schema`, in canonical form.

    In this form, equal settings are equal values, with keys in one order and numbers of one type,
    models of the catalogue are written in full, and `probe` and `ensemble` as entries.

    Parameters
    ----------
    files
        The YAML files that the configuration was merged from, to name the place of a fault and to
        find keys that are given twice.

    Raises
    ------
    UserError
        The first fault that is found.
    """
    rules = _rules(Path(schema))
    documents = {str(file): load(Path(file)) for file in files}
    for keys, problem in unusable(config):
        raise UserError(f"{_place(keys, documents) or 'config'}: {problem}")
    try:
        config = catalogue.in_full(config, documents)
        documents = {file: _named_models(document) for file, document in documents.items()}
    except UserError as error:
        place = _place(["models"], documents).removesuffix("models")
        raise UserError(f"{place}{error}") from None
    config = shorthands.in_full(config)
    for path, problem in removals(config, list(documents.values())):
        raise UserError(f"{_place(path, documents)}: {problem}")
    complete = canonical(config, rules, rules)
    faults = sorted(
        Draft202012Validator(rules).iter_errors(complete),
        key=lambda e: (len(e.absolute_path), str(e.absolute_path)),
    )
    for fault in faults:
        below = [f for f in faults if f is not fault and _is_below(f, fault)]
        if not (fault.context and below):  # a fault further down says more than "fits no variant"
            raise UserError(_sentence(fault, documents, rules))
    for path, problem in cross_checks(complete):
        raise UserError(f"{_place(path, documents)}: {problem}")
    return shorthands.without(complete)


def _named_models(document: Any) -> Any:
    """A file in which a place below `models` can be looked up."""
    if isinstance(document, dict) and isinstance(document.get("models"), list):
        return {**document, "models": catalogue.by_name(document["models"])}
    return document


@functools.cache
def _rules(schema: Path) -> Any:
    return yaml.safe_load(schema.read_text(encoding="utf-8"))


def _place(path: Iterable[Any], documents: dict[str, Any]) -> str:
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


def _sentence(fault: ValidationError, documents: dict[str, Any], rules: dict[str, Any]) -> str:
    """The fault in words; for an unknown key, with the nearest known one."""
    if fault.context:  # anyOf / oneOf: the deepest complaint is the one the user can act on
        kind = fault.instance.get("kind") if isinstance(fault.instance, dict) else None
        branches = [e for e in fault.context if list(e.path) != ["kind"]]
        if kind is not None:
            wrong = {e.schema_path[0] for e in fault.context if list(e.path) == ["kind"]}
            branches = [e for e in branches if e.schema_path[0] not in wrong] or branches
        if branches:
            deepest = max(branches, key=lambda e: len(e.absolute_path))
            return _sentence(deepest, documents, rules)
    place = _place(fault.absolute_path, documents)
    if fault.validator == "additionalProperties" and isinstance(fault.schema, dict):
        known = list(fault.schema.get("properties", {}))
        for key in fault.instance:
            if key not in known:
                place = _place([*fault.absolute_path, key], documents)
                hint = _known_key(str(key), known, list(fault.absolute_path), rules)
                return f"{place}: unknown key {key!r}{hint}"
    if fault.validator == "required":
        missing = next(k for k in fault.validator_value if k not in fault.instance)
        return f"{place or 'config'}: the key {missing!r} is missing"
    if "propertyNames" in fault.absolute_schema_path and fault.validator == "type":
        return f"{place}: {str(fault.instance).lower()} cannot be a name here; put it in quotes"
    if "propertyNames" in fault.absolute_schema_path:
        return f"{place}: {fault.instance!r} cannot be a name here; " + (
            f"use one of {', '.join(map(str, fault.validator_value))}"
            if fault.validator == "enum"
            else "use letters, digits, '.', '_' and '-', starting with a letter or digit, at most 64"
        )
    if fault.validator == "enum":
        hint = did_you_mean(str(fault.instance), map(str, fault.validator_value))
        shown = ", ".join(map(_as_yaml, fault.validator_value))
        value = (
            repr(fault.instance) if isinstance(fault.instance, str) else _as_yaml(fault.instance)
        )
        return f"{place}: {value} is not one of {shown}{hint}"
    if fault.validator in ("minItems", "maxItems"):
        limit = "may be at most" if fault.validator == "maxItems" else "must be at least"
        return f"{place}: {len(fault.instance)} entries; there {limit} {fault.validator_value}"
    if fault.validator == "const" and fault.parent and fault.parent.validator == "anyOf":
        return f"{place}: {fault.instance!r}; write {fault.validator_value}, or a list of names"
    if fault.validator == "pattern" and isinstance(fault.schema, dict):
        expected = fault.schema.get("description", fault.validator_value).rstrip(".")
        return f"{place}: {fault.instance!r} does not match; expected: {expected}"
    return f"{place}: {_cut(fault.message)}{_advice(fault)}"


def _advice(fault: ValidationError) -> str:
    """What to write instead of a value of another type than the schema's."""
    value, kinds = fault.instance, fault.validator_value
    if fault.validator != "type":
        return ""
    if "string" in kinds and isinstance(value, bool):
        return f"; YAML reads yes, no, on, off, true and false as {str(value).lower()}: put it in quotes"
    if "string" in kinds and isinstance(value, int | float):
        return f'; put it in quotes: "{value}"'
    if "object" in kinds and "array" not in kinds:
        needed = fault.schema.get("required", []) if isinstance(fault.schema, dict) else []
        short = isinstance(value, str) and len(needed) == 1
        return "; write a mapping, " + (f"{{{needed[0]}: {value}}}" if short else "`key: value`")
    if "array" in kinds and isinstance(value, dict):
        return "; write a list, [a, b]"
    if "array" in kinds and not isinstance(value, dict | None):
        one = f"[{value}]"
        several = isinstance(value, int) and list(fault.absolute_path) == ["seeds"]
        return f"; write {one}" + ", or [1, 2, 3] for three of them" * several
    return ""


def _known_key(key: str, known: Iterable[str], here: list[Any], rules: dict[str, Any]) -> str:
    """The end of a sentence about an unknown key: what may be meant, or where it belongs."""
    if places := belongs(key, here, rules):
        near = did_you_mean(key, known, cutoff=ALIKE)
        return (
            f"{near} ({key!r} belongs under {places})" if near else f"; it belongs under {places}"
        )
    return did_you_mean(key, known, f"known keys: {', '.join(known)}")


def _as_yaml(value: Any) -> str:
    """A value as it may be written in a configuration."""
    if isinstance(value, str) and (
        not re.fullmatch(r"\w+", value) or yaml.safe_load(value) != value
    ):
        return json.dumps(value)
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _cut(text: str) -> str:
    """A message that quotes a whole block stays one sentence."""
    return text if len(text) <= 400 else f"{text[:200]} … {text[-150:]}"


def recipe_of(config: dict[str, Any], model: str) -> dict[str, Any]:
    """The recipe of one model, in the schema's order: the experiment's, overlaid by its entry's.

    `choose_by` is in it where another metric than the accuracy chooses the epoch.
    """
    recipe = {**config["recipe"], **config["models"][model].get("recipe", {})}
    metric = config["compare"]["metric"]
    chooses = recipe["choose_epoch"] == "dev" and metric != "accuracy"
    plain = without(recipe, *LOSS) | loss_of(config, config["models"][model].get("recipe", {}))
    return plain | ({"choose_by": metric} if chooses else {})


def loss_of(config: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """What makes the loss of a method another than the plain cross-entropy.

    Parameters
    ----------
    entry
        The entry of a baseline, or the recipe of a model's: what it gives wins over the
        experiment's recipe.
    """
    given = {**config["recipe"], **entry}
    return {key: given[key] for key in LOSS if given[key]}


def split_names(block: dict[str, Any]) -> list[str]:
    """The splits of a (checked) dataset block in the order train, dev, test."""
    return [s for s in SPLITS if s in splits_of(block)]
