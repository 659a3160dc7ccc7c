"""How fast a model trains and predicts here: same rows, same order, same engine for every model."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from finetone.data.tokens import read_tokens
from finetone.engine import device as devices
from finetone.engine import parameters
from finetone.engine.batches import collate, epoch_order
from finetone.engine.execution import Execution
from finetone.engine.finetune import classifier
from finetone.engine.loop import adamw, gradients
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.files import write_json

SEED = 0  # of the rows measured; the same for every model
WARM_UP = 3  # batches


def measure(
    model_dir: Path,
    tokens: Path,
    *,
    batch_size: int,
    engine: dict[str, Any],
    threads: int,
    method: str,
    target: Path,
    budget_seconds: float = 20.0,
) -> None:
    """Write speed/<model>.json: medians over real training batches after a warm-up.

    Training and prediction each get half of `budget_seconds`; at least one batch of either is
    measured. Batches are random rows in random order, as training sees them, never sorted ones.
    """
    data = read_tokens(tokens)
    module = classifier(model_dir, data, SEED)
    execution = Execution(EngineOptions.of(engine), threads)
    order = epoch_order(SEED, 0, len(data))
    batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    full = [rows for rows in batches if len(rows) == batch_size] or batches

    def wait() -> float:
        if execution.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    def timed(work: Any) -> tuple[list[float], list[np.ndarray]]:
        """Seconds and rows of each batch measured."""
        began, seconds, done = wait(), [], []
        for number in range(WARM_UP + len(full)):
            rows = full[number % len(full)]
            start = wait()
            work(rows)
            end = wait()
            if number >= WARM_UP or end - began > budget_seconds / 2:
                seconds.append(end - start)
                done.append(rows)
            if end - began > budget_seconds / 2:
                break
        return seconds, done

    with execution.running(module, data, SEED):
        optimizer = adamw(module, Recipe())

        def learn(rows: np.ndarray) -> None:
            optimizer.zero_grad()
            gradients(module, data, rows, execution)
            optimizer.step()

        def predict(rows: np.ndarray) -> None:
            with torch.inference_mode():
                execution.logits(module, collate(data, rows, execution.device))

        module.train()
        training, learned = timed(learn)
        peak = devices.peak_memory(execution.device)
        optimizer.zero_grad()
        module.eval()
        prediction, predicted = timed(predict)

    per_32 = [32 * s / len(rows) for s, rows in zip(training, learned, strict=True)]
    write_json(
        target,
        {
            "method": method,
            "device": execution.device.type,
            "device_name": devices.name(execution.device),
            "threads": threads,
            "precision": execution.precision,
            "batch_size": batch_size,
            "seconds_per_32": float(np.median(per_32)),
            "train_tokens_per_s": sum(data.lengths[rows].sum() for rows in learned) / sum(training),
            "inference_examples_per_s": sum(map(len, predicted)) / sum(prediction),
            "peak_memory_bytes": peak,
            "parameters": parameters.count(module),
        },
    )
