"""Configuration files as plain values: mappings, lists, text, numbers, true, false and null.

A few lines of YAML can describe more values than a computer holds, because an anchor may be
repeated by aliases that are repeated themselves. So values are counted before they are copied,
checked or written.
"""

import datetime
import math
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any

import yaml

from finetone.errors import UserError

MOST = 100_000  # values in one configuration; the largest experiment here has 400
DEEPEST = 100  # levels of mappings and lists
TOO_MANY = f"more than {MOST:,} values, with what aliases (*name) repeat; use fewer"
TOO_DEEP = f"nested deeper than {DEEPEST} levels"
LARGEST = 2**63 - 1  # whole number that files, random generators and tables hold


class _Loader(yaml.SafeLoader):
    """SafeLoader, but equal keys are refused instead of the last one kept, and values counted."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self.values = self.level = 0
        self.sizes: dict[yaml.Node, int] = {}  # values in a node, aliases counted in full

    def compose_node(self, parent: Any, index: Any) -> Any:
        before = self.values
        self.level += 1
        self.values += 1
        if self.level > DEEPEST:
            self._refuse(TOO_DEEP)
        alias = self.check_event(yaml.AliasEvent)
        node = super().compose_node(parent, index)
        assert node is not None  # or an error is raised
        self.level -= 1
        if not alias:
            self.sizes[node] = self.values - before
        elif node in self.sizes:
            self.values = before + self.sizes[node]
        else:
            self._refuse("an alias (*name) inside its own anchor (&name) repeats itself for ever")
        if self.values > MOST:
            self._refuse(TOO_MANY)
        return node

    def _refuse(self, problem: str) -> None:
        mark = self.get_mark()
        raise UserError(f"{mark.name}, line {mark.line + 1}: {problem}")

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        # ask the nodes before `<<` merges are flattened: overriding a merged key is no duplicate
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                continue  # SafeLoader's own sentence
            if key in seen:
                mark = key_node.start_mark
                raise UserError(
                    f"{mark.name}, line {mark.line + 1}: the key {key!r} is given twice; names must be unique"
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def load(file: Path) -> Any:
    """The values in a YAML file; a UserError if it is broken, too large or gives a key twice."""
    try:
        with file.open(encoding="utf-8") as stream:
            return yaml.load(stream, _Loader)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a number or date that is none
        raise UserError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from None


def faults(config: Any) -> Iterator[tuple[tuple[Any, ...], str]]:
    """(path, problem) of what can be no value of a configuration, whatever its schema says."""
    count = 1
    waiting: list[tuple[tuple[Any, ...], Any]] = [((), config)]
    while waiting:
        path, value = waiting.pop()
        if not isinstance(value, dict | list):
            if problem := _problem(value):
                yield path, problem
            continue
        count += len(value)
        if count > MOST:
            yield path[:4], TOO_MANY
            return
        if len(path) >= DEEPEST:
            yield path[:4], TOO_DEEP
            return
        keyed = list(value.items() if isinstance(value, dict) else enumerate(value))
        names: set[str] = set()
        for key, _ in keyed:
            if not isinstance(key, str | int | float):
                shown = "null" if key is None else str(key)[:60]
                yield path, f"{shown} cannot be a key; put it in quotes"
            elif problem := _problem(key):
                yield path, f"a key is not usable: {problem}"
            elif (name := key_name(key)) in names:
                yield path, f"the key {name!r} is given twice, with and without quotes"
            else:
                names.add(name)
        waiting += [((*path, key), item) for key, item in reversed(keyed)]


def key_name(key: Any) -> str:
    """A key as text: JSON has no other keys, and 1, 1.0 and "1" mean the same."""
    if isinstance(key, bool):
        return str(key).lower()
    return str(int(key)) if isinstance(key, float) and key.is_integer() else str(key)


def _problem(value: Any) -> str | None:
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return f"{value[:60]!r} holds half of a surrogate pair, which is no character"
        return None
    if isinstance(value, int) and abs(value) > LARGEST:
        shown = str(value) if value.bit_length() < 200 else f"{hex(value)[:20]}…"
        return f"{shown} is too large; whole numbers end at {LARGEST}"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is not a finite number"
    if isinstance(value, int | float):
        return None
    kind = "date" if isinstance(value, datetime.date) else type(value).__name__
    return (
        f"{str(value)[:60]!r} is of type {kind}; write text (in quotes), a number, list or mapping"
    )
