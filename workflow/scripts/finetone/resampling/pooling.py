"""From the predictions of the folds of a cross-validation to those of all rows."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from finetone.errors import UserError
from finetone.files import sha256
from finetone.formats import predictions
from finetone.formats.predictions import Predictions
from finetone.provenance import Provenance

EACH_KEPT = 0  # the epoch under which are the rows of each fold's own kept epoch


def pool_folds(
    folds: Sequence[Path],
    repeat: int,
    target: Path,
    provenance: Provenance | None = None,
    seed: int | None = None,
) -> None:
    """Write one prediction file of a run: every row once, predicted by the fold that held it out.

    Where the folds kept different epochs, their kept ones are pooled as epoch 0, beside the others.

    Parameters
    ----------
    folds
        Prediction files of one method and seed, fold 1 first.
    repeat
        Of the cross-validation, from 1.
    target
        Prediction file to write.
    provenance
        Its record.
    seed
        Of the run, if not the one of the folds: of their rows, where the method has none.

    Raises
    ------
    UserError
        A file is damaged, or two of them hold the same row.
    """
    heads = [predictions.header(path) for path in folds]
    read = [{each.epoch: each for each in predictions.read(head)} for head in heads]
    kept = [head.kept_epoch for head in heads]
    common = sorted(set.intersection(*map(set, read)))
    pooled = {epoch: [of_fold[epoch] for of_fold in read] for epoch in common}
    kept_epoch = kept[0]
    if len(set(kept)) > 1:
        kept_epoch = EACH_KEPT
        pooled[EACH_KEPT] = [of_fold[own] for of_fold, own in zip(read, kept, strict=True)]
    parts = pooled[kept_epoch]
    ids = np.concatenate([part.ids for part in parts])
    order = np.argsort(ids, kind="stable")
    if len(np.unique(ids)) < len(ids):
        raise UserError(f"{folds[0]}: another fold holds the same row; delete the folds and rerun")
    first = heads[0]
    meta = {
        "dataset": first.dataset,
        "method": first.method,
        "seed": first.seed if seed is None else seed,
        "labels": list(first.labels),
        "kept_epoch": kept_epoch,
        "folds": len(folds),
        "repeat": repeat,
        "made_from": {f"fold {place}": sha256(path) for place, path in enumerate(folds, start=1)},
    } | predictions.of_split("train")
    predictions.write(
        target,
        ids[order],
        np.concatenate([part.label for part in parts])[order],
        {epoch: _logits(of_folds)[order] for epoch, of_folds in pooled.items()},
        meta,
        provenance,
        np.repeat(np.arange(1, len(folds) + 1), [len(part.ids) for part in parts])[order],
    )


def _logits(parts: Sequence[Predictions]) -> np.ndarray:
    return np.concatenate([part.logits for part in parts])
