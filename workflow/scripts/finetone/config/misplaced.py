"""Where in a configuration a key belongs that was written somewhere else."""

from collections.abc import Iterator, Mapping
from typing import Any

DEEPEST = 4  # keys of a path; what lies below is seldom meant
SHOWN = 3


def belongs(key: str, here: list[Any], schema: Mapping[str, Any]) -> str:
    """Where the schema has a key, in words; "" if it is nowhere.

    Parameters
    ----------
    key
        What was written.
    here
        The path of the mapping that it was written in, where it does not belong.
    schema
        The whole schema.
    """
    found = [path for path, name in _keys(schema, schema, []) if name == key and path != here]
    below = [path for path in found if _starts(path, here)]
    nearest = below or found
    least = min(map(len, nearest), default=0)
    shown = [".".join(path) or "the top level" for path in nearest if len(path) == least]
    return " or ".join(dict.fromkeys(shown[:SHOWN]))


def _starts(path: list[str], here: list[Any]) -> bool:
    """Whether a path of the schema leads on from a place in a configuration."""
    pairs = zip(path, map(str, here), strict=False)
    return len(path) > len(here) and all(a == b or a.startswith("<") for a, b in pairs)


def _keys(
    rule: Mapping[str, Any], root: Mapping[str, Any], path: list[str]
) -> Iterator[tuple[list[str], str]]:
    """(path of a mapping, key in it) of all keys, those nearer to the top first."""
    target: Any = root
    for part in rule["$ref"].removeprefix("#/").split("/") if "$ref" in rule else ():
        target = target[part]
    rule = {**target, **rule} if "$ref" in rule else rule
    if len(path) > DEEPEST:
        return
    for branch in (rule, *rule.get("oneOf", ()), *rule.get("anyOf", ())):
        parts = branch.get("properties", {})
        yield from ((path, key) for key in parts)
        if isinstance(others := branch.get("additionalProperties"), dict):
            parts = {**parts, "<name>": others}
        for key, part in parts.items():
            if isinstance(part, dict):
                yield from _keys(part, root, [*path, key])
