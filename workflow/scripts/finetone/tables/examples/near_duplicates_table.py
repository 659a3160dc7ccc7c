"""near_duplicates.csv: rows of the source whose text is nearly that of another row, with both texts."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from finetone import files
from finetone.formats import similar_rows
from finetone.tables.examples.errors_table import excerpt

MOST = 200  # pairs shown
COLUMNS = [
    *("dataset", "split", "id", "label", "text"),
    *("other_split", "other_id", "other_label", "other_text", "similarity"),
]


def table(near_duplicates: Path, data: Path) -> pd.DataFrame:
    """The most similar pairs, those across splits first.

    Parameters
    ----------
    near_duplicates
        The file of that name.
    data
        Folder of the dataset.
    """
    manifest = files.read_json(data / "manifest.json")
    pairs = similar_rows.read(near_duplicates)
    pairs = pairs.assign(within=pairs["split"] == pairs["other_split"])
    order = ["within", "similarity", "split", "id"]
    pairs = pairs.sort_values(order, ascending=[True, False, True, True], kind="stable")
    pairs = pairs.head(MOST).reset_index(drop=True).assign(dataset=manifest["dataset"])
    for prefix in ("", "other_"):
        pairs[f"{prefix}label"] = pairs[f"{prefix}text"] = ""
        for split in pairs[f"{prefix}split"].unique():
            own = pairs[f"{prefix}split"] == split
            wanted = pairs.loc[own, f"{prefix}id"]
            labels, texts = _rows(files.split_of(data, split), set(wanted))
            names = [manifest["labels"][labels[each]] for each in wanted]
            pairs.loc[own, f"{prefix}label"] = names
            pairs.loc[own, f"{prefix}text"] = [excerpt(texts[each]) for each in wanted]
    return pairs[COLUMNS]


def _rows(split: Path, wanted: set[int]) -> tuple[dict[int, int], dict[int, str]]:
    """Class number and text of the rows of a split with these ids."""
    found = pq.read_table(split, filters=[("id", "in", wanted)], columns=["id", "text", "label"])
    ids = found["id"].to_pylist()
    labels = dict(zip(ids, found["label"].to_pylist(), strict=True))
    return labels, dict(zip(ids, found["text"].to_pylist(), strict=True))
