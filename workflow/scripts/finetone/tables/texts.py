"""The texts behind a panel's rows, for tables that look at them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from finetone.errors import UserError
from finetone.statistics.panel import Panel
from finetone.tables.panels import panels


def panels_with_texts(
    predictions: Sequence[Path], texts: Mapping[str, Path]
) -> Iterator[tuple[Panel, list[str]]]:
    """Each dataset of `texts` {dataset: test split}, with its texts in the panel's order."""
    for dataset, path in texts.items():
        for panel in panels(predictions, dataset):
            yield panel, read_texts(panel, path)


def read_texts(panel: Panel, path: object) -> list[str]:
    """The panel's texts in its order of ids."""
    table = pq.read_table(str(path), columns=["id", "text"])
    ids = table.column("id").to_numpy()
    order = np.argsort(ids, kind="stable")
    if not np.array_equal(ids[order], panel.ids):
        raise UserError(
            f"{path}: its ids are not those of the predictions on '{panel.dataset}'; "
            "delete the predictions and rerun"
        )
    texts: list[str] = table.column("text").take(order).to_pylist()
    return texts
