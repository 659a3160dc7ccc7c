"""Check an experiment's configuration and fill in its defaults.

The schema says what a key may hold; this module turns its verdicts into one sentence that names
the file, the key and the nearest key that exists.
"""

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from finetone import own_yaml
from finetone.config import catalogue, shorthands
from finetone.config.blocks import DatasetBlock
from finetone.config.canonical import canonical
from finetone.config.dataset_block import SPLITS, splits_of
from finetone.config.fault_sentences import place_of, sentence
from finetone.config.references import cross_checks, removals
from finetone.config.values import faults as unusable
from finetone.config.values import load
from finetone.errors import UserError
from finetone.identity import without

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
        raise UserError(f"{place_of(keys, documents) or 'config'}: {problem}")
    try:
        config = catalogue.in_full(config, documents)
        documents = {file: _named_models(document) for file, document in documents.items()}
    except UserError as error:
        place = place_of(["models"], documents).removesuffix("models")
        raise UserError(f"{place}{error}") from None
    config = shorthands.in_full(config)
    for path, problem in removals(config, list(documents.values())):
        raise UserError(f"{place_of(path, documents)}: {problem}")
    complete = canonical(config, rules, rules)
    faults = sorted(
        Draft202012Validator(rules).iter_errors(complete),
        key=lambda e: (len(e.absolute_path), str(e.absolute_path)),
    )
    for fault in faults:
        below = [f for f in faults if f is not fault and _is_below(f, fault)]
        if not (fault.context and below):  # a fault further down says more than "fits no variant"
            raise UserError(sentence(fault, documents, rules))
    for path, problem in cross_checks(complete):
        raise UserError(f"{place_of(path, documents)}: {problem}")
    return shorthands.without(complete)


def _named_models(document: Any) -> Any:
    """A file in which a place below `models` can be looked up."""
    if isinstance(document, dict) and isinstance(document.get("models"), list):
        return {**document, "models": catalogue.by_name(document["models"])}
    return document


@functools.cache
def _rules(schema: Path) -> Any:
    return own_yaml.read(schema)


def _is_below(fault: ValidationError, other: ValidationError) -> bool:
    path, prefix = list(fault.absolute_path), list(other.absolute_path)
    return len(path) > len(prefix) and path[: len(prefix)] == prefix


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


def split_names(block: DatasetBlock) -> list[str]:
    """The splits of a (checked) dataset block in the order train, dev, test."""
    return [s for s in SPLITS if s in splits_of(block)]
