"""What another processor, thread count or precision changes: in what is learned, and in predicting.

    python benchmarks/hardware.py MODEL_FOLDER TRAIN.arrow TEST.arrow [--seeds 3]

Every variant trains in a process of its own with the demo's recipe and the same seeds, and predicts
the test rows twice: with the weights it learned, and with those of the first variant. An older
processor is this one, told to use nothing newer than AVX2 (torch, oneDNN and MKL each have a switch);
a GPU takes part where there is one.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from finetone.log import QUIET
from finetone.statistics.metrics import log_softmax

AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}
RECIPE = {"epochs": 3, "batch_size": 8, "learning_rate": 1e-4}
# name: environment, threads, precision, device
VARIANTS: dict[str, tuple[dict[str, str], int, str, str]] = {
    "fp32, 1 thread": ({}, 1, "fp32", "cpu"),
    "the same again": ({}, 1, "fp32", "cpu"),
    "fp32, 2 threads": ({}, 2, "fp32", "cpu"),
    "fp32, 1 thread, AVX2": (AVX2, 1, "fp32", "cpu"),
    "bf16, 1 thread": ({}, 1, "bf16", "cpu"),
}
if torch.cuda.is_available():
    VARIANTS |= {f"{p}, GPU": ({}, 1, p, "cuda") for p in ("fp32", "bf16")}


def learn(given: argparse.Namespace) -> None:
    """One variant: for each seed, train, save the weights and the logits of both predictions."""
    from safetensors.torch import load_model, save_model

    from finetone.engine.finetune import classifier
    from finetone.engine.loop import train
    from finetone.engine.predict import predict_module
    from finetone.engine.recipe import EngineOptions, Recipe
    from finetone.formats.token_file import read_tokens

    _, threads, precision, name = VARIANTS[given.variant]
    device = torch.device(name)
    options = EngineOptions(save_every=1e9, precision=precision)
    data, test = read_tokens(given.train), read_tokens(given.test)
    for seed in range(1, given.seeds + 1):
        module = classifier(given.model, data, seed)
        with tempfile.TemporaryDirectory() as state:
            train(
                module, data, Recipe(**RECIPE), options, seed,
                state=Path(state), threads=threads, device=device,
            )  # fmt: skip
        reference = given.into.parent / f"reference{seed}.safetensors"
        if not reference.exists():
            save_model(module, str(reference))
        learned = predict_module(module, test, options=options, threads=threads, device=device)
        load_model(module, reference, device=name)
        same = predict_module(module, test, options=options, threads=threads, device=device)
        np.savez(f"{given.into}{seed}.npz", learned=learned, same=same, labels=test.labels)


def compare(given: argparse.Namespace) -> None:
    print(f"{'':<22}{'':<24}{'after training':<28}with the same weights")
    print(f"{'':<22}{'accuracy by seed, %':<24}{DIFFER:<28}{DIFFER}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        first: list[np.ndarray] = []
        for number, (name, (environment, *_)) in enumerate(VARIANTS.items()):
            into = Path(folder) / f"{number}-"
            command = [sys.executable, *sys.argv, "--variant", name, "--into", str(into)]
            subprocess.run(command, env=os.environ | QUIET | environment, check=True)
            seeds = [dict(np.load(f"{into}{s}.npz")) for s in range(1, given.seeds + 1)]
            first = first or [seed["same"] for seed in seeds]
            reached = [f"{100 * (s['learned'].argmax(1) == s['labels']).mean():.2f}" for s in seeds]
            learned = differ([seed["learned"] for seed in seeds], first)
            same = differ([seed["same"] for seed in seeds], first)
            print(f"{name:<22}{' '.join(reached):<24}{learned:<28}{same}", flush=True)


DIFFER = "differ, %   p by at most"


def differ(logits: list[np.ndarray], first: list[np.ndarray]) -> str:
    """Share of predictions that are others, and the largest change of a probability."""
    pairs = list(zip(logits, first, strict=True))
    others = np.mean([(a.argmax(1) != b.argmax(1)).mean() for a, b in pairs])
    change = max(np.abs(np.exp(log_softmax(a)) - np.exp(log_softmax(b))).max() for a, b in pairs)
    return f"{100 * others:<12.2f}{change:.1e}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--variant", choices=VARIANTS, help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    (learn if given.variant else compare)(given)


if __name__ == "__main__":
    main()
