"""What labelling reads beside the runs: the table of new texts, and the data that was learned from."""

from pathlib import Path

from finetone import files
from finetone.errors import UserError
from finetone.readers.whole_table import WholeTable


def named(path: Path, name: str, separator: str | None, encoding: str | None) -> WholeTable:
    """The table in a file; see `TableFile`."""
    from finetone.config.canonical import encoding_name

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
