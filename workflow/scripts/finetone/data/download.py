"""From a dataset block of the config to split files and their manifest."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from finetone import files
from finetone.config.blocks import DatasetBlock
from finetone.config.dataset_block import shares
from finetone.data import splits
from finetone.data.choosing_rows import Choice, Wanted
from finetone.data.labels import require_classes
from finetone.data.near_duplicates import join_alike
from finetone.data.row_store import RowStore
from finetone.data.sources import Tables
from finetone.identity import refuse_others, without
from finetone.log import logger
from finetone.provenance import Provenance, keys_of


def prepare(
    name: str,
    block: DatasetBlock,
    target: Path,
    wheels: Sequence[Path] = (),
    provenance: Provenance | None = None,
) -> None:
    """Write `<split>.parquet` and, last, `manifest.json` of a dataset into the folder `target`.

    Rows that `where:` does not name, without text, without label (`missing_labels: drop`) or at the
    threshold are dropped and counted; `split:` shares are of all rows of train, test cut before dev;
    `sample:` comes last; rows stay in source order. The rows are never all in memory.

    Parameters
    ----------
    block
        The validated entry `datasets.<name>`.
    wheels
        The downloaded wheels of a `wheel` source.

    Raises
    ------
    UserError
        The source cannot be had, or does not hold what the entry says.
    """
    config_key = f"datasets.{name}"
    labels = block["labels"]
    sources = Tables(name, block, wheels)
    with files.atomic(target) as folder:
        folder.mkdir()
        store = RowStore(folder / "rows.arrow")
        dropped = _read(sources, block, config_key, store)
        refuse_others("file", block, provenance.settings if provenance else {})
        alike = None
        if block.get("split", {}).get("near_duplicates") == "together":
            alike = join_alike(store.texts())[1].all
        frames = arrange(store.frames(), block, config_key, alike)
        if "train" in frames:
            require_classes(frames["train"]["label"].to_numpy(), labels, config_key)
        rows = {split: splits.rows_of_labels(frame, labels) for split, frame in frames.items()}
        hashes = {
            split: store.write_split(frame["place"].to_numpy(), folder / f"{split}.parquet")
            for split, frame in frames.items()
        }
        (folder / "rows.arrow").unlink()
        source = sources.facts
        card_license = source.pop("license", None)
        facts = {
            "dataset": name,
            "source": source,
            "license": card_license,
            "labels": labels,
            "columns": {"text": block["text"], "label": block["label"]},
            "threshold": block.get("threshold"),
            "split": without(block.get("split") or {}, "folds", "repeats") or None,
            "sample": block.get("sample"),
            "rows": rows,
            "dropped": dropped,
        }
        facts |= {"splits": hashes, "content": files.checksum({"labels": labels, **hashes})}
        files.write_json(folder / "manifest.json", keys_of(provenance) | facts)
    for split, frame in frames.items():
        logger.info("%s: %s: %d rows, %s", name, split, len(frame), rows[split])


def arrange(
    frames: dict[str, pd.DataFrame],
    block: DatasetBlock,
    config_key: str,
    alike: npt.NDArray[np.int64] | None = None,
) -> dict[str, pd.DataFrame]:
    """The rows of each split once `split:` and `sample:` are done.

    Parameters
    ----------
    frames
        Columns `label` and `place` of the rows of each split of the source.
    block
        The validated entry `datasets.<name>`.
    config_key
        For messages.
    alike
        By `place`, the group of a row, whose rows are not divided; None if they may be.
    """
    frames, parts, sizes = dict(frames), shares(block), block.get("sample", {})
    if parts:
        train, seed = frames["train"], block["split"].get("seed", 0)
        groups = None if alike is None else alike[train["place"].to_numpy()]
        frames |= splits.cut(train, parts, seed, config_key, groups)
    for split, size in without(sizes, "seed").items():
        seed = sizes.get("seed", 0)
        frames[split] = splits.sample(frames[split], size, seed, split, config_key)
    return frames


def _read(sources: Tables, block: DatasetBlock, config_key: str, store: RowStore) -> dict[str, int]:
    """Put all rows that are kept into `store`; count the others by reason."""
    dropped: Counter[str] = Counter()
    columns = Wanted.of(block).columns
    for split, tables in groupby(sources.tables, key=itemgetter(0)):
        choice, kept = Choice(block, split, f"{config_key} ({split})"), 0
        for _, table in tables:
            for batch in table.batches(columns):
                chosen = choice.of(batch)
                store.add(chosen.ids, chosen.texts, chosen.labels, chosen.splits)
                kept += len(chosen.texts)
        choice.finish(kept)
        dropped.update(choice.dropped)
    store.close()
    return dict(dropped)
