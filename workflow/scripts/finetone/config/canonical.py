"""One form for every configuration: equal settings are equal values, whatever way they were written.

Snakemake compares what a job was made with as text, so the order of keys, a default spelled out or
`3.0` for `3` would repeat work that is done.
"""

import codecs
import math
import re
from typing import Any

from finetone.config.values import key_name

# YAML 1.1 reads 2e-5, which has no point, as text
NUMBER = re.compile(r"[+-]?([0-9]{1,19}\.?[0-9]{0,30}|\.[0-9]{1,30})([eE][+-]?[0-9]{1,3})?")


def canonical(value: Any, rule: Any, root: dict[str, Any]) -> Any:
    """A copy of `value` in the one form that the schema `rule` gives it.

    Defaults are filled in, except below `x-overlay`, and what is null where it may not be is left
    out. Keys take the schema's order; free keys are
    sorted, except below `x-ordered`. Numbers take the schema's type, also where they were written
    as text; numbers are text where the schema says `x-text`, and a single value is a list where it
    says `x-list`. `root` is the whole schema. What breaks the schema is left for validation to name.
    """
    rule = _resolved(rule, value, root)
    if value is False and "off" in rule.get("enum", ()):
        return "off"  # as YAML reads off without quotes
    if "x-list" in rule and isinstance(value, str | int | float):
        value = [value]
    if isinstance(value, dict):
        return _mapping(value, rule, root)
    if isinstance(value, list):
        items = [canonical(item, rule.get("items"), root) for item in value]
        return sorted(set(items)) if _is_set(items, rule) else items
    if "x-encoding" in rule and isinstance(value, str):
        return encoding_name(value) or value
    if "x-text" in rule and isinstance(value, int | float):
        return value if isinstance(value, bool) and rule["x-text"] != "all" else key_name(value)
    return _number(value, rule.get("type", ()), rule.get("pattern"))


def encoding_name(given: str) -> str | None:
    """Python's own name of an encoding of text; None if it has none of that name."""
    try:
        found = codecs.lookup(given)
        "a".encode(found.name)  # not those between bytes and bytes
    except (LookupError, ValueError):
        return None
    return found.name


def _is_set(items: list[Any], rule: dict[str, Any]) -> bool:
    return rule.get("x-list") == "set" and all(isinstance(item, str) for item in items)


def _resolved(rule: Any, value: Any, root: dict[str, Any]) -> dict[str, Any]:
    """`rule` with its $ref followed and the branch of anyOf and oneOf that is meant for `value`."""
    rule = _followed(rule, root)
    for branch in (_followed(branch, root) for branch in rule.get("anyOf", ())):
        if (branch.get("type") == "object") == isinstance(value, dict):
            rule = {**rule, **branch}
    properties = dict(rule.get("properties", {}))
    for branch in rule.get("oneOf", ()):
        kinds = branch["properties"]["kind"]
        if isinstance(value, dict) and value.get("kind") in kinds.get("enum", [kinds.get("const")]):
            shared = ("kind", *(key for key, part in branch["properties"].items() if part is True))
            properties |= {k: v for k, v in branch["properties"].items() if k not in shared}
            rule = {**rule, "additionalProperties": branch["additionalProperties"]}
    return {**rule, "properties": properties}


def _followed(rule: Any, root: dict[str, Any]) -> dict[str, Any]:
    """`rule` with what its $ref refers to; nothing where any value is allowed."""
    if not isinstance(rule, dict):
        return {}
    target: Any = root
    for part in rule["$ref"].removeprefix("#/").split("/") if "$ref" in rule else ():
        target = target[part]
    return {**target, **rule} if "$ref" in rule else rule


def _mapping(value: dict[Any, Any], rule: dict[str, Any], root: dict[str, Any]) -> dict[Any, Any]:
    result = {}
    for key, part in rule["properties"].items():
        if key in value and not _takes_away(value[key], part, root):
            result[key] = canonical(value[key], part, root)
        elif isinstance(part, dict) and "default" in part and not rule.get("x-overlay"):
            result[key] = canonical(part["default"], part, root)
    free = {key: item for key, item in value.items() if key not in rule["properties"]}
    others = rule.get("additionalProperties")
    if isinstance(others, dict):
        free = {key: item for key, item in free.items() if not _takes_away(item, others, root)}
    if others is not False and not rule.get("x-ordered"):
        free = {key_name(key): free[key] for key in sorted(free, key=key_name)}
    return result | {key: canonical(item, others, root) for key, item in free.items()}


def _takes_away(value: Any, rule: Any, root: dict[str, Any]) -> bool:
    """Whether `value` is a null where none may be: an overlay takes the key away with it."""
    if value is not None or not isinstance(rule, dict):
        return False
    rule = _followed(rule, root)
    if "enum" in rule:
        return None not in rule["enum"]
    kinds = rule.get("type", () if {"anyOf", "oneOf"} & rule.keys() else "null")
    return "null" not in kinds


def _number(value: Any, kinds: str | list[str], pattern: str | None) -> Any:
    """`value` as the first of integer, number that `kinds` has and it can be; else as it is.

    Text is text where that is allowed, unless only some texts are, by `pattern`.
    """
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(value, bool) or not {"integer", "number"} & set(kinds):
        return value
    number = value
    written = isinstance(value, str) and ("string" not in kinds or pattern is not None)
    if written and NUMBER.fullmatch(value):
        number = int(value) if value.lstrip("+-").isdigit() else float(value)
    if not isinstance(number, int | float) or not math.isfinite(number):
        return value
    if "integer" in kinds:
        return int(number) if number == int(number) else number
    return float(number) + 0.0  # + 0.0: -0.0 is 0.0
