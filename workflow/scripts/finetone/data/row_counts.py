"""Whether there are as many training rows as the configuration asks for, before anything is run."""

from collections import defaultdict
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from finetone import files
from finetone.config.blocks import DatasetBlock
from finetone.config.dataset_block import folds_of
from finetone.data.choosing_rows import Choice, Wanted
from finetone.data.class_weights import refuse_absent
from finetone.data.sources import files_of, table_of
from finetone.errors import UserError
from finetone.identity import split_of
from finetone.readers.encodings import NotUtf8

LARGEST = 64 << 20  # bytes of files that are read for it; reading larger ones takes too long


def check_rows(config: Mapping[str, Any], data: Path | None) -> None:
    """Check the numbers of training rows that a learning curve, tuning and class weights need.

    Where it cannot be known yet (data of the hub or a wheel, large files), the jobs check it.

    Parameters
    ----------
    config
        The checked configuration.
    data
        Folder of the source dataset, if it is there and current.

    Raises
    ------
    UserError
        There are fewer rows than asked for, a learning curve asks for all, or a class has none.
    """
    asked = {
        "learning_curve.rows": max(config.get("learning_curve", {}).get("rows", [0])),
        "tune.rows": config.get("tune", {}).get("rows") or 0,
    }
    entries = [config["recipe"], *(m.get("recipe", {}) for m in config["models"].values())]
    weighted = any(e.get("class_weights") for e in [*entries, *config["baselines"].values()])
    if not weighted and not any(asked.values()):
        return
    block = config["datasets"][config["source"]]
    counts = _training_rows(config["source"], block, data)
    if counts is None:
        return
    total = sum(counts.values())
    if folds := folds_of(block):
        total -= -(-total // folds)  # the largest fold is held out
    for key, rows in asked.items():
        if rows > total:
            raise UserError(f"{key}: asks for {rows} rows, but there are {total} to train on")
    if asked["learning_curve.rows"] == total:
        raise UserError(
            f"learning_curve.rows: {total} rows are all there are to train on, with which each curve "
            f"ends anyway; leave {total} out"
        )
    if weighted:
        refuse_absent(counts)


def _training_rows(name: str, block: DatasetBlock, data: Path | None) -> dict[str, int] | None:
    """Training rows of each label of a dataset; None if that is not known yet."""
    if data is not None:
        rows: dict[str, int] | None
        rows = files.read_json(data / "manifest.json").get("rows", {}).get("train")
        return rows
    if "file" not in block:
        return None
    frames = arranged(name, block, LARGEST)
    if frames is None:
        return None
    from finetone.data.splits import rows_of_labels

    return rows_of_labels(frames["train"], block["labels"])


def arranged(name: str, block: DatasetBlock, largest: int) -> dict[str, Any] | None:
    """The labels of a dataset's own files by split, as the job will cut and sample them.

    Parameters
    ----------
    name, block
        The validated entry `datasets.<name>`.
    largest
        Bytes of files that are read.

    Returns
    -------
    dict or None
        {split: data frame with the column `label`}; None if it cannot be known without more work:
        the files are larger or in an unknown encoding, or rows are divided by their texts.

    Raises
    ------
    UserError
        What the job would say.
    """
    paths = files_of(name, block)
    together = block.get("split", {}).get("near_duplicates") == "together"
    if together or sum(path.stat().st_size for path in paths.values()) > largest:
        return None
    import pandas as pd  # only here: every dry run would wait for it

    from finetone.data.download import arrange

    labels: dict[str, list[Any]] = defaultdict(list)
    columns, place = Wanted.of(block).columns, f"datasets.{name}"
    for split, keys in groupby(paths, key=split_of):
        choice, kept = Choice(block, split, f"{place} ({split})"), 0
        for key in keys:
            path = paths[key]
            table = table_of(block, path)
            try:
                for batch in table.batches(columns):
                    chosen = choice.of(batch)
                    kept += len(chosen.labels)
                    for part in set(chosen.splits):
                        own = np.array([each == part for each in chosen.splits])
                        labels[part].append(chosen.labels[own])
            except NotUtf8:
                return None  # the job says what it is
        choice.check(kept)
    frames = {split: pd.DataFrame({"label": np.concatenate(of)}) for split, of in labels.items()}
    return arrange(frames, block, place)
