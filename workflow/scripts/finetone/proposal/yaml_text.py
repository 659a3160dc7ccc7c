"""YAML as a person writes it: flow collections on a line, comments in a column."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

WIDTH = 100  # columns of a line
COLUMN = 26  # where comments begin, if the line is shorter
INDICATORS = set(",[]{}#&*!|>'\"%@`:?\\")  # not in a plain scalar of ours


def scalar(value: Any) -> str:
    """A value on one line; text is in quotes where YAML would read something else."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and 0 < value < 1e-3:
        digits, power = f"{value:.1e}".split("e-")
        return f"{digits}e-{int(power)}"  # YAML reads 1e-4, without a point, as text
    if not isinstance(value, str):
        return str(value)
    plain = value.isprintable() and value == value.strip() and not set(value) & INDICATORS
    if plain and not value.startswith(("- ", "=")) and _reads_as(value):
        return value
    return '"' + "".join(map(_escaped, value)) + '"'


def flow(value: Any) -> str:
    """A mapping, list or scalar on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def entry(key: str, value: Any, note: str = "", indent: int = 0) -> list[str]:
    """The lines of `key: value`, with a comment behind it, or above where it is long."""
    line = f"{' ' * indent}{scalar(key)}: {flow(value)}"
    if len(line) > WIDTH and isinstance(value, list | tuple | Mapping):
        line = f"{' ' * indent}{scalar(key)}:\n" + _long(value, indent + 2)
    return noted(line, note, indent)


def block(key: str, content: Mapping[str, Any], note: str = "", indent: int = 0) -> list[str]:
    """The lines of a mapping, an entry on each, below its key (which may begin with "- ")."""
    lines = noted(f"{' ' * indent}{key}:", note, indent)
    indent += 4 if key.startswith("- ") else 2
    for inner, value in content.items():
        if isinstance(value, Mapping) and len(flow(value)) > WIDTH // 2:
            lines += block(scalar(inner), value, "", indent)
        else:
            lines += entry(inner, value, "", indent)
    return lines


def noted(line: str, note: str, indent: int = 0) -> list[str]:
    """A line with a comment behind it, or above where it is long."""
    note = "".join(c if c.isprintable() else "?" for c in note)
    if not note:
        return line.split("\n")
    behind = f"{line.ljust(COLUMN)}  # {note}"
    if "\n" not in line and len(behind) <= WIDTH:
        return [behind]
    return [*comment(note, indent), *line.split("\n")]


def comment(text: str, indent: int = 0) -> list[str]:
    """Comment lines that hold `text`."""
    start = " " * indent + "# "
    return textwrap.wrap(
        text, WIDTH, initial_indent=start, subsequent_indent=start, break_on_hyphens=False
    )


def _long(value: Sequence[Any] | Mapping[Any, Any], indent: int) -> str:
    """A collection over several lines, as few as they can be."""
    if isinstance(value, Mapping):
        opening, items, closing = "{", [f"{scalar(k)}: {flow(v)}" for k, v in value.items()], "}"
    else:
        opening, items, closing = "[", list(map(flow, value)), "]"
    lines, line = [], " " * indent + opening
    for i, item in enumerate(items):
        piece = item + ("," if i < len(items) - 1 else closing)
        if len(line) + len(piece) + 1 > WIDTH and line.strip(" [{"):
            lines.append(line)
            line = " " * indent
        line += piece if line.endswith((opening, " " * indent)) else f" {piece}"
    return "\n".join([*lines, line])


def _reads_as(text: str) -> bool:
    try:
        return bool(yaml.safe_load(text) == text)
    except (yaml.YAMLError, ValueError):
        return False


def _escaped(sign: str) -> str:
    if sign in '"\\':
        return f"\\{sign}"
    if sign.isprintable():
        return sign
    return f"\\x{ord(sign):02x}" if ord(sign) < 256 else f"\\U{ord(sign):08x}"
