"""The models of the original study at full width: rates, and minutes of each at these rates."""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from architectures import CONFIGS, MODERN
from worker import engine, engine_inference

from stages import Setting
from stages.bursts import Variant
from stages.texts import builder, tokens

EPOCHS, TRAIN_ROWS, TEST_ROWS = 3, 25_000, 5_000
BATCH = 32
MODELS = [name for name in CONFIGS if name not in (*MODERN, "minilm-l6")]


def items(setting: Setting) -> list[str]:
    return ["bert-base", "gpt2-en", "squeezebert"] if setting.tiny else list(MODELS)


def run(name: str, setting: Setting) -> Iterator[dict[str, Any]]:
    device, data = torch.device(setting.device), tokens(setting)
    batch, steps = (8, 2) if setting.tiny else (BATCH, 10)
    common = (builder(setting, name), data, batch, setting.threads, device)
    row: dict[str, Any] = {"tokens_per_text": float(data.lengths.mean())}
    for task, kind, few in (("training", engine, steps), ("prediction", engine_inference, 2)):
        variant = Variant(partial(kind, *common), device, few)
        variant.burst()  # warms up
        until = time.monotonic() + setting.seconds / 6
        answers = [variant.burst()]
        while time.monotonic() < until and not setting.tiny:
            answers.append(variant.burst())
        total, seconds = (sum(answer[key] for answer in answers) for key in ("tokens", "seconds"))
        row[f"{task}_tokens_per_s"] = total / seconds
        row[f"{task}_peak_gb"] = max(answer["peak"] for answer in answers) / 1e9
        row["notes"] = variant.facts["ready"].get("notes", [])
        variant.close()
    passes = TRAIN_ROWS / row["training_tokens_per_s"] + TEST_ROWS / row["prediction_tokens_per_s"]
    row["minutes"] = EPOCHS * row["tokens_per_text"] * passes / 60
    yield row
