"""runs.csv: the metrics of every epoch of every prediction file, in the order of the files.

`<metric>_se` is a metric's standard error over rows, of that run alone. `<metric>_cov` is the
covariance of the run's metric with the mean over the method's seeds in that epoch, over rows: the
mean of it over the seeds is the variance over rows of that mean, which a summary needs.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from finetone.files import sha256
from finetone.formats.predictions import Header, header, read
from finetone.statistics.evaluation import SCORES, Evaluation
from finetone.statistics.intervals import wilson
from finetone.statistics.metrics import Floats
from finetone.statistics.standard_errors import standard_error

OTHERS = tuple(name for name in SCORES if name != "accuracy")


def table(predictions: Sequence[Path], confidence: float) -> pd.DataFrame:
    """Make one row per file and epoch.

    `sha256` is the file's, so that a table says which predictions it was made from.
    """
    heads = [header(path) for path in predictions]
    methods: dict[tuple[str, str], list[Header]] = {}
    for head in heads:
        methods.setdefault((head.dataset, head.method), []).append(head)
    rows = pd.DataFrame(row for runs in methods.values() for row in _rows(runs, confidence))
    place = {str(path): number for number, path in enumerate(predictions)}
    order = rows.pop("path").map(place)
    return rows.iloc[np.argsort(order.to_numpy(), kind="stable")]


def _rows(heads: Sequence[Header], confidence: float) -> Iterator[dict[str, object]]:
    """All runs of one method on one dataset."""
    influences: dict[int, dict[str, list[Floats]]] = {}
    rows = []
    for head in heads:
        digest = sha256(head.path)
        for epoch in read(head):
            run = Evaluation(epoch.logits, epoch.label)
            of_rows = {name: run.influence(name) for name in SCORES}
            n, correct = len(epoch.label), int(of_rows["accuracy"].sum())
            low, high = wilson(correct, n, confidence)
            row = {
                "path": str(head.path),
                "dataset": head.dataset,
                "method": head.method,
                "seed": head.seed,
                "epoch": epoch.epoch,
                "kept": epoch.epoch == head.kept_epoch,
                "sha256": digest,
                "n": n,
                "correct": correct,
                "accuracy": run.value("accuracy"),
                "accuracy_low": low,
                "accuracy_high": high,
                **{name: run.value(name) for name in OTHERS},
                **{f"{name}_se": standard_error(of_rows[name]) for name in OTHERS},
            }
            of_epoch = influences.setdefault(epoch.epoch, {name: [] for name in of_rows})
            for name, each in of_rows.items():
                of_epoch[name].append(each)
            rows.append((row, epoch.epoch, len(of_epoch["accuracy"]) - 1))
    shared = {epoch: _shared(of_epoch) for epoch, of_epoch in influences.items()}
    for row, number, place in rows:
        yield row | {f"{name}_cov": shared[number][name][place] for name in SCORES}


def _shared(influences: dict[str, list[Floats]]) -> dict[str, Floats]:
    """Give {metric: covariance [S] over rows of each seed's value with the mean over seeds}.

    NaN where seeds have other rows (no comparison will accept them) or a metric is undefined.
    """
    found = {}
    for name, of_seeds in influences.items():
        n = len(of_seeds[0])
        if n < 2 or any(len(each) != n for each in of_seeds):
            found[name] = np.full(len(of_seeds), np.nan)
            continue
        block = np.stack(of_seeds).astype(float)
        with np.errstate(invalid="ignore"):  # infinite losses
            block -= block.mean(axis=1, keepdims=True)
            found[name] = block @ block.mean(axis=0) / (n - 1) / n
    return found
