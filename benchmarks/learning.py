"""Does the fast path learn the same? Engine and Hugging Face's Trainer side by side, several seeds.

    python benchmarks/learning.py MODEL_FOLDER TRAIN.arrow TEST.arrow [--seeds 5] [--only engine]

Both take the same recipe (the demo's: AdamW 1e-4, batch 8, constant rate, no clipping) and draw their
own order of rows and dropout; the accuracies of the two groups are compared by Welch's interval of
their difference.
"""

import argparse
import statistics
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from worker import _collator, _dataset

from finetone.engine.finetune import classifier
from finetone.engine.loop import train
from finetone.engine.predict import predict_module
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.formats.token_file import Tokens, read_tokens

PLAIN = EngineOptions(padding_free="off", precision="fp32")


def engine(
    model: Path, data: Tokens, seed: int, recipe: Recipe, threads: int, precision: str
) -> torch.nn.Module:
    module = classifier(model, data, seed)
    with tempfile.TemporaryDirectory() as state:
        options = EngineOptions(save_every=1e9, precision=precision)
        train(module, data, recipe, options, seed, state=Path(state), threads=threads)
    return module


def trainer(model: Path, data: Tokens, seed: int, recipe: Recipe, threads: int) -> torch.nn.Module:
    from transformers import Trainer, TrainingArguments

    torch.set_num_threads(threads)
    module = classifier(model, data, seed)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, per_device_train_batch_size=recipe.batch_size, num_train_epochs=recipe.epochs,
            learning_rate=recipe.learning_rate, weight_decay=recipe.weight_decay, max_grad_norm=0,
            lr_scheduler_type="constant", seed=seed, report_to=[],
            save_strategy="no", logging_strategy="no", disable_tqdm=True,
        )  # fmt: skip
        Trainer(
            module, arguments, train_dataset=_dataset(data), data_collator=_collator(data)
        ).train()
    return module


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("model", type=Path)
    arguments.add_argument("train", type=Path)
    arguments.add_argument("test", type=Path)
    arguments.add_argument("--seeds", type=int, default=5)
    arguments.add_argument("--epochs", type=int, default=3)
    arguments.add_argument("--batch-size", type=int, default=8)
    arguments.add_argument("--learning-rate", type=float, default=1e-4)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto")
    arguments.add_argument("--only", choices=["engine", "Trainer"], help="one of the two")
    given = arguments.parse_args()
    recipe = Recipe(
        epochs=given.epochs, batch_size=given.batch_size, learning_rate=given.learning_rate
    )
    data, test = read_tokens(given.train), read_tokens(given.test)
    methods = {"engine": partial(engine, precision=given.precision), "Trainer": trainer}
    if given.only:
        methods = {given.only: methods[given.only]}
    reached: dict[str, list[float]] = {name: [] for name in methods}
    for seed in range(1, given.seeds + 1):
        for name, method in methods.items():
            module = method(given.model, data, seed, recipe, given.threads)
            logits = predict_module(module, test, options=PLAIN, threads=given.threads)
            reached[name].append(float((logits.argmax(1) == test.labels).mean()))
            print(f"{name} seed {seed}: {reached[name][-1]:.4f}", flush=True)
    if given.seeds < 2:
        return
    for name, values in reached.items():
        print(f"{name}: mean {statistics.mean(values):.4f} sd {statistics.stdev(values):.4f}")
    if given.only:
        return
    a, b = (np.array(values) for values in reached.values())
    error = np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    print(f"difference {a.mean() - b.mean():+.4f}, standard error {error:.4f}")


if __name__ == "__main__":
    main()
