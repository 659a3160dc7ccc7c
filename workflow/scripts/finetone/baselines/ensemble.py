"""An ensemble: the mean over seeds of the probabilities that the runs of one method give.

It is made of predictions that are there already, and nothing is learned for it. In use, though,
every run reads every text: what it costs is the sum over its runs.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from finetone import files
from finetone.errors import UserError
from finetone.formats import predictions, run_record
from finetone.formats.run_record import RunRecord
from finetone.provenance import Provenance
from finetone.statistics.metrics import log_softmax


def mean_probabilities(logits: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
    """Logits [n, classes] whose probabilities are the mean of those of several logits [n, classes]."""
    log_p = np.stack([log_softmax(each) for each in logits])
    found: npt.NDArray[np.float32] = np.logaddexp.reduce(log_p, axis=0) - np.log(len(log_p))
    return found.astype(np.float32)


def gather(
    method: str, runs: Sequence[Path], target: Path, provenance: Provenance | None = None
) -> None:
    """Write the run.json of an ensemble: parameters, times and memory in full.

    Parameters
    ----------
    method
        Its name.
    runs
        Every run.json of the method that it is made of.
    target
        Path of its own run.json.
    """
    records = [run_record.read(run) for run in runs]
    first = records[0]
    seconds = [record.train_seconds for record in records if record.train_seconds is not None]
    memory = [record.peak_memory_bytes or 0 for record in records]
    found = RunRecord(
        method=method,
        kind="ensemble",
        dataset=first.dataset,
        labels=first.labels,
        recipe={"of": first.method, "seeds": [record.seed for record in records]},
        engine=first.engine,
        execution=first.execution,
        versions=first.versions,
        parameters={
            name: sum(record.parameters[name] for record in records) for name in first.parameters
        },
        rows=first.rows,
        train_seconds=sum(seconds) if len(seconds) == len(records) else None,
        peak_memory_bytes=max(memory) or None,
        made_from={
            f"seed {record.seed}": files.sha256(run)
            for record, run in zip(records, runs, strict=True)
        },
    )
    run_record.write(target, found, provenance=provenance)


def predict(
    method: str, members: Sequence[Path], target: Path, provenance: Provenance | None = None
) -> None:
    """Write the mean of the probabilities that prediction files of several runs give.

    Each run counts with the epoch that it kept; what they give is epoch 1 of the ensemble.

    Parameters
    ----------
    method
        Name of the ensemble.
    members
        Prediction files of the same rows.
    target
        The prediction file to write.

    Raises
    ------
    UserError
        A file is damaged, or they are not of the same rows.
    """
    heads = [predictions.header(path) for path in members]
    kept = [predictions.read(head, kept_only=True)[0] for head in heads]
    first = heads[0]
    for head, each in zip(heads, kept, strict=True):
        same = np.array_equal(each.ids, kept[0].ids) and head.labels == first.labels
        if not same:
            raise UserError(
                f"{head.path}: predictions of other rows than {first.path}; delete both and run again"
            )
    split = first.facts.get("split", "test")
    meta = {
        "dataset": first.dataset,
        "method": method,
        "seed": 0,
        "labels": list(first.labels),
        "kept_epoch": 1,
        "of": first.method,
        "made_from": {f"seed {head.seed}": files.sha256(head.path) for head in heads},
    } | predictions.of_split(split)
    logits = {1: mean_probabilities([each.logits for each in kept])}
    predictions.write(target, kept[0].ids, kept[0].label, logits, meta, provenance)
