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

from finetone import files
from finetone.baselines.baseline import Learned, OfVectors, Predictor, Task
from finetone.baselines.registry import baseline
from finetone.cards.probe_card import probe_card
from finetone.engine.hardware import machine
from finetone.errors import UserError, listed
from finetone.formats import predictions, row_subset, run_record
from finetone.formats.embedding_file import Embeddings, read_embeddings
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
    embeddings: Path | None = None,
    encoder: Path | None = None,
    rows: Path | None = None,
    tuned: dict[str, Any] | None = None,
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
    embeddings, encoder
        Of a probe: embedding file of the split, and folder of the model that embedded it.
    rows
        Row subset of the split to learn from, instead of all of it. Random numbers then depend on its
        name as well.
    tuned
        The values in `block` that were chosen on the dev split; are recorded.

    Raises
    ------
    UserError
        The data are none that the method can learn from.
    """
    task = read_task(
        method, block, train, manifest, rows=rows, embeddings=embeddings, encoder=encoder,
        max_length=max_length, seed=seed, threads=threads, engine=engine,
        state=run.with_name("state"), folder=run.with_name("model"),
    )  # fmt: skip
    embedded = task.embedded
    made_from = {
        "train": files.sha256(train),
        "model": files.sha256(encoder / "manifest.json") if encoder else None,
    }
    if rows is not None:
        made_from["rows"] = files.sha256(rows)
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
        dataset=files.read_json(manifest)["dataset"],
        labels=task.names,
        engine=task.engine,
        tuned=tuned or {},
        versions=(embedded.meta.versions if embedded else {})
        | machine.versions("numpy", *baseline(task.kind).libraries),
        made_from=made_from,
        **measured,
    )
    if encoder is not None and embedded is not None:
        text = probe_card(record, files.manifest_of(encoder), embedded.meta.max_length)
        (run.with_name("model") / "README.md").write_text(text, encoding="utf-8")
    run_record.write(run, record, *parts, provenance=provenance)
    shutil.rmtree(task.state, ignore_errors=True)
    logger.info("%s: %d numbers learned from %d texts", method, learned.numbers, len(task.texts))


def read_task(
    method: str,
    block: dict[str, Any],
    split: Path,
    manifest: Path,
    *,
    rows: Path | None = None,
    max_length: int = 0,
    seed: int = 0,
    threads: int = 1,
    engine: dict[str, Any] | None = None,
    state: Path = Path("state"),
    folder: Path = Path("model"),
    embeddings: Path | None = None,
    encoder: Path | None = None,
) -> Task:
    """Read the rows of a split for a baseline.

    Parameters
    ----------
    state, folder
        Folders for the state of an unfinished training, and for what is learned; all others are
        as of `fit`.

    Raises
    ------
    UserError
        There is no row.
    """
    ids, texts, labels = _read(split)
    embedded = _embedded(embeddings, ids) if embeddings else None
    chosen, draws = row_subset.for_training(rows, len(ids), seed)
    if chosen is not None:
        ids, texts, labels = ids[chosen], [texts[i] for i in chosen], labels[chosen]
        embedded = embedded.of_rows(chosen) if embedded else None
    if not texts:
        raise UserError(f"{split}: no training rows; check the dataset's split and sample")
    return Task(
        kind=block["kind"],
        config_key=f"baselines.{method}",
        settings=without(block, "kind"),
        texts=texts,
        ids=ids,
        labels=labels,
        names=files.read_json(manifest)["labels"],
        threads=threads,
        seed=draws,
        max_length=max_length,
        engine=embedded.meta.engine if embedded else engine or {},
        state=state,
        embedded=embedded,
        encoder=encoder,
        folder=folder,
    )


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
    embeddings: Path | None = None,
    held_out_by: Path | None = None,
    provenance: Provenance | None = None,
) -> None:
    """Write the predictions of the folder `model` for `rows` to the parquet `target`.

    Parameters
    ----------
    rows, split
        The parquet to predict, and the split it is.
    embeddings
        Of a probe: embedding file of these rows.
    held_out_by
        Row subset; only the rows that it leaves out are predicted.

    Raises
    ------
    UserError
        The classes of `dataset` are not those learned, in the same order.
    """
    about = files.read_json(model / FACTS)
    names = files.read_json(manifest)["labels"]
    if names != about["labels"]:
        raise UserError(
            f"datasets.{dataset}.labels: {', '.join(names)}, but {method} was trained on "
            f"{listed(about['labels'])}; give both datasets the same labels in the same order"
        )
    ids, texts, labels = _read(rows)
    embedded = _embedded(embeddings, ids) if embeddings else None
    if held_out_by is not None:
        chosen = row_subset.read(held_out_by, len(ids)).held_out
        ids, texts, labels = ids[chosen], [texts[i] for i in chosen], labels[chosen]
        embedded = embedded.of_rows(chosen) if embedded else None
    if embedded is not None:
        logits = of_vectors(model)(embedded.vectors)
    else:
        parts = [np.zeros((0, len(names)), dtype=np.float32)]
        logits_of = predictor(model, threads)
        for start in range(0, len(texts), CHUNK):
            parts.append(logits_of(texts[start : start + CHUNK]))
            done = start + len(parts[-1])
            logger.info("%s on %s: %d of %d texts", method, dataset, done, len(texts))
        logits = np.concatenate(parts)
    meta = {
        "dataset": dataset,
        "method": method,
        "seed": seed,
        "labels": names,
        "kept_epoch": about["kept_epoch"],
        "made_from": {split: files.sha256(rows), "model": files.sha256(model)},
    } | predictions.of_split(split)
    predictions.write(target, ids, labels, {about["kept_epoch"]: logits}, meta, provenance)


def predictor(folder: Path, threads: int) -> Predictor:
    """Load the function from n texts to their logits [n, classes].

    Parameters
    ----------
    folder
        The folder `model` of a run.
    threads
        CPU threads to predict with.
    """
    about = files.read_json(folder / FACTS)
    return baseline(about["kind"]).load(folder, about["facts"], threads)


def of_vectors(folder: Path) -> OfVectors:
    """Load the function from embeddings [n, width] to logits [n, classes] of a probe's folder."""
    from finetone.baselines.probe import Probe

    return Probe.of_vectors(folder, files.read_json(folder / FACTS)["facts"])


def _embedded(file: Path, ids: npt.NDArray[np.int64]) -> Embeddings:
    """The embeddings in a file, which must be those of the rows `ids`."""
    found = read_embeddings(file)
    if not np.array_equal(found.ids, ids):
        raise UserError(f"{file}: embeddings of other rows; delete it and run again")
    return found


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
