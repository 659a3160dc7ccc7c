"""runs.csv: the metrics of every epoch of every prediction file, in the order of the files.

`<metric>_se` is a metric's standard error over rows, of that run alone. `<metric>_cov` is the
covariance of the run's metric with the mean over the method's seeds in that epoch, over rows: the
mean of it over the seeds is the variance over rows of that mean, which a summary needs. Rows of a
cross-validation are worth less than others; both columns and the interval of the accuracy say so
(`statistics.cross_validation`).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from finetone.files import sha256
from finetone.formats.predictions import Header, header, read
from finetone.statistics.evaluation import SCORES, Evaluation
from finetone.statistics.intervals import wilson
from finetone.statistics.metrics import Floats, Ints
from finetone.statistics.standard_errors import standard_error
from finetone.statistics.variance.cross_validation import Folds

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
    repeats = {repeat: place for place, repeat in enumerate(sorted({h.repeat for h in heads}))}
    folds: dict[int, Ints] = {}
    rows = []
    for head in heads:
        digest = sha256(head.path)
        for epoch in read(head):
            run = Evaluation(epoch.logits, epoch.label)
            of_rows = {name: run.influence(name) for name in SCORES}
            n, correct = len(epoch.label), int(of_rows["accuracy"].sum())
            alone = _alone(head, epoch.fold, of_rows)
            worth = alone["accuracy"]  # of rows for one that would be independent
            low, high = wilson(correct / worth, n / worth, confidence)
            if epoch.fold is not None:
                folds.setdefault(repeats[head.repeat], epoch.fold)
            row = {
                "path": str(head.path),
                "dataset": head.dataset,
                "method": head.method,
                "seed": head.seed,
                "repeat": head.repeat if head.folds else None,
                "folds": head.folds or None,
                "epoch": epoch.epoch,
                "kept": epoch.epoch == head.kept_epoch,
                "sha256": digest,
                "n": n,
                "correct": correct,
                "accuracy": run.value("accuracy"),
                "accuracy_low": low,
                "accuracy_high": high,
                **{name: run.value(name) for name in OTHERS},
                **{
                    f"{name}_se": standard_error(of_rows[name]) * np.sqrt(alone[name])
                    for name in OTHERS
                },
            }
            of_epoch = influences.setdefault(epoch.epoch, {name: [] for name in of_rows})
            for name, each in of_rows.items():
                of_epoch[name].append(each)
            rows.append((row, epoch.epoch, len(of_epoch["accuracy"]) - 1))
    found = None
    if heads[0].folds:
        places = [repeats[head.repeat] for head in heads]
        of_repeats = np.stack([folds[place] for place in sorted(folds)])
        found = Folds(heads[0].folds, of_repeats, {heads[0].method: places})
    shared = {
        epoch: _shared(of_epoch, found, heads[0].method) for epoch, of_epoch in influences.items()
    }
    for row, number, place in rows:
        yield row | {f"{name}_cov": shared[number][name][place] for name in SCORES}


def _alone(head: Header, fold: Ints | None, of_rows: dict[str, Floats]) -> dict[str, float]:
    """By how much the variance over rows of each metric of one run is too small; 1 for a test split."""
    if fold is None:
        return dict.fromkeys(of_rows, 1.0)
    folds = Folds(head.folds, fold[None], {head.method: [0]})
    return {name: folds.inflation(each[None]) for name, each in of_rows.items()}


def _shared(
    influences: dict[str, list[Floats]], folds: Folds | None, method: str
) -> dict[str, Floats]:
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
        if folds:
            whole = len(block) == len(folds.repeats[method])  # not if some runs lack the epoch
            several = folds.inflation(folds.by_repeat(method, block)) if whole else folds.factor
            found[name] *= several
    return found
