"""Faults that a JSON schema finds in YAML files, in a sentence with the file, the key and a fix."""

import json
import re
from collections.abc import Iterable
from typing import Any

import yaml
from jsonschema.exceptions import ValidationError

from finetone.config.misplaced import belongs
from finetone.errors import did_you_mean

ALIKE = 0.85  # similarity of a key that is likely meant, though the written one is elsewhere


def place_of(path: Iterable[Any], documents: dict[str, Any]) -> str:
    """`file: key.subkey`, with the last file that holds the longest part of the path.

    Parameters
    ----------
    path
        The keys, from the top.
    documents
        The content of each file, by its name.
    """
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


def sentence(
    fault: ValidationError, documents: dict[str, Any], rules: dict[str, Any] | None = None
) -> str:
    """The fault in words; for an unknown key, with the nearest known one.

    Parameters
    ----------
    fault
        As a validator of JSON schemas gives it.
    documents
        The content of each file, by its name.
    rules
        The whole schema, to say under which key an unknown one belongs.
    """
    if fault.context:  # anyOf / oneOf: the deepest complaint is the one the user can act on
        kind = fault.instance.get("kind") if isinstance(fault.instance, dict) else None
        branches = [e for e in fault.context if list(e.path) != ["kind"]]
        if kind is not None:
            wrong = {e.schema_path[0] for e in fault.context if list(e.path) == ["kind"]}
            branches = [e for e in branches if e.schema_path[0] not in wrong] or branches
        if branches:
            deepest = max(branches, key=lambda e: len(e.absolute_path))
            return sentence(deepest, documents, rules)
    place = place_of(fault.absolute_path, documents)
    if fault.validator == "additionalProperties" and isinstance(fault.schema, dict):
        known = list(fault.schema.get("properties", {}))
        for key in fault.instance:
            if key not in known:
                place = place_of([*fault.absolute_path, key], documents)
                hint = _known_key(str(key), known, list(fault.absolute_path), rules or {})
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
    if kinds in ("integer", "number"):
        return f"; write a {'whole ' * (kinds == 'integer')}number, without quotes"
    if "object" in kinds and "array" not in kinds:
        needed = fault.schema.get("required", []) if isinstance(fault.schema, dict) else []
        lone = isinstance(value, str) and len(needed) == 1
        return "; write a mapping, " + (f"{{{needed[0]}: {value}}}" if lone else "`key: value`")
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
