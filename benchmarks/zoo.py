"""Every architecture of the original study at its true size: speed, memory, and time for all.

    python benchmarks/zoo.py --tokens imdb.arrow --device cuda        # under ten minutes on a GPU
    python benchmarks/zoo.py --tokens imdb.arrow --batch 4 --steps 1  # CPU: memory, rough rates
    python benchmarks/zoo.py --tokens imdb.arrow --trainer            # beside the Trainer's best flags

Per architecture, with random weights: real tokens per second of the engine in training and in
prediction, its peak memory beside that of the padded loop (the Trainer's default), and the minutes
that the original study's run takes at these rates: 3 epochs of 25,000 reviews, each followed by an
evaluation on 5,000. On a GPU memory is that of tensors, on a CPU that of the process.

With `--trainer`, of today's architectures: training in turn with Hugging Face's Trainer with its best
flags, as `engine.py` does it for one model.
"""

import argparse
import os
import platform
from pathlib import Path
from typing import Any

from architectures import CONFIGS, MODERN
from engine import TRAINING, compare, need, rate, spread, workers

from finetone.formats.token_file import read_tokens

EPOCHS, TRAIN_ROWS, TEST_ROWS = 3, 25_000, 5_000
TWICE = ("ernie-2.0-base-en",)  # once more after SQuAD
TASKS: dict[str, dict[str, Any]] = {
    "engine": {"kind": "engine"},
    "prediction": {"kind": "engine_inference"},
    "padded": {"kind": "trainer"},
}


def measure(common: dict[str, Any], steps: int, warm: int) -> dict[str, dict[str, Any]]:
    """The last answer of each variant, one process at a time; the padded loop makes two steps."""
    answers = {}
    for name, task in TASKS.items():
        with workers({name: task}, common) as running:
            count = 1 if name == "padded" else steps
            for _ in range(1 if name == "padded" else warm):
                running[name].ask("run 1")
            answers[name] = running[name].ask(f"run {count}")
    return answers


def beside_trainer(common: dict[str, Any], rounds: int, steps: int) -> str:
    """A row of the table: rates, their ratio within a round, peak memory, and how it was executed."""
    best = "Trainer best flags"
    tasks = {"engine": TRAINING["engine"], best: TRAINING[best]}
    result = compare(tasks, common, rounds, steps, 1, peaks=False)
    pairs = result["pairs"][best]
    ours, theirs = ([rate(pair[i], "seconds") for pair in pairs] for i in (0, 1))
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    way = "unpadded" if result["facts"]["ready"]["padding_free"] else "in parts"
    peaks = " | ".join(f"{answer['peak'] / 1e6:.0f}" for answer in pairs[-1])
    return f"{way} | {spread(ours, '{:.0f}')} | {spread(theirs, '{:.0f}')} | {spread(ratios)} | {peaks}"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--tokens", required=True, help="token file (Arrow) of real texts")
    arguments.add_argument("--models", nargs="+", choices=list(CONFIGS))
    arguments.add_argument("--trainer", action="store_true", help="beside the Trainer's best flags")
    arguments.add_argument("--rounds", type=int, default=3, help="with --trainer")
    arguments.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    arguments.add_argument("--threads", type=int, default=os.cpu_count())
    arguments.add_argument("--batch", type=int, default=32)
    arguments.add_argument("--steps", type=int, default=20)
    arguments.add_argument("--warm", type=int, default=3, help="steps before the measured ones")
    given = arguments.parse_args()
    need(given.device)
    tokens = float(read_tokens(given.tokens).lengths.mean())
    print(f"{Path(given.tokens).name}, {tokens:.0f} tokens per text, batch {given.batch}, "
          f"{given.device}, {given.threads} threads, {platform.machine()}\n")  # fmt: skip
    others = [name for name in CONFIGS if name not in (*MODERN, "minilm-l6")]
    models = given.models or (MODERN if given.trainer else others)
    shared = {
        "tokens": given.tokens, "batch": given.batch, "threads": given.threads,
        "device": given.device,
    }  # fmt: skip
    if given.trainer:
        print(
            "| model | executed | engine, tokens/s | Trainer best flags, tokens/s | "
            "engine is faster by | engine, MB | Trainer, MB |"
        )
        print("|---|---|---|---|---|---|---|")
        for model in models:
            row = beside_trainer({"model": model, **shared}, given.rounds, given.steps)
            print(f"| {model} | {row} |", flush=True)
        return
    print(
        "| model | training, tokens/s | prediction, tokens/s | peak MB | padded loop, MB | minutes |"
    )
    print("|---|---|---|---|---|---|")
    total = 0.0
    for model in models:
        found = measure({"model": model, **shared}, given.steps, given.warm)
        training, prediction = (rate(found[name], "seconds") for name in ("engine", "prediction"))
        rows = TRAIN_ROWS / training + TEST_ROWS / prediction
        minutes = EPOCHS * tokens * rows / 60
        total += minutes * (2 if model in TWICE else 1)
        peaks = [found[name]["peak"] / 1e6 for name in ("engine", "padded")]
        print(f"| {model} | {training:.0f} | {prediction:.0f} | {peaks[0]:.0f} | {peaks[1]:.0f} | "
              f"{minutes:.1f} |", flush=True)  # fmt: skip
    print(f"\nall of them at these rates: {total:.1f} minutes")


if __name__ == "__main__":
    main()
