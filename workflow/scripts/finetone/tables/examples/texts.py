"""The texts of a panel's rows, for tables that need them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from finetone.comparison.panel import Panel
from finetone.errors import UserError
from finetone.tables.panels import panels


def panels_with_texts(
    predictions: Sequence[Path], texts: Mapping[str, Path]
) -> Iterator[tuple[Panel, list[str]]]:
    """Read the panel of each dataset and the texts of its rows.

    Parameters
    ----------
    predictions
        Prediction files.
    texts
        {dataset: Parquet file of its test split}.

    Yields
    ------
    panel, texts
        The texts are in the panel's order of rows.

    Raises
    ------
    UserError
        The ids in a file are not those of the predictions.
    """
    for dataset, path in texts.items():
        for panel in panels(predictions, dataset):
            yield panel, read_texts(panel, path)


def read_texts(panel: Panel, path: object) -> list[str]:
    """Read the texts of a panel's rows, in its order of ids.

    Raises
    ------
    UserError
        The ids in the file are not those of the predictions.
    """
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
