"""Whether there are as many training rows as the configuration asks for, before anything is run."""

from collections import defaultdict
from collections.abc import Mapping
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
    paths = files_of(name, block)
    if sum(path.stat().st_size for path in paths.values()) > LARGEST:
        return None
    import pandas as pd  # only here: every dry run would wait for it

    from finetone.data.download import arrange
    from finetone.data.splits import rows_of_labels

    labels: dict[str, list[Any]] = defaultdict(list)
    for key, path in paths.items():
        table = table_of(block, path)
        choice = Choice(block, split_of(key), f"datasets.{name} ({split_of(key)})")
        try:
            for batch in table.batches(Wanted.of(block).columns):
                chosen = choice.of(batch)
                for split in set(chosen.splits):
                    own = np.array([each == split for each in chosen.splits])
                    labels[split].append(chosen.labels[own])
        except NotUtf8:
            return None  # the job says what it is
    frames = {split: pd.DataFrame({"label": np.concatenate(of)}) for split, of in labels.items()}
    train = arrange(frames, block, f"datasets.{name}")["train"]
    return rows_of_labels(train, block["labels"])
