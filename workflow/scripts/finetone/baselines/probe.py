"""A probe: logistic regression on what a frozen pretrained model makes of a text.

Every feature is brought to mean 0 and standard deviation 1 over the training rows first: in many
models a few features are a hundred times larger than all others and would decide alone which
penalty is a strong one (Timkey & van Schijndel 2021, "All bark and no bite"). The strength of the
penalty is chosen by stratified cross-validation on the training rows. What is kept is the
classifier, for the model's own features, and where the model is.
"""

import os
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedKFold

from finetone import files
from finetone.baselines import logistic
from finetone.baselines.baseline import Learned, OfVectors, Predictor, Task
from finetone.baselines.logistic import Floats, Ints, Linear
from finetone.engine.hardware import machine
from finetone.errors import UserError
from finetone.log import logger
from finetone.statistics.evaluation import ERRORS, Evaluation

CLASSIFIER = "classifier.npz"
STRENGTHS = tuple(10.0**power for power in range(-5, 3))  # the C that are tried
FOLDS, SEED = 5, 0
CONSTANT = 1e-6  # deviation of a feature, in relation to its mean, that is rounding
ROUGHLY = 1e-4  # tolerance of fits that are only compared


class Probe:
    """The classifier learns; the model that reads the texts does not."""

    libraries = ("scikit-learn", "scipy")

    @classmethod
    def fit(cls, task: Task, folder: Path) -> Learned:
        start = time.perf_counter()
        if task.embedded is None or task.encoder is None:
            raise ValueError("a probe learns from embeddings")
        logistic.require_two_classes(task.labels, task.names, task.config_key)
        vectors, about = task.embedded.vectors.astype(np.float64), task.embedded.meta
        metric, C = task.settings.get("choose_by", "accuracy"), task.settings["C"]
        tried: dict[float, float] = {}
        if C is None:
            tried = scores(vectors, task.labels, metric, task)
            C = best(tried, metric)
            logger.info("%s: C = %g by %s", task.config_key, C, metric)
        mean, deviation = scaling(vectors)
        linear = logistic.fit(
            (vectors - mean) / deviation,
            task.labels,
            len(task.names),
            C,
            task.threads,
            task.config_key,
            **logistic.loss(task),
        ).unscaled(mean, deviation)
        np.savez(folder / CLASSIFIER, **linear.arrays)
        limit = files.manifest_of(task.encoder).get("max_length")  # positions that there are
        cut = about.max_length if limit is None else min(about.max_length, limit)
        facts = {
            "encoder": os.path.relpath(task.encoder.resolve(), task.folder.resolve()),
            "encoder_manifest": files.sha256(task.encoder / "manifest.json"),
            "pooling": about.pooling,
            "max_length": cut,
            "engine": about.engine,
            "labels": task.names,
            "rows": len(task.labels),
        }
        of_encoder = about.parameters
        chosen = {"C_tried": {f"{C:g}": score for C, score in tried.items()}, "C_chosen_by": metric}
        measured = {
            "recipe": task.settings
            | {"pooling": about.pooling, "layer": about.layer, "C": C}
            | (chosen if tried else {}),
            "execution": about.execution,
            "parameters": {
                "total": of_encoder["total"] + linear.numbers,
                "embedding": of_encoder["embedding"],
                "non_embedding": of_encoder["non_embedding"] + linear.numbers,
                "trained": linear.numbers,
            },
            "train_seconds": about.seconds + time.perf_counter() - start,
            "peak_memory_bytes": max(about.peak_memory_bytes, machine.peak_memory()),
        }
        return Learned(facts, linear.numbers, measured)

    @classmethod
    def load(cls, folder: Path, facts: dict[str, Any], threads: int) -> Predictor:
        """The function from n texts to their logits; it embeds them with the model beside it.

        Raises
        ------
        UserError
            That model is not there, or is not the one that the probe was trained on.
        """
        from finetone.data.tokenization import as_tokens, load_tokenizer, pad_token
        from finetone.engine.embed import Embedder

        classify, model = cls.of_vectors(folder, facts), encoder_of(folder, facts)
        embedder = Embedder(model, facts["pooling"], facts["engine"], threads)
        tokenizer = load_tokenizer(model)
        pad = pad_token(tokenizer, model)

        def logits(texts: Sequence[str]) -> npt.NDArray[np.float32]:
            if not texts:
                return np.zeros((0, len(facts["labels"])), dtype=np.float32)
            tokens = as_tokens(tokenizer, [*texts], facts["labels"], facts["max_length"], pad)
            return classify(embedder(tokens))

        return logits

    @classmethod
    def of_vectors(cls, folder: Path, facts: dict[str, Any]) -> OfVectors:
        """The function from embeddings [n, width] to logits [n, classes]."""
        with np.load(folder / CLASSIFIER, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        linear = Linear.of(arrays, len(facts["labels"]), facts["rows"])
        return lambda vectors: linear.logits(vectors.astype(np.float64))


def encoder_of(folder: Path, facts: dict[str, Any]) -> Path:
    """The folder of the frozen model of a probe, unchanged.

    Parameters
    ----------
    folder
        Of the probe.
    facts
        Those that `Probe.fit` returned.

    Raises
    ------
    UserError
        It is not there, or is not the one that the probe was trained on.
    """
    model = (folder / facts["encoder"]).resolve()
    manifest = model / "manifest.json"
    if not manifest.is_file() or files.sha256(manifest) != facts["encoder_manifest"]:
        raise UserError(
            f"{folder}: the model that this probe reads with is not at {model}; put it back, or "
            "take the probe from checkpoints/, where it has the model with it"
        )
    files.check_folder(model)
    return model


def scaling(vectors: Floats) -> tuple[Floats, Floats]:
    """(mean, standard deviation) of every feature [width]; 1 of one that is constant."""
    mean, deviation = vectors.mean(axis=0), vectors.std(axis=0)
    return mean, np.where(deviation > CONSTANT * np.abs(mean), deviation, 1.0)


def scores(vectors: Floats, labels: Ints, metric: str, task: Task) -> dict[float, float]:
    """The metric of held-out training rows for every C, all folds taken together.

    Raises
    ------
    UserError
        There are too few rows to hold some out.
    """
    frequent = np.sort(np.bincount(labels))[::-1]
    folds = min(FOLDS, int(frequent[1]))
    if folds < 2:
        raise UserError(
            f"{task.config_key}.C: only one training row is of another class than most, too few to "
            "choose it by cross-validation; give C, or add training rows"
        )
    classes, in_loss = len(task.names), logistic.loss(task)
    logits = np.empty((len(STRENGTHS), len(labels), classes), dtype=np.float32)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a rare class is not in every fold
        parts = list(splitter.split(vectors, labels))
    for learned, held_out in parts:
        mean, deviation = scaling(vectors[learned])
        scaled = (vectors - mean) / deviation
        for place, C in enumerate(STRENGTHS):
            linear = logistic.fit(
                scaled[learned], labels[learned], classes, C, task.threads,
                tolerance=ROUGHLY, **in_loss,
            )  # fmt: skip
            logits[place, held_out] = linear.logits(scaled[held_out])
    return {
        C: Evaluation(each, labels).value(metric)
        for C, each in zip(STRENGTHS, logits.astype(np.float64), strict=True)
    }


def best(tried: dict[float, float], metric: str) -> float:
    """The C of the best score; of equally good ones the smallest, whose penalty is strongest."""
    sign = -1.0 if metric in ERRORS else 1.0
    goodness = {C: sign * score if np.isfinite(score) else -np.inf for C, score in tried.items()}
    return max(sorted(goodness), key=goodness.__getitem__)
