"""What labelling reads beside the runs: the table of new texts, and the data that was learned from."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from finetone import files
from finetone.config.canonical import encoding_name
from finetone.errors import UserError
from finetone.identity import own_files
from finetone.readers.encodings import NotUtf8
from finetone.readers.whole_table import WholeTable


def table_in(path: Path, name: str, separator: str | None, encoding: str | None) -> WholeTable:
    """The table in a file; see `TableFile`."""
    if encoding is not None and encoding_name(encoding) is None:
        raise UserError(f"encoding: {encoding!r} is no encoding that Python knows; such as cp1252")
    return WholeTable(path, name, separator, encoding)


def text_column(results: Path, dataset: str) -> str:
    """The column that the texts of a dataset were in.

    Raises
    ------
    UserError
        The dataset is not there any more.
    """
    manifest = results / "data" / dataset / "manifest.json"
    if not manifest.is_file():
        raise UserError(f"{manifest}: not there, so give the column of the texts (--text)")
    return str(files.read_json(manifest)["columns"]["text"])


def training_split(results: Path, dataset: str) -> Path | None:
    """The training rows of a dataset, if they are still there.

    Raises
    ------
    UserError
        They were altered.
    """
    data = results / "data" / dataset
    there = (data / "manifest.json").is_file() and (data / "train.parquet").is_file()
    return files.split_of(data, "train") if there else None


def file_of(config_key: str, block: Mapping[str, Any]) -> Path:
    """The file of an entry of `label:`.

    Raises
    ------
    UserError
        It is not there, or not one file.
    """
    found = list(own_files(block).values())
    if len(found) > 1:
        raise UserError(f"{config_key}.file: {len(found)} files; make an entry for each")
    if not found[0].is_file():
        raise UserError(f"{config_key}.file: no file {found[0]} (from {Path.cwd()})")
    return found[0]


def look(config_key: str, block: Mapping[str, Any], text: str) -> None:
    """Check, before anything is run, that the file of an entry is a table with that column.

    Raises
    ------
    UserError
        What labelling it would say.
    """
    file = file_of(config_key, block)
    table = table_in(file, str(file), block["separator"], block["encoding"])
    with suppress(NotUtf8):  # the whole file has to be read to see what it is
        table.first([text])
