"""Rows on their way from a source to split files: on disk, so that they need not fit into memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from finetone.data.splits import SCHEMA, write_split

GROUP = 1 << 20  # rows of a row group, at most
GROUP_BYTES = 64 << 20


class RowStore:
    """Rows in order, in a file that is deleted at the end; ids and labels are kept in memory.

    Parameters
    ----------
    path
        Of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._writer = path, pa.ipc.new_file(str(path), SCHEMA)
        self._labels: list[npt.NDArray[np.int16]] = []
        self._codes: dict[str, int] = {}
        self._parts: list[npt.NDArray[np.int8]] = []
        self._starts = [0]

    def add(
        self,
        ids: npt.NDArray[np.int64],
        texts: list[str],
        labels: npt.NDArray[np.int16],
        splits: list[str],
    ) -> None:
        """Append n rows: ids [n], texts, class numbers [n] and the names of their splits."""
        if not texts:
            return
        self._writer.write(
            pa.record_batch([pa.array(ids), pa.array(texts), pa.array(labels)], SCHEMA)
        )
        self._labels.append(labels)
        codes = {
            split: self._codes.setdefault(split, len(self._codes))
            for split in dict.fromkeys(splits)
        }
        self._parts.append(np.array([codes[split] for split in splits], dtype=np.int8))
        self._starts.append(self._starts[-1] + len(texts))

    def close(self) -> None:
        """End the file, after the last row."""
        self._writer.close()

    def frames(self) -> dict[str, pd.DataFrame]:
        """{split: columns `label` and `place`, the row's in this store}, in order."""
        labels = np.concatenate([np.empty(0, np.int16), *self._labels])
        parts = np.concatenate([np.empty(0, np.int8), *self._parts])
        frames = {}
        for split, code in self._codes.items():
            places = np.flatnonzero(parts == code)
            frames[split] = pd.DataFrame({"label": labels[places], "place": places})
        return frames

    def texts(self) -> list[str]:
        """All texts, in order; they are in memory then."""
        with pa.OSFile(str(self._path)) as source:
            reader: Any = pa.ipc.open_file(source)
            numbers = range(reader.num_record_batches)
            return [text for n in numbers for text in reader.get_batch(n)["text"].to_pylist()]

    def write_split(self, places: npt.NDArray[np.int64], path: Path) -> str:
        """Write the rows at `places`, ascending, as a split file; return its hex sha256."""
        return write_split(self._groups(places), path)

    def _groups(self, places: npt.NDArray[np.int64]) -> Iterator[pa.Table]:
        """The rows at `places` in tables of a row group each."""
        waiting: list[pa.RecordBatch] = []
        rows = size = 0
        with pa.OSFile(str(self._path)) as source:
            reader: Any = pa.ipc.open_file(source)
            bounds = np.searchsorted(places, self._starts)
            for number in range(reader.num_record_batches):
                inside = places[bounds[number] : bounds[number + 1]] - self._starts[number]
                if not len(inside):
                    continue
                batch = reader.get_batch(number)
                part = batch if len(inside) == len(batch) else batch.take(pa.array(inside))
                waiting.append(part)
                rows, size = rows + len(part), size + part.nbytes
                if rows >= GROUP or size >= GROUP_BYTES:
                    yield pa.Table.from_batches(waiting, SCHEMA).combine_chunks()
                    waiting, rows, size = [], 0, 0
        if waiting or not len(places):
            yield pa.Table.from_batches(waiting, SCHEMA).combine_chunks()
