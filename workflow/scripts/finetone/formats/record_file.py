"""One dataclass as a JSON file, beside the keys of its record."""

from dataclasses import fields
from pathlib import Path
from typing import TypeVar

from finetone import files
from finetone.errors import UserError

T = TypeVar("T")


def read_fields(path: Path, kind: type[T]) -> T:
    """Read the fields of a dataclass from a JSON file that holds others, too.

    Parameters
    ----------
    path
        The file.
    kind
        The dataclass; its name is used in messages.

    Raises
    ------
    UserError
        The file cannot be read, was altered, or lacks a field.
    """
    content = files.read_json(path)
    try:
        return kind(**{field.name: content[field.name] for field in fields(kind)})  # type: ignore[arg-type]
    except KeyError as error:
        name = kind.__name__.lower()
        raise UserError(
            f"{path}: no key {error}, so it holds no {name}; delete it and run again"
        ) from None
