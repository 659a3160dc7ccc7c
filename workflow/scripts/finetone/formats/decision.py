"""Files that state what was decided among trials: tuning/<method>.json, …/promoted<i>.json.

What is made from one depends on what was decided, not on what there was to choose from: one value
more to try trains that value, and nothing else unless it is the best (see `provenance.read`).
"""

from pathlib import Path
from typing import Any

from finetone import files
from finetone.errors import UserError
from finetone.provenance import Provenance, keys_of


def write(
    target: Path, decided: Any, about: dict[str, Any], provenance: Provenance | None = None
) -> None:
    """Write a decision.

    Parameters
    ----------
    decided
        What was decided, as JSON has it.
    about
        Other facts, which nothing depends on.
    """
    content = about | {"decided": decided, "decision": files.checksum({"decided": decided})}
    files.write_json(target, keys_of(provenance) | content)


def read(path: Path) -> Any:
    """What was decided.

    Raises
    ------
    UserError
        The file cannot be read, was altered, or holds no decision.
    """
    content = files.read_json(path)
    if "decided" not in content:
        raise UserError(f"{path}: holds no decision; delete it and run again")
    return content["decided"]
