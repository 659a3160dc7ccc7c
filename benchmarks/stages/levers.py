"""What could make the engine's step faster: each lever beside the engine as it is, start-up included."""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any
from unittest import mock

import torch
from torch import nn
from worker import Step, engine, trainer

from finetone.engine.fast import plan
from finetone.engine.recipe import Recipe
from stages import Setting
from stages.bursts import Variant, alternate
from stages.graphs import graphed
from stages.texts import builder, tokens

BATCH, STEPS = 32, 20
COMPILED, TRAINER = "layers compiled", "Trainer best flags, compiled"
LEVERS = {
    "bert-base": (
        "casts one by one", "batches of 64", "batches of 128", "optimizer foreach", "CUDA graphs",
        COMPILED, TRAINER,
    ),
    "minilm-l6": ("casts one by one", "batches of 128", "optimizer foreach", "CUDA graphs", COMPILED),
}  # fmt: skip
bases: dict[str, Variant] = {}  # the engine as it is, by model


def items(setting: Setting) -> list[str]:
    every = [(model, lever) for model, levers in LEVERS.items() for lever in levers]
    every.sort(key=lambda item: item[1] in (COMPILED, TRAINER))  # these may take what is left
    tiny = [item for item in every if item[0] == "minilm-l6" and item[1] != COMPILED]
    return [f"{model}: {lever}" for model, lever in (tiny if setting.tiny else every)]


def weight(item: str) -> float:
    """Compiling takes many times as long as all else."""
    return 6.0 if "compiled" in item else 1.0


def run(item: str, setting: Setting) -> Iterator[dict[str, Any]]:
    until = time.monotonic() + (0 if setting.tiny else setting.seconds)
    name, lever = item.split(": ")
    device, data = torch.device(setting.device), tokens(setting)
    batch, steps = (8, 2) if setting.tiny else (BATCH, STEPS)
    common = (builder(setting, name), data, batch, setting.threads, device)
    larger = {"batches of 64": 2, "batches of 128": 4}.get(lever, 1)
    make: partial[Step]
    if lever == "casts one by one":
        make = partial(_without_shared_casts, partial(engine, *common))
    elif lever == "optimizer foreach":
        make = partial(engine, *common, optimizer_of=_adamw)
    elif lever == "CUDA graphs":
        make = partial(graphed, *common)
    elif lever == COMPILED:
        make = partial(engine, *common, compiled=True)
    elif lever == TRAINER:
        make = partial(trainer, *common, bf16=True, grouped=5, compiled=True)
    else:
        make = partial(engine, common[0], data, batch * larger, *common[3:])
    base = bases.setdefault(name, Variant(partial(engine, *common), device, steps))
    other = Variant(make, device, max(5, steps // larger))
    yield from alternate({"engine": base, lever: other}, until)
    other.close()


def _adamw(module: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """As the engine's, but not fused."""
    return torch.optim.AdamW(
        (weight for weight in module.parameters() if weight.requires_grad),
        lr=recipe.learning_rate, weight_decay=recipe.weight_decay, foreach=True,
    )  # fmt: skip


def _without_shared_casts(make: partial[Step]) -> Step:
    with mock.patch.object(plan, "SHARES_CASTS", set()):
        steps = make()
        facts = next(steps)  # here the plan is made
    yield facts
    yield from steps
