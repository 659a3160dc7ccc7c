"""How fast a model trains and predicts here: same rows, same order, same engine for every model."""

import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from finetone.engine import devices
from finetone.engine.batches import collate, epoch_order
from finetone.engine.execution import Execution
from finetone.engine.fast.memory import limit_onednn_cache
from finetone.engine.fast.packing import shapes
from finetone.engine.finetune import classifier
from finetone.engine.objective import Classification, gradients
from finetone.engine.recipe import EngineOptions, Recipe, adamw
from finetone.files import write_json
from finetone.formats.token_file import read_tokens
from finetone.models import parameters
from finetone.provenance import Provenance, keys_of

SEED = 0  # of the rows measured; the same for every model
WARM_UP = 3  # batches that are never counted: the first ones pay for caches and memory
LEAST = 5  # batches counted, however long they take: below that a median says little


def measure(
    model_dir: Path,
    tokens: Path,
    *,
    batch_size: int,
    engine: dict[str, Any],
    threads: int,
    method: str,
    target: Path,
    made_from: dict[str, str] | None = None,
    provenance: Provenance | None = None,
    budget_seconds: float = 4.0,
) -> None:
    """Write speed/<model>.json: medians over real batches after a warm-up.

    Batches are random rows in random order, as in training, not sorted by length. A machine too
    slow for the budget warms up with one batch only, but does not count it, and counts at least
    LEAST others.

    Parameters
    ----------
    model_dir
        Folder of a pretrained model.
    tokens
        Token file to train on and predict.
    batch_size
        Rows per batch.
    engine
        The config's `engine:` block.
    threads
        CPU threads.
    method, made_from, provenance
        Are recorded.
    target
        File to write.
    budget_seconds
        Half of it is for training, half for prediction.
    """
    data = read_tokens(tokens)
    limit_onednn_cache(shapes(data.lengths, batch_size))
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
        until = wait() + budget_seconds / 2
        seconds: list[float] = []
        done: list[np.ndarray] = []
        for rows in islice(cycle(full), WARM_UP):
            work(rows)
            if wait() > until - budget_seconds / 4:
                break
        for rows in islice(cycle(full), max(LEAST, len(full))):
            start = wait()
            work(rows)
            end = wait()
            seconds.append(end - start)
            done.append(rows)
            if len(done) >= LEAST and end > until:
                break
        return seconds, done

    with execution.running(module, data, SEED, training_texts=[data]):
        optimizer, objective = adamw(module, Recipe()), Classification(data)

        def learn(rows: np.ndarray) -> None:
            optimizer.zero_grad()
            gradients(module, objective, rows, execution)
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
    learning = [data.lengths[rows].sum() / s for s, rows in zip(training, learned, strict=True)]
    predicting = [len(rows) / s for s, rows in zip(prediction, predicted, strict=True)]
    write_json(
        target,
        keys_of(provenance)
        | {
            "method": method,
            "device": execution.device.type,
            "device_name": devices.name(execution.device),
            "threads": threads,
            "precision": execution.precision,
            "batch_size": batch_size,
            "batches": len(learned),
            **with_quartiles("seconds_per_32", per_32),
            "train_tokens_per_s": float(np.median(learning)),
            **with_quartiles("inference_examples_per_s", predicting),
            "peak_memory_bytes": peak,
            "parameters": parameters.count(module),
            "made_from": made_from,
        },
    )


def with_quartiles(name: str, values: list[float]) -> dict[str, float]:
    """The median under `name`, the quartiles around it under `name`_low and `name`_high."""
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    return {name: median, f"{name}_low": low, f"{name}_high": high}
