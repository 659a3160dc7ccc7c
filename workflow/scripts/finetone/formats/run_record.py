"""run.json: what a run learned from and under, and the hashes of all that it left."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetone import files


def listed(run: Path, *parts: str) -> dict[str, str]:
    """{name: sha256} of every file in `parts`, files and folders beside run.json, for its `files`."""
    return {
        str(file.relative_to(run.parent)): files.sha256(file)
        for part in parts
        for file in _files(run.parent / part)
    }


def content(hashes: Mapping[str, str]) -> str:
    """Hex sha256 of what a run learned: of all its files that state no times or machines.

    Left out are the history, which has times, and the model card, which may name the machine.
    """
    told = ("history.parquet", "README.md")
    return files.checksum({name: hashes[name] for name in hashes if Path(name).name not in told})


def check(run: Path, *parts: str) -> dict[str, Any]:
    """The content of run.json, once `parts` (files and folders beside it) were found unchanged.

    Raises a UserError for a file that was altered, is missing, or was put in.
    """
    about = files.read_json(run)
    if "files" not in about:  # of an earlier version, which kept one hash
        kept = "checkpoint/model.safetensors" if about["kind"] == "finetune" else "model"
        if kept.split("/")[0] in parts:
            files.unchanged(run, {kept: about["checkpoint"]})
        return about
    for part in parts:
        hashes = {
            name: digest
            for name, digest in about["files"].items()
            if name == part or name.startswith(f"{part}/")
        }
        for file in _files(run.parent / part):
            if str(file.relative_to(run.parent)) not in hashes:
                raise files.altered(file, run, run.parent)
        files.unchanged(run, hashes)
    return about


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path] if path.exists() else []
    return sorted(f for f in path.rglob("*") if f.is_file() and f.name != files.STAMP)
