"""The catalogue: models that an experiment names without describing them (config/models.yaml)."""

import copy
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetone import own_yaml
from finetone.errors import UserError

FILE = Path(__file__).resolve().parents[4] / "config/models.yaml"  # beside the Snakefile
MANY = "many"  # languages: about a hundred or more
# Of an entry, what is said about the model; all else is its block under `models:`.
FACTS = ("license", "languages", "parameters", "max_length")
# Identifiers of the hub's licences, and what they keep from whom.
RESTRICTIONS = {
    r"(^|[^a-z])nc($|[^a-z])|non-?commercial|research": "forbids commercial use",
    r"gemma|llama|openrail|^other$": "restricts use by terms of its own",
}


@dataclass(frozen=True)
class Entry:
    """A model of the catalogue.

    Attributes
    ----------
    block
        As an experiment would write it under `models:`.
    license
        Licence of the weights: an SPDX identifier, or the hub's name for it.
    languages
        ISO 639-1 codes of the pretraining text, or `many`.
    parameters
        Of the classifier with two classes.
    max_length
        Longest input in tokens.
    """

    block: dict[str, Any]
    license: str
    languages: tuple[str, ...]
    parameters: int
    max_length: int

    def reads(self, language: str) -> bool:
        """Whether the model was pretrained on a language, given by its code."""
        return language in self.languages or MANY in self.languages


@functools.cache
def load(file: Path = FILE) -> dict[str, Entry]:
    """The catalogue by name; empty where the library is installed without it."""
    if not file.is_file():
        return {}
    return {name: _entry(dict(block)) for name, block in own_yaml.read(file).items()}


def _entry(block: dict[str, Any]) -> Entry:
    facts = {key: block.pop(key) for key in FACTS}
    return Entry(block, **facts | {"languages": tuple(facts["languages"])})


def restriction(license_: str) -> str:
    """What a licence keeps one from, as the end of a sentence; "" if nothing is known."""
    found = (said for word, said in RESTRICTIONS.items() if re.search(word, license_.lower()))
    return next(found, "")


def notices(models: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for every model of the catalogue in `models` whose licence restricts its use."""
    for name, block in models.items():
        entry = load().get(name)
        if entry is None or entry.block.get("hub") != block.get("hub"):
            continue
        if limit := restriction(entry.license):
            yield f"models.{name}: its licence ({entry.license}) {limit}; read it before you use it"


def languages(models: Mapping[str, Any]) -> dict[str, list[str]]:
    """The languages of models, as far as they are known: {model: ISO 639-1 codes}.

    Those of the catalogue's entry or, of any other model, its fact `group: {language: …}`.
    """
    found: dict[str, list[str]] = {}
    for name, block in models.items():
        entry = load().get(name)
        if entry is not None and entry.block.get("hub") == block.get("hub"):
            found[name] = list(entry.languages)
        elif isinstance(stated := block.get("group", {}).get("language"), str):
            found[name] = [stated]
    return {
        name: ["multilingual" if code == MANY else code for code in codes]
        for name, codes in found.items()
    }


def in_full(config: dict[str, Any], documents: Mapping[str, Any]) -> dict[str, Any]:
    """An experiment whose `models` are written in full.

    In a file, `models` is a list of names or a mapping from names to blocks. A list says exactly
    which models there are; a mapping adds models to those of earlier files, changes them, or takes
    away with null. A block without a source of its own changes the catalogue's entry of that name.

    Parameters
    ----------
    config
        The experiment, merged as Snakemake does it: a mapping replaces a list.
    documents
        The files it was merged from, in order: {name: content}.

    Raises
    ------
    UserError
        A list holds something else than names and blocks, or a name twice.
    """
    if not isinstance(config.get("models"), dict | list):
        return config  # for the schema to refuse
    models = by_name(config["models"])
    lists = [
        document["models"]
        for document in documents.values()
        if isinstance(document, dict) and isinstance(document.get("models"), list)
    ]
    if isinstance(config["models"], dict) and lists:
        models = _changed(by_name(lists[-1]), models)
    taken_away = {name for name in models if models[name] is None and _named(name, documents) > 1}
    full = {name: _in_full(name, models[name]) for name in models if name not in taken_away}
    return {**config, "models": full}


def _named(name: Any, documents: Mapping[str, Any]) -> int:
    """How many files name the model."""
    given = (
        document.get("models") for document in documents.values() if isinstance(document, dict)
    )
    return sum(name in models for models in map(by_name, given) if isinstance(models, dict))


def by_name(models: Any) -> Any:
    """`models` as a mapping, if it is a list; its items are names, or mappings of names to blocks."""
    if not isinstance(models, list):
        return models
    named: dict[Any, Any] = {}
    for item in models:
        blocks = {item: {}} if isinstance(item, str) else item
        if not isinstance(blocks, dict):
            raise UserError(
                f"models: {str(item)[:60]!r} is no name of a model; list names, or write `name: {{…}}`"
            )
        for name, block in blocks.items():
            if name in named:
                raise UserError(f"models: {str(name)[:60]!r} is listed twice; names must be unique")
            named[name] = block
    return named


def _in_full(name: Any, block: Any) -> Any:
    block = {} if block is None else block
    entry = load().get(name) if isinstance(name, str) else None
    if entry is None or not isinstance(block, dict) or _has_source(block):
        return block
    return _changed(entry.block, block)


def _has_source(block: dict[str, Any]) -> bool:
    """Whether a block says where its model is from; a part of a source changes the catalogue's."""
    parts = [(block.get("hub"), "id"), (block.get("intermediate"), "from")]
    whole = any(isinstance(source, dict) and key in source for source, key in parts)
    return whole or bool({"wheel", "path", "scratch"} & set(block))


def _changed(base: dict[Any, Any], changes: dict[Any, Any]) -> dict[Any, Any]:
    """A copy of `base` with `changes`, at any depth."""
    result = copy.deepcopy(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _changed(result[key], value) if both else value
    return result
