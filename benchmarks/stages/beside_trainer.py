"""At full width: the engine beside the Trainer's variants, the matrix peak, and where time goes."""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from worker import engine, engine_inference, gemm, trainer

from stages import Setting
from stages.bursts import Variant, alternate
from stages.kernels import where_time_goes
from stages.texts import builder, tokens

BATCH, STEPS, SPREAD = 32, 20, 5
PREDICTION = "engine, prediction"
TRAINERS: dict[str, dict[str, Any]] = {
    "Trainer best flags": {"bf16": True, "grouped": SPREAD},
    "Trainer bf16": {"bf16": True},
    "Trainer (fp32, dynamic padding)": {},
}


def items(setting: Setting) -> list[str]:
    return ["bert-base", *([] if setting.tiny else ["minilm-l6", "modernbert-base", "gpt2-en"])]


def run(name: str, setting: Setting) -> Iterator[dict[str, Any]]:
    until = time.monotonic() + (0 if setting.tiny else 0.75 * setting.seconds)  # then the profile
    device, data = torch.device(setting.device), tokens(setting)
    batch, steps = (8, 2) if setting.tiny else (BATCH, STEPS)
    common = (builder(setting, name), data, batch, setting.threads, device)
    variants = {"engine": Variant(partial(engine, *common), device, steps)}
    for title, flags in TRAINERS.items():
        few = max(SPREAD, steps // 2) if flags.get("grouped") else max(1, steps // 4)
        variants[title] = Variant(partial(trainer, *common, **flags), device, few)
    variants[PREDICTION] = Variant(partial(engine_inference, *common), device, 2)
    matrices = Variant(partial(gemm, *common, dtype="bfloat16"), device, 1)
    # its `tokens` are operations per second
    peak = 0 if setting.tiny else max(matrices.burst()["tokens"] for _ in range(3))
    yield {"peak_tflops": peak / 1e12}
    flops = 0.0
    for row in alternate(variants, until):
        flops = row.get("flops", 0.0) or flops
        if peak and "tokens_per_s" in row:
            share = row["tokens_per_s"] * flops / peak  # prediction needs a third of the work
            row["share_of_peak"] = share / 3 if row["variant"] == PREDICTION else share
        if row["variant"] == PREDICTION:
            row.pop("reference_is_faster_by", None)  # which trains
        yield row
    if peak:
        yield {"peak_tflops_again": matrices.burst()["tokens"] / 1e12}
    yield {"profile": where_time_goes(variants["engine"], 2 if setting.tiny else 10)}
    for variant in variants.values():
        variant.close()
