"""Methods without pretraining behind the files every method writes: model, run.json, predictions.

The linear and rule-based kinds never import torch. A model folder holds `model.json` (kind, label
names, what `load` needs) beside the arrays; prediction needs nothing but that folder.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from finetone import files, machine
from finetone.errors import UserError
from finetone.formats import predictions, run_record
from finetone.log import logger
from finetone.provenance import Provenance, keys_of

NEEDS_SEED = {"bilstm", "textcnn"}  # the other kinds draw nothing at random: their seed is 0
SHOWN = {"title", "colour", "group", "kind"}  # keys of a block that change nothing learned
FACTS = "model.json"
LIBRARIES = {
    "majority": [],
    "lexicon": ["vaderSentiment"],
    "tfidf": ["scikit-learn", "scipy"],
    "bilstm": ["torch"],
    "textcnn": ["torch"],
}
CHUNK = 4096  # texts predicted at a time, which bounds memory
TIMED = 1000  # training texts on which prediction is timed

Predictor = Callable[[Sequence[str]], npt.NDArray[np.float32]]  # n texts → logits [n, classes]


@dataclass(frozen=True)
class Rows:
    """A split: `ids` and `labels` int64 [n] beside the n texts."""

    ids: npt.NDArray[np.int64]
    texts: list[str]
    labels: npt.NDArray[np.int64]


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
    model: Path,
    run: Path,
    history: Path | None,
    state: Path | None = None,
    provenance: Provenance | None = None,
) -> None:
    """Learn the baseline `method` from the split `train`; write folder `model` and file `run`.

    `block` is the validated entry `baselines.<method>`, `manifest` the dataset's. The networks
    also write `history` and keep the state of an unfinished run in folder `state`; the other
    kinds use neither. Raises UserError for data the method cannot learn from.
    """
    kind, config_key = block["kind"], f"baselines.{method}"
    about = files.read_json(manifest)
    names: list[str] = about["labels"]
    rows = _read(train)
    if not rows.texts:
        raise UserError(f"{train}: no training rows; check the dataset's split and sample")
    settings = {key: value for key, value in block.items() if key not in SHOWN}
    record: dict[str, Any] = {"recipe": settings, "epochs": 1, "kept_epoch": 1}

    with files.atomic(model) as folder:
        folder.mkdir()
        start = time.perf_counter()
        if kind in NEEDS_SEED:
            from finetone.baselines import networks

            facts, parameters, recipe, training = networks.fit(
                folder, kind, block, texts=rows.texts, ids=rows.ids, labels=rows.labels,
                names=names, max_length=max_length, seed=seed, threads=threads, engine=engine,
                state=state,
            )  # fmt: skip
            record |= {
                "recipe": settings | recipe.as_dict(),
                "execution": training.execution,
                "epochs": recipe.epochs,
                "steps": training.steps,
                "kept_epoch": training.kept_epoch,
                "train_seconds": training.train_seconds,
                "tokens_per_s": training.tokens_per_s,
                "seconds_per_32": training.seconds_per_32,
                "peak_memory_bytes": training.peak_memory_bytes,
                "resumed": training.resumed,
            }
        else:
            facts, learned = _fit_light(folder, settings, kind, rows, names, threads, config_key)
            parameters = {"total": learned, "embedding": 0, "non_embedding": learned}
            record |= {
                "execution": _execution(threads),
                "train_seconds": time.perf_counter() - start,
            }
        files.write_json(
            folder / FACTS,
            {
                "kind": kind,
                "labels": names,
                "kept_epoch": record["kept_epoch"],
                "facts": facts,
            },
        )
        predictor = _load(folder, threads)[1]
        timed = rows.texts[:TIMED]
        start = time.perf_counter()
        predictor(timed)
        record["inference_examples_per_s"] = len(timed) / (time.perf_counter() - start)
    if kind in NEEDS_SEED and history is not None:
        with files.atomic(history) as partial:
            pq.write_table(training.history, partial)
    record.setdefault("peak_memory_bytes", machine.peak_memory())
    left = [path.name for path in (model, history) if path is not None and path.exists()]
    hashes = run_record.listed(run, *left)
    files.write_json(
        run,
        keys_of(provenance)
        | {
            "method": method,
            "kind": kind,
            "seed": seed,
            "dataset": about["dataset"],
            "labels": names,
            "recipe": record["recipe"],
            "engine": engine,
            "execution": record["execution"],
            "versions": machine.versions("numpy", *LIBRARIES[kind]),
            "parameters": parameters,
            "rows": len(rows.texts),
            "epochs": record["epochs"],
            "steps": record.get("steps"),
            "kept_epoch": record["kept_epoch"],
            "dev_accuracy": None,
            "train_seconds": record["train_seconds"],
            "tokens_per_s": record.get("tokens_per_s"),
            "seconds_per_32": record.get("seconds_per_32"),
            "inference_examples_per_s": record["inference_examples_per_s"],
            "peak_memory_bytes": record["peak_memory_bytes"],
            "resumed": record.get("resumed", 0),
            "made_from": {"train": files.sha256(train), "model": None},
            "checkpoint": files.sha256(model),
            "files": hashes,
            "content": run_record.content(hashes),
        },
    )
    if kind in NEEDS_SEED and state is not None:
        networks.discard(state)
    logger.info(
        "%s: %d numbers learned from %d texts", method, parameters["total"], len(rows.texts)
    )


def predict(
    model: Path,
    *,
    test: Path,
    manifest: Path,
    dataset: str,
    method: str,
    seed: int,
    threads: int,
    target: Path,
    provenance: Provenance | None = None,
) -> None:
    """Write the predictions of the folder `model` for the split `test` to the parquet `target`.

    Raises UserError if the classes of `dataset` are not those learned, in the same order.
    """
    about, predictor = _load(model, threads)
    names = files.read_json(manifest)["labels"]
    if names != about["labels"]:
        raise UserError(
            f"datasets.{dataset}.labels: {', '.join(names)}, but {method} was trained to tell "
            f"{', '.join(about['labels'])}; give both datasets the same labels in the same order"
        )
    rows = _read(test)
    logits = [np.zeros((0, len(names)), dtype=np.float32)]
    for start in range(0, len(rows.texts), CHUNK):
        logits.append(predictor(rows.texts[start : start + CHUNK]))
        logger.info(
            "%s on %s: %d of %d texts", method, dataset, start + len(logits[-1]), len(rows.texts)
        )
    meta = {
        "dataset": dataset,
        "method": method,
        "seed": seed,
        "labels": names,
        "kept_epoch": about["kept_epoch"],
        "made_from": {"test": files.sha256(test), "model": files.sha256(model)},
    }
    epochs = {about["kept_epoch"]: np.concatenate(logits)}
    predictions.write(target, rows.ids, rows.labels, epochs, meta, provenance)


def _fit_light(
    folder: Path,
    settings: dict[str, Any],
    kind: str,
    rows: Rows,
    names: list[str],
    threads: int,
    config_key: str,
) -> tuple[dict[str, Any], int]:
    """(facts for `_load`, numbers learned) of a kind that needs no tensors."""
    if kind == "majority":
        from finetone.baselines import majority

        return majority.fit(rows.labels, len(names))
    if kind == "lexicon":
        from finetone.baselines import lexicon

        return lexicon.fit(settings["threshold"], names, config_key)
    if kind == "tfidf":
        from finetone.baselines import tfidf

        return tfidf.fit(
            folder,
            rows.texts,
            rows.labels,
            names,
            threads=threads,
            config_key=config_key,
            **settings,
        )
    raise UserError(f"{config_key}.kind: {kind!r} is none of {', '.join(LIBRARIES)}")


def _load(folder: Path, threads: int) -> tuple[dict[str, Any], Predictor]:
    """What `model.json` says, and the function from texts to logits."""
    about = files.read_json(folder / FACTS)
    kind, facts = about["kind"], about["facts"]
    if kind == "majority":
        from finetone.baselines import majority

        return about, majority.load(facts)
    if kind == "lexicon":
        from finetone.baselines import lexicon

        return about, lexicon.load(facts)
    if kind == "tfidf":
        from finetone.baselines import tfidf

        return about, tfidf.load(folder, facts)
    from finetone.baselines import networks

    return about, networks.load(folder, facts, threads)


def _read(split: Path) -> Rows:
    table = pq.read_table(split, columns=["id", "text", "label"])
    return Rows(
        table.column("id").to_numpy().astype(np.int64),
        table.column("text").to_pylist(),
        table.column("label").to_numpy().astype(np.int64),
    )


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
