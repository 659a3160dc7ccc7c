"""The words by which columns, classes and languages are known (words.yaml)."""

import functools
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name("words.yaml")


@functools.cache
def load() -> dict[str, Any]:
    """What the file holds."""
    content: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return content


def lists(key: str) -> dict[str, list[str]]:
    """{name: words} of one part of the file."""
    return {name: text.split() for name, text in load()[key].items()}
