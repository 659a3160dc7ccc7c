"""All of IMDB, for real: what a user's run takes, and that it learns."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from finetone.engine import loop
from finetone.engine.execution import Execution
from finetone.engine.hardware import devices
from finetone.engine.objective import Classification
from finetone.engine.predict import predict_module
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.statistics.evaluation import Evaluation
from stages import Setting
from stages.texts import builder, minilm, tokens

MINILM, SCRATCH = "minilm-l6, three epochs", "bert-base, no pretraining, one epoch"
RECIPES = {
    MINILM: Recipe(epochs=3, batch_size=32, learning_rate=5e-5),
    SCRATCH: Recipe(epochs=1, batch_size=32, learning_rate=5e-5),
}
SEED = 1


def items(setting: Setting) -> list[str]:
    return list(RECIPES)


def run(item: str, setting: Setting) -> Iterator[dict[str, Any]]:
    device = torch.device(setting.device)
    train, test = (tokens(setting, split, rows=None) for split in ("train", "test"))
    torch.manual_seed(SEED)
    module: nn.Module = minilm(setting) if item == MINILM else builder(setting, "bert-base")()
    options = EngineOptions(save_every=1e9)
    execution, objective = Execution(options, setting.threads, device), Classification(train)
    rows: list[dict[str, Any]] = []
    began = time.perf_counter()

    def measure() -> dict[str, float]:
        trained = time.perf_counter() - began
        logits = predict_module(module, test, execution=execution)
        found = Evaluation(logits, test.labels)
        rows.append({
            "epoch": len(rows) + 1, "test_accuracy": found.value("accuracy"),
            "test_loss": found.value("loss"), "seconds_until_trained": trained,
            "seconds_until_predicted": time.perf_counter() - began,
        })  # fmt: skip
        setting.say(rows[-1])
        return {recipe.choose_by: float(rows[-1]["test_accuracy"])}

    recipe, steps = RECIPES[item], RECIPES[item].steps(len(train))
    with (
        tempfile.TemporaryDirectory() as state,
        execution.running(module, train, SEED, training_texts=[train], steps=steps),
    ):
        ready = time.perf_counter() - began
        result = loop.learn(
            module, objective, recipe, execution, SEED, state=Path(state),
            measured=[recipe.choose_by], measure=measure,
        )  # fmt: skip
    yield {
        "texts": [len(train), len(test)], "ready_after": ready, "execution": result.execution,
        "train_seconds": result.train_seconds, "tokens_per_s": result.tokens_per_s,
        "seconds": time.perf_counter() - began, "peak_gb": devices.peak_memory(device) / 1e9,
        "first_losses": result.history["loss"].to_pylist()[:50],
    }  # fmt: skip
