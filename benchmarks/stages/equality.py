"""Every architecture, shrunken: the engine against plain transformers, on this device.

fp32 (without TF32) says whether the mathematics is the same, bf16 whether rounding is as in a plain
loop; a step with dropout, whether it trains.
"""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from tests.architectures import small
from tests.architectures.page import TABLE
from torch import nn

from finetone.engine.batches import collate
from finetone.engine.execution import Execution
from finetone.engine.fast.full_attention import full_attention
from finetone.engine.objective import Classification, gradients
from finetone.engine.recipe import EngineOptions
from stages import Setting
from stages.texts import invented, little

FIRST = (  # those of the original study and of today, before all others
    "bert", "ernie", "gpt2", "roberta", "electra", "modernbert", "bart", "squeezebert", "convbert",
    "distilbert", "deberta-v2", "mpnet", "albert", "qwen3", "gemma3_text", "llama", "xlm-roberta",
)  # fmt: skip
TINY = ("bert", "gpt2", "squeezebert")
SAME = 1e-3  # in fp32, relative to the largest
ROUNDING = 2.0  # bf16 may be so many times as far from fp32 as a plain bf16 loop is


def items(setting: Setting) -> list[str]:
    known = [kind for kind in TABLE["compared"] if kind in small.KINDS]
    first = [kind for kind in FIRST if kind in known]
    return list(TINY) if setting.tiny else [*first, *(k for k in known if k not in first)]


def run(kind: str, setting: Setting) -> Iterator[dict[str, Any]]:
    torch.backends.cudnn.allow_tf32 = False  # convolutions
    device = torch.device(setting.device)
    torch.manual_seed(0)
    module = trainable(kind).to(device)
    if kind not in small.STEEP:
        small.larger(module)
    tokens = invented(8, module.config.pad_token_id)
    ours, execution = by_engine(module, tokens, "fp32", setting.threads)
    as_batch = execution.plan.padding_matters
    right = one_at_a_time(module, tokens, "fp32", as_batch)
    rounded, in_bf16 = by_engine(module, tokens, "bf16", setting.threads)
    row: dict[str, Any] = {
        "executed": "unpadded" if execution.plan.padding_free else "padded",
        "fp32": apart(ours, right), "bf16": apart(rounded, right),
        "precision": in_bf16.precision, "notes": [*execution.notes, *in_bf16.notes],
    }  # fmt: skip
    allowed = SAME
    if in_bf16.precision == "bf16":
        row["plain_bf16"] = apart(one_at_a_time(module, tokens, "bf16", as_batch), right)
        allowed = ROUNDING * max(row["plain_bf16"]) + 1e-2
    draws, finite = with_dropout(module, tokens, setting.threads)
    wrong = {
        "fp32": max(row["fp32"]) > SAME and kind not in TABLE["no_history"],
        "bf16": max(row["bf16"]) > allowed,
        "not finite": not finite or not np.isfinite([*row["fp32"], *row["bf16"]]).all(),
        "two steps drew the same": not draws and kind in FIRST,  # others may have no dropout
        "not executed as on a CPU": TABLE["compared"][kind].split()[0] != row["executed"],
    }
    yield {"ok": not any(wrong.values()), "wrong": [w for w in wrong if wrong[w]], **row}


Result = tuple[
    torch.Tensor, torch.Tensor
]  # logits of all texts, and all gradients of the mean loss


def trainable(kind: str) -> nn.Module:
    """With dropout, if the architecture can have it."""
    try:
        return little(kind)
    except ValueError:
        return little(kind, dropout=0.0)


def one_at_a_time(module: nn.Module, tokens: Any, precision: str, as_batch: bool) -> Result:
    """Plain transformers without dropout; gradients of one padded batch, if they depend on that."""
    model, device = copy.deepcopy(module).eval(), module.device
    logits = []
    with full_attention(model), torch.autocast(
        device.type, torch.bfloat16, enabled=precision == "bf16"
    ):  # fmt: skip
        for row in range(len(tokens)):
            batch = collate(tokens, np.array([row]), device)
            output = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
            logits.append(output.float())
            if not as_batch:
                (F.cross_entropy(output.float(), batch.labels) / len(tokens)).backward()
        if as_batch:
            batch = collate(tokens, np.arange(len(tokens)), device)
            output = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
            F.cross_entropy(output.float(), batch.labels).backward()
    return torch.cat(logits).detach(), flat(model)


def by_engine(
    module: nn.Module, tokens: Any, precision: str, threads: int
) -> tuple[Result, Execution]:
    """The same by the engine: predictions of texts as it batches them, gradients as it trains."""
    model = copy.deepcopy(module)
    execution = Execution(EngineOptions(precision=precision), threads, module.device)
    with execution.running(model, tokens, 0):  # so that all embeddings have gradients
        model.eval()
        logits = torch.zeros(len(tokens), 2, device=module.device)
        with torch.no_grad():
            for rows in execution.prediction_batches(tokens.lengths):
                logits[rows] = execution.logits(model, execution.collate(tokens, rows))
        gradients(model, Classification(tokens), np.arange(len(tokens)), execution)
    return (logits, flat(model)), execution


def with_dropout(module: nn.Module, tokens: Any, threads: int) -> tuple[bool, bool]:
    """Whether two steps drew different masks, and whether losses and gradients are finite."""
    model = copy.deepcopy(module)
    execution, losses = Execution(EngineOptions(), threads, module.device), []
    with execution.running(model, tokens, 0, training_texts=[tokens]):
        model.train()
        for _ in range(2):
            rows = np.arange(len(tokens))
            losses.append(gradients(model, Classification(tokens), rows, execution)[0])
    finite = torch.stack(losses).isfinite().all() and flat(model).isfinite().all()
    return losses[0].item() != losses[1].item(), bool(finite)


def flat(model: nn.Module) -> torch.Tensor:
    """All gradients; zeros for a weight that has none."""
    return torch.cat([
        (torch.zeros_like(weight) if weight.grad is None else weight.grad).flatten()
        for weight in model.parameters()
    ])  # fmt: skip


def apart(found: Result, right: Result) -> tuple[float, float]:
    """Largest differences of logits and of gradients, relative to the largest of either."""
    logits, grads = (
        float((a - b).abs().max() / b.abs().max()) for a, b in zip(found, right, strict=True)
    )
    return logits, grads
