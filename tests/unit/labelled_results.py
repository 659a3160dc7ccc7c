"""A finished experiment of a few seconds, made by the library alone: data, runs, predictions."""

from pathlib import Path

import numpy as np

from finetone import files
from finetone.baselines import fit_predict
from finetone.data import download
from finetone.data.tokenization import tokenize
from finetone.engine.finetune import RunIdentity, RunPaths, finetune
from finetone.engine.predict import predict
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.formats import predictions
from finetone.models.prepare import prepare
from finetone.tuning.calibrate import fit_temperature
from tests.tiny import write_bert, write_reviews

LABELS = ["neg", "pos"]
MAX_LENGTH = 24
ENGINE = {"precision": "fp32"}
NETWORK = {
    "kind": "textcnn", "vocabulary": 40, "embedding": 8, "hidden": 8, "dropout": 0.1, "epochs": 2,
    "batch_size": 8, "learning_rate": 0.02, "weight_decay": 0.0, "clip_norm": 1.0,
}  # fmt: skip
TFIDF = {"kind": "tfidf", "ngrams": 1, "min_count": 1, "C": 1.0}


def write_results(folder: Path, seeds: tuple[int, ...] = (1, 2)) -> Path:
    """`tiny`, `tfidf` and `cnn` trained on `films`, which has a dev split; tiny is recommended."""
    results, given = folder / "results/small", folder / "input"
    given.mkdir()
    train, test = (write_reviews(given / f"{n}.csv", 64, n) for n in (1, 2))
    block = {
        "file": {"train": str(train), "test": str(test)}, "text": "review", "label": "mood",
        "labels": LABELS, "split": {"dev": 0.25, "seed": 0},
    }  # fmt: skip
    data, model = results / "data/films", results / "models/tiny"
    download.prepare("films", block, data)
    prepare("tiny", {"path": str(write_bert(given / "bert"))}, model)
    tokens = {
        split: results / f"tokens/films/{split}/tiny.arrow" for split in ("train", "test", "dev")
    }
    for split, target in tokens.items():
        tokenize(data / f"{split}.parquet", model, LABELS, MAX_LENGTH, target)
    for seed in seeds:
        _model(results, model, tokens, seed)
    for name, settings, of_seeds in (("tfidf", TFIDF, (0,)), ("cnn", NETWORK, seeds)):
        for seed in of_seeds:
            _baseline(results, data, name, settings, seed)
    score = {"dataset": "films", "method": "tiny", "accuracy": {"mean": 0.9}}
    advice = {"method": "tiny", "why": "the best", "reason": "best"}
    content = {"source": "films", "results": [score], "recommendation": advice}
    files.write_json(results / "results.json", content)
    return results


def _model(results: Path, model: Path, tokens: dict[str, Path], seed: int) -> None:
    run = results / f"runs/tiny/seed{seed}"
    paths = {name: run / name for name in ("checkpoint", "epochs", "state")}
    finetune(
        model,
        tokens["train"],
        RunPaths(history=run / "history.parquet", run=run / "run.json", **paths),
        RunIdentity("tiny", seed, "films"),
        dev=None,
        recipe=Recipe(epochs=2, batch_size=4, learning_rate=1e-3),
        options=EngineOptions.of(ENGINE),
        threads=1,
    )
    for split, folder in (("test", "predictions/films"), ("dev", "dev_predictions")):
        predict(
            run / "checkpoint", {2: None}, tokens[split], dataset="films", method="tiny", seed=seed,
            kept_epoch=2, engine=ENGINE, threads=1, split=split,
            target=results / folder / f"tiny/seed{seed}.parquet",
        )  # fmt: skip
    fit_temperature(
        results / f"dev_predictions/tiny/seed{seed}.parquet",
        results / f"temperatures/tiny/seed{seed}.json",
    )


def _baseline(results: Path, data: Path, name: str, settings: dict, seed: int) -> None:
    run, manifest = results / f"runs/{name}/seed{seed}", data / "manifest.json"
    fit_predict.fit(
        name, settings, train=data / "train.parquet", manifest=manifest, max_length=MAX_LENGTH,
        seed=seed, threads=1, engine=ENGINE, run=run / "run.json",
    )  # fmt: skip
    fit_predict.predict(
        run / "model", rows=data / "test.parquet", manifest=manifest, dataset="films", method=name,
        seed=seed, threads=1, target=results / f"predictions/films/{name}/seed{seed}.parquet",
    )  # fmt: skip


def predicted(results: Path, method: str, seed: int) -> np.ndarray:
    """The logits of the test rows [n, classes], as the pipeline wrote them."""
    head = predictions.header(results / f"predictions/films/{method}/seed{seed}.parquet")
    return predictions.read(head, kept_only=True)[0].logits
