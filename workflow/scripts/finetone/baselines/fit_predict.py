"""Fit a baseline and predict with it, and write the files that every method writes.

A model folder holds `model.json` (kind, label names, what `load` needs) beside the arrays;
prediction needs nothing but that folder.
"""

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from finetone import files, machine
from finetone.baselines.baseline import Learned, Predictor, Task
from finetone.baselines.registry import baseline
from finetone.errors import UserError, listed
from finetone.formats import predictions, run_record
from finetone.formats.run_record import RunRecord
from finetone.identity import without
from finetone.log import logger
from finetone.provenance import Provenance

FACTS = "model.json"
CHUNK = 4096  # texts predicted at a time, which bounds memory


def fit(
    method: str,
    block: dict[str, Any],
    *,
    train: Path,
    manifest: Path,
    max_length: int,
    seed: int,
    threads: int,
    engine: dict[str, Any],
    run: Path,
    provenance: Provenance | None = None,
) -> None:
    """Learn the baseline `method` from a split; write run.json and, beside it, what was learned.

    Methods that draw random numbers also leave `history.parquet`, and keep the state of an
    unfinished run in the folder `state`.

    Parameters
    ----------
    block
        The validated entry `baselines.<method>`.
    train, manifest
        The split to learn from and the manifest of its dataset.
    max_length
        Words that a network reads of a text.
    run
        Path of run.json.

    Raises
    ------
    UserError
        The data are none that the method can learn from.
    """
    about = files.read_json(manifest)
    ids, texts, labels = _read(train)
    if not texts:
        raise UserError(f"{train}: no training rows; check the dataset's split and sample")
    task = Task(
        kind=block["kind"],
        config_key=f"baselines.{method}",
        settings=without(block, "kind"),
        texts=texts,
        ids=ids,
        labels=labels,
        names=about["labels"],
        threads=threads,
        seed=seed,
        max_length=max_length,
        engine=engine,
        state=run.with_name("state"),
    )
    learned, measured = _learn(task, run.with_name("model"))
    parts = ["model"]
    if learned.history is not None:
        parts.append("history.parquet")
        with files.atomic(run.with_name(parts[-1])) as partial:
            pq.write_table(learned.history, partial)
    record = RunRecord(
        method=method,
        kind=task.kind,
        seed=seed,
        dataset=about["dataset"],
        labels=task.names,
        engine=engine,
        versions=machine.versions("numpy", *baseline(task.kind).libraries),
        made_from={"train": files.sha256(train), "model": None},
        **measured,
    )
    run_record.write(run, record, *parts, provenance=provenance)
    shutil.rmtree(task.state, ignore_errors=True)
    logger.info("%s: %d numbers learned from %d texts", method, learned.numbers, len(texts))


def _learn(task: Task, model: Path) -> tuple[Learned, dict[str, Any]]:
    """Write the folder `model`; also returns what was measured, by the fields of the record."""
    kind = baseline(task.kind)  # imported before the clock starts
    with files.atomic(model) as folder:
        folder.mkdir()
        start = time.perf_counter()
        learned = kind.fit(task, folder)
        measured = {
            "recipe": task.settings,
            "execution": _execution(task.threads),
            "parameters": {
                "total": learned.numbers,
                "embedding": 0,
                "non_embedding": learned.numbers,
            },
            "rows": len(task.texts),
            "epochs": 1,
            "kept_epoch": 1,
            "train_seconds": time.perf_counter() - start,
        } | learned.measured
        facts = {
            "kind": task.kind,
            "labels": task.names,
            "kept_epoch": measured["kept_epoch"],
            "facts": learned.facts,
        }
        files.write_json(folder / FACTS, facts)
    return learned, {"peak_memory_bytes": machine.peak_memory()} | measured


def predict(
    model: Path,
    *,
    rows: Path,
    manifest: Path,
    dataset: str,
    method: str,
    seed: int,
    threads: int,
    target: Path,
    split: str = "test",
    provenance: Provenance | None = None,
) -> None:
    """Write the predictions of the folder `model` for `rows` to the parquet `target`.

    Parameters
    ----------
    rows, split
        The parquet to predict, and the split it is.

    Raises
    ------
    UserError
        The classes of `dataset` are not those learned, in the same order.
    """
    about, logits_of = _load(model, threads)
    names = files.read_json(manifest)["labels"]
    if names != about["labels"]:
        raise UserError(
            f"datasets.{dataset}.labels: {', '.join(names)}, but {method} was trained on "
            f"{listed(about['labels'])}; give both datasets the same labels in the same order"
        )
    ids, texts, labels = _read(rows)
    logits = [np.zeros((0, len(names)), dtype=np.float32)]
    for start in range(0, len(texts), CHUNK):
        logits.append(logits_of(texts[start : start + CHUNK]))
        logger.info(
            "%s on %s: %d of %d texts", method, dataset, start + len(logits[-1]), len(texts)
        )
    meta = {
        "dataset": dataset,
        "method": method,
        "seed": seed,
        "labels": names,
        "kept_epoch": about["kept_epoch"],
        "made_from": {split: files.sha256(rows), "model": files.sha256(model)},
    } | predictions.of_split(split)
    epochs = {about["kept_epoch"]: np.concatenate(logits)}
    predictions.write(target, ids, labels, epochs, meta, provenance)


def predictor(folder: Path, threads: int) -> Predictor:
    """Load the function from n texts to their logits [n, classes].

    Parameters
    ----------
    folder
        The folder `model` of a run.
    threads
        CPU threads to predict with.
    """
    return _load(folder, threads)[1]


def _load(folder: Path, threads: int) -> tuple[dict[str, Any], Predictor]:
    """What `model.json` says, and the function from texts to logits."""
    about = files.read_json(folder / FACTS)
    return about, baseline(about["kind"]).load(folder, about["facts"], threads)


def _read(split: Path) -> tuple[npt.NDArray[np.int64], list[str], npt.NDArray[np.int64]]:
    """Ids, texts and labels of n rows."""
    table = pq.read_table(split, columns=["id", "text", "label"])
    ids, texts, labels = table.columns
    return ids.to_numpy().astype(np.int64), texts.to_pylist(), labels.to_numpy().astype(np.int64)


def _execution(threads: int) -> dict[str, Any]:
    """run.json's `execution` of a method that knows no tensors."""
    return {
        "device": "cpu",
        "device_name": machine.processor(),
        "threads": threads,
        "precision": None,
        "padding_free": None,
        "token_read": None,
        "embeddings_trained": None,
        "compiled": None,
        "notes": [],
    }
