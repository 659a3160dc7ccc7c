"""Faults that a JSON schema finds in YAML files, in a sentence with the file, the key and a fix."""

from collections.abc import Iterable
from typing import Any

from jsonschema.exceptions import ValidationError

from finetone.errors import did_you_mean


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


def sentence(fault: ValidationError, documents: dict[str, Any]) -> str:
    """The fault in words; for an unknown key, with the nearest known one.

    Parameters
    ----------
    fault
        As a validator of JSON schemas gives it.
    documents
        The content of each file, by its name.
    """
    if fault.context:  # anyOf / oneOf: the deepest complaint is the one the user can act on
        kind = fault.instance.get("kind") if isinstance(fault.instance, dict) else None
        branches = [e for e in fault.context if list(e.path) != ["kind"]]
        if kind is not None:
            wrong = {e.schema_path[0] for e in fault.context if list(e.path) == ["kind"]}
            branches = [e for e in branches if e.schema_path[0] not in wrong] or branches
        if branches:
            return sentence(max(branches, key=lambda e: len(e.absolute_path)), documents)
    place = place_of(fault.absolute_path, documents)
    if fault.validator == "additionalProperties" and isinstance(fault.schema, dict):
        known = list(fault.schema.get("properties", {}))
        for key in fault.instance:
            if key not in known:
                place = place_of([*fault.absolute_path, key], documents)
                hint = did_you_mean(str(key), known, f"known keys: {', '.join(known)}")
                return f"{place}: unknown key {key!r}{hint}"
    if fault.validator == "required":
        missing = next(k for k in fault.validator_value if k not in fault.instance)
        return f"{place or 'config'}: the key {missing!r} is missing"
    if "propertyNames" in fault.absolute_schema_path:
        return f"{place}: {fault.instance!r} cannot be a name here; " + (
            f"use one of {', '.join(map(str, fault.validator_value))}"
            if fault.validator == "enum"
            else "use letters, digits, '.', '_' and '-', starting with a letter or digit, at most 64"
        )
    if fault.validator == "enum":
        hint = did_you_mean(str(fault.instance), map(str, fault.validator_value))
        return f"{place}: {fault.instance!r} is not one of {fault.validator_value}{hint}"
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
    if kinds == "object":
        return "; write a mapping, `key: value`"
    if "array" in kinds and not isinstance(value, dict | None):
        one = f"[{value}]"
        several = isinstance(value, int) and list(fault.absolute_path) == ["seeds"]
        return f"; write {one}" + ", or [1, 2, 3] for three of them" * several
    return ""


def _cut(text: str) -> str:
    """A message that quotes a whole block stays one sentence."""
    return text if len(text) <= 400 else f"{text[:200]} … {text[-150:]}"
