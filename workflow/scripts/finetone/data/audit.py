"""Data-quality checks of a dataset, before anybody trusts a score on it."""

import hashlib
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from finetone import files
from finetone.data.splits import read_split, rows_of_labels
from finetone.log import logger
from finetone.provenance import Provenance, keys_of

RARE = 1 / 5  # of an even share of the rows
QUANTILES = (0, 5, 25, 50, 75, 95, 99, 100)


def audit_dataset(manifest: Path, target: Path, provenance: Provenance | None = None) -> None:
    """Audit the splits beside `manifest` into the JSON file `target`.

    Raises
    ------
    UserError
        A split file is not the one that the manifest describes.
    """
    facts = files.read_json(manifest)
    data = Path(manifest).parent
    splits = {name: read_split(files.split_of(data, name)) for name in facts["splits"]}
    result = audit(splits, facts["labels"])
    about = keys_of(provenance)
    about |= {"dataset": facts["dataset"], "made_from": facts["splits"]}
    files.write_json(target, about | result)
    for split, of_split in result["splits"].items():
        for name in rare(of_split["labels"])[:1]:
            count = f"{of_split['labels'][name]} of {of_split['rows']} {split} rows"
            logger.warning(
                "%s: only %s are '%s', less than a fifth of an even share, so that the accuracy hardly "
                "depends on them; consider compare: {metric: macro_f1}",
                facts["dataset"],
                count,
                name,
            )
    if result["leaks"]["count"]:
        logger.warning(
            "%s: %d test texts are also in train", facts["dataset"], result["leaks"]["count"]
        )


def audit(splits: dict[str, pd.DataFrame], labels: list[str]) -> dict[str, Any]:
    """Facts about splits with columns `id`, `text`, `label`.

    Two texts are the same if they are after folding case and runs of white space.

    - `splits` {split: facts}: `rows`; `labels` {name: rows}; `balance` (rows of the rarest class
      per row of the commonest, 1 = balanced); `empty` (texts without letter or digit);
      `multiline` (texts with a line break: few and long ones are a sign of a quote left open);
      `duplicates` {`groups`, `rows`: all rows in them, `conflicting_groups`, `conflicting_rows`:
      those whose labels differ}; `words`, `characters` {quantile in percent: length}
    - `shared` {"train/test": distinct texts in both …} for every pair of splits
    - `leaks` {`count`, `ids`: rows of test whose text is in train, `conflicting`: those of
      them that have another label there}
    """
    folded = {name: _folded(frame) for name, frame in splits.items()}
    return {
        "splits": {
            name: _split_facts(frame, folded[name], labels) for name, frame in splits.items()
        },
        "shared": {
            f"{a}/{b}": len(set(folded[a]["key"]) & set(folded[b]["key"]))
            for a, b in combinations(splits, 2)
        },
        "leaks": _leaks(folded),
    }


def rare(labels: dict[str, int]) -> list[str]:
    """Names of the classes with less than a fifth of an even share of the rows, the rarest first.

    Parameters
    ----------
    labels
        {name: rows}
    """
    even = sum(labels.values()) / max(len(labels), 1)
    return sorted((name for name in labels if labels[name] < RARE * even), key=lambda n: labels[n])


def fold(text: str) -> str:
    """`text` with runs of white space as one blank, none at the ends, and case folded."""
    return " ".join(text.split()).casefold()


def _folded(frame: pd.DataFrame) -> pd.DataFrame:
    """`id`, `label` and a 16-byte digest of each folded text: the texts would fill memory."""
    keys = [hashlib.blake2b(fold(t).encode(), digest_size=16).digest() for t in frame["text"]]
    return pd.DataFrame(
        {"id": frame["id"], "label": frame["label"], "key": pd.Series(keys, dtype=object)}
    )


def _split_facts(frame: pd.DataFrame, folded: pd.DataFrame, labels: list[str]) -> dict[str, Any]:
    of_labels = rows_of_labels(frame, labels)
    words = np.array([len(text.split()) for text in frame["text"]])
    characters = np.array([len(text) for text in frame["text"]])
    groups = folded.groupby("key")["label"].agg(["size", "nunique"])
    repeated = groups[groups["size"] > 1]
    conflicting = repeated[repeated["nunique"] > 1]
    return {
        "rows": len(frame),
        "labels": of_labels,
        "balance": min(of_labels.values()) / max(of_labels.values()),
        "empty": sum(not any(map(str.isalnum, text)) for text in frame["text"]),
        "multiline": int(frame["text"].str.contains("[\r\n]").sum()),
        "duplicates": {
            "groups": len(repeated),
            "rows": int(repeated["size"].sum()),
            "conflicting_groups": len(conflicting),
            "conflicting_rows": int(conflicting["size"].sum()),
        },
        "words": _quantiles(words),
        "characters": _quantiles(characters),
    }


def _quantiles(lengths: npt.NDArray[np.int64]) -> dict[str, int]:
    """Lengths that occur: the smallest with at least q percent of the texts no longer than it."""
    values = np.percentile(lengths, QUANTILES, method="inverted_cdf")
    return {str(q): int(value) for q, value in zip(QUANTILES, values, strict=True)}


def _leaks(folded: dict[str, pd.DataFrame]) -> dict[str, Any]:
    if "train" not in folded or "test" not in folded:
        return {"count": 0, "ids": [], "conflicting": 0}
    seen = folded["train"].groupby("key")["label"].agg(set)
    test = folded["test"]
    leaked = test[test["key"].isin(seen.index)]
    conflicting = sum(
        bool(seen[key] - {label}) for key, label in zip(leaked["key"], leaked["label"], strict=True)
    )
    ids = [int(i) for i in leaked["id"]]
    return {"count": len(ids), "ids": ids, "conflicting": conflicting}
