"""A look at the first rows of the user's own files, before anything is run."""

from collections import Counter
from pathlib import Path

from finetone import files
from finetone.config.blocks import DatasetBlock
from finetone.config.dataset_block import folds_of
from finetone.data.choosing_rows import Choice, Wanted
from finetone.data.labels import require_folds
from finetone.data.sources import files_of, table_of
from finetone.identity import split_of
from finetone.readers.encodings import NotUtf8

SMALL = 16 << 20  # bytes of files that are read in full


def look(name: str, block: DatasetBlock) -> None:
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
        table = table_of(block, path)
        choice = Choice(block, split_of(key), f"datasets.{name} ({split_of(key)}, its first rows)")
        try:
            batch = table.first(Wanted.of(block).columns)
        except NotUtf8:
            continue  # the whole file has to be read to see what it is
        choice.of(batch)
        choice.refuse_odd_labels()
    _look_at_folds(name, block)


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


def _look_at_folds(name: str, block: DatasetBlock) -> None:
    """Count the rows of each class of a small file, unless only some of them are used."""
    folds = folds_of(block)
    own = files_of(name, block)
    if not folds or "train" in block.get("sample", {}):
        return
    if sum(path.stat().st_size for path in own.values()) > SMALL:
        return
    counts: Counter[str] = Counter()
    for key, path in own.items():
        if split_of(key) == "train":
            table = table_of(block, path)
            choice = Choice(block, "train", f"datasets.{name} (train)")
            for batch in table.batches(Wanted.of(block).columns):
                kept = choice.of(batch)
                used = [
                    label
                    for label, split in zip(kept.labels, kept.splits, strict=True)
                    if split == "train"
                ]
                counts.update(block["labels"][label] for label in used)
            choice.refuse_odd_labels()
    require_folds(counts, folds, f"datasets.{name}")
