"""A look at the first rows of the user's own files, before anything is run."""

from pathlib import Path

from finetone import files
from finetone.config.blocks import DatasetBlock
from finetone.config.dataset_block import folds_of
from finetone.data import row_counts
from finetone.data.choosing_rows import Choice, Wanted
from finetone.data.labels import require_classes, require_folds
from finetone.data.sources import files_of, table_of
from finetone.identity import split_of
from finetone.readers.encodings import NotUtf8

SMALL = 16 << 20  # bytes of files that are read in full


def look(name: str, block: DatasetBlock) -> None:
    """Check that the files of a dataset are tables with its columns, and their labels and splits.

    Of large files, the first rows alone are looked at.

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
        table = table_of(block, path)
        choice = Choice(block, split_of(key), f"datasets.{name} ({split_of(key)}, its first rows)")
        try:
            batch = table.first(Wanted.of(block).columns)
        except NotUtf8:
            continue  # the whole file has to be read to see what it is
        choice.of(batch)
        choice.refuse_odd_labels()
    _look_at_all(name, block)


def look_at_rows(name: str, block: DatasetBlock, manifest: Path) -> None:
    """Check a prepared dataset against the folds that it is to be divided into.

    Parameters
    ----------
    name, block
        The validated entry `datasets.<name>`.
    manifest
        Of its folder, if it is there.

    Raises
    ------
    UserError
        A class has fewer rows than there are folds.
    """
    folds = folds_of(block)
    if not folds or not manifest.is_file():
        return
    if rows := files.read_json(manifest).get("rows", {}).get("train"):
        require_folds(rows, folds, f"datasets.{name}")


def _look_at_all(name: str, block: DatasetBlock) -> None:
    """Read small files to their end: too few rows and classes are seen nowhere else."""
    frames = row_counts.arranged(name, block, SMALL)
    if frames is None or "train" not in frames:
        return
    from finetone.data.splits import rows_of_labels  # pandas takes a while

    labels = frames["train"]["label"].to_numpy()
    require_classes(labels, block["labels"], f"datasets.{name}")
    if folds := folds_of(block):
        counts = rows_of_labels(frames["train"], block["labels"])
        require_folds(counts, folds, f"datasets.{name}")
