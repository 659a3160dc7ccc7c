"""A look at the first rows of the user's own files, before anything is run."""

from typing import Any

from finetone.data.choosing_rows import Choice, Wanted
from finetone.data.sources import files_of
from finetone.identity import split_of
from finetone.readers.encodings import NotUtf8
from finetone.readers.table_file import TableFile


def look(name: str, block: dict[str, Any]) -> None:
    """Check that the files of a dataset are tables with its columns, and their first labels.

    Parameters
    ----------
    name, block
        The validated entry `datasets.<name>`.

    Raises
    ------
    UserError
        What `data.download.prepare` would say.
    """
    if "file" not in block:
        return
    for key, path in files_of(name, block).items():
        table = TableFile(path, str(path), block.get("separator"), block.get("encoding"))
        choice = Choice(block, split_of(key), f"datasets.{name} ({split_of(key)}, its first rows)")
        try:
            batch = table.first(Wanted.of(block).columns)
        except NotUtf8:
            continue  # the whole file has to be read to see what it is
        choice.of(batch)
        choice.refuse_odd_labels()
