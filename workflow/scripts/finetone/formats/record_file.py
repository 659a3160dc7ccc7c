"""One dataclass as a JSON file, beside the keys of its record."""

from dataclasses import MISSING, fields
from pathlib import Path
from typing import TypeVar

from finetone import files
from finetone.errors import UserError

T = TypeVar("T")


def read_fields(path: Path, kind: type[T]) -> T:
    """Read the fields of a dataclass from a JSON file that holds others, too.

    Those that have a default may be missing.

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
    wanted = [
        field.name
        for field in fields(kind)  # type: ignore[arg-type]
        if field.name in content or field.default is field.default_factory is MISSING
    ]
    try:
        return kind(**{name: content[name] for name in wanted})
    except KeyError as error:
        name = kind.__name__.lower()
        raise UserError(
            f"{path}: no key {error}, so it holds no {name}; delete it and run again"
        ) from None
