"""What every test row contributes to the metrics of our runs, from the prediction files."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from finetone.claims.estimate import Missing
from finetone.claims.phrases import phrase
from finetone.comparison.scores import unit
from finetone.formats.predictions import Header, header, read
from finetone.statistics.evaluation import ERRORS, Evaluation
from finetone.statistics.metrics import Floats, Ints


class Contributions:
    """Contributions to any metric (`evaluation`), of every epoch of every run; read when asked for.

    Parameters
    ----------
    predictions
        Prediction files.
    """

    def __init__(self, predictions: Iterable[Path]) -> None:
        self._heads: dict[tuple[str, str], list[Header]] = {}
        for head in sorted(map(header, predictions), key=lambda head: head.seed):
            self._heads.setdefault((head.dataset, head.method), []).append(head)
        self._known: dict[tuple[str, str, str], tuple[Ints, Ints, dict[int | str, Floats]]] = {}
        self._rows: dict[str, tuple[Ints, Ints]] = {}  # ids and labels of a dataset
        self._units: dict[tuple[str, str], float] = {}

    def of(self, metric: str, dataset: str, method: str, epoch: int | str) -> Floats:
        """Contributions [seeds, n] of a method in an epoch, or in the "kept" ones.

        Raises
        ------
        Missing
            There are no such predictions, or not on the rows of the methods asked for before.
        """
        key = (metric, dataset, method)
        if key not in self._known:
            self._known[key] = self._read(*key)
        ids, label, by_epoch = self._known[key]
        first = self._rows.setdefault(dataset, (ids, label))[0] if by_epoch else ids
        if not np.array_equal(first, ids) or epoch not in by_epoch:
            facts = {"method": method, "epoch": epoch, "dataset": dataset}
            raise Missing(phrase("predictions", **facts))
        return by_epoch[epoch]

    @property
    def ensembles(self) -> dict[str, str]:
        """{ensemble: the method whose runs it is the mean of}"""
        heads = (each[0] for each in self._heads.values())
        return {head.method: head.facts["of"] for head in heads if "of" in head.facts}

    def unit(self, metric: str, dataset: str) -> float:
        """As `unit` of the kept epochs of all methods."""
        if (metric, dataset) not in self._units:
            methods = [m for d, m in self._heads if d == dataset] if metric in ERRORS else []
            kept = [self.of(metric, dataset, m, "kept").mean(axis=0, dtype=float) for m in methods]
            _, label = self._rows[dataset]
            of_rows = np.stack(kept) if kept else np.empty((0, len(label)))
            self._units[metric, dataset] = unit(metric, of_rows, label)
        return self._units[metric, dataset]

    def _read(
        self, metric: str, dataset: str, method: str
    ) -> tuple[Ints, Ints, dict[int | str, Floats]]:
        heads = self._heads.get((dataset, method), [])
        found: dict[int | str, list[Floats]] = {}
        ids, label = np.empty(0, int), np.empty(0, int)
        for head in heads:
            for rows in read(head):
                # float32 holds 0 and 1 exactly, and many methods in memory
                own = Evaluation(rows.logits, rows.label).contributions(metric).astype(np.float32)
                found.setdefault(rows.epoch, []).append(own)
                if rows.epoch == head.kept_epoch:
                    found.setdefault("kept", []).append(own)
                ids, label = rows.ids, rows.label
        whole = {epoch: each for epoch, each in found.items() if len(each) == len(heads)}
        return ids, label, {epoch: np.stack(each) for epoch, each in whole.items()}
