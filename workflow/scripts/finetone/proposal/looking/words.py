"""The words by which columns, classes and languages are known (words.yaml)."""

import functools
from pathlib import Path
from typing import Any

from finetone import own_yaml

FILE = Path(__file__).with_name("words.yaml")


@functools.cache
def load() -> dict[str, Any]:
    """What the file holds."""
    content: dict[str, Any] = own_yaml.read(FILE)
    return content


def lists(key: str) -> dict[str, list[str]]:
    """{name: words} of one part of the file."""
    return {name: text.split() for name, text in load()[key].items()}
