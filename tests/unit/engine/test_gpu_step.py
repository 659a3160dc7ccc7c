"""What a training step does on a GPU, seen on one that is not there (tests/support/fake_gpu.py)."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from benchmarks.architectures import CONFIGS as FULL_SIZE
from torch import nn

from finetone.engine.execution import Execution
from finetone.engine.objective import Classification
from finetone.engine.recipe import Recipe, adamw
from tests.support.fake_gpu import GPU, Trace, Waits, backward, fake_gpu, on_fake_gpu
from tests.unit.engine.zoo import CONFIGS, UNPADDED, model, texts

TOKENS = texts(np.random.default_rng(1).integers(2, 60, 32).tolist())
# Kernels of a layer if all that can be one kernel is one. Forward: queries, keys and values in one
# product, attention, its output, dropout with residual and norm, two products (one with activation),
# and dropout with residual and norm again. Backward: two for each of four products, one for attention,
# two for each norm (what it reads, its weights), one for the activation.
IDEAL_LAYER = 7 + 14
# What is sent (4), casts (2), embeddings (1 and 3), packing (2 and 2), pooler and head (5 and 10), loss
# (3), optimizer (1).
IDEAL_REST = 33


def step(
    module: nn.Module, execution: Execution, optimizer: Any, clip_norm: float | None = None
) -> Counter[str]:
    """One optimizer step as the loop makes it; its launches."""
    with Trace() as trace:
        optimizer.zero_grad()
        rows = np.arange(len(TOKENS))
        loss = Classification(TOKENS).loss(module, rows, 0, execution)
        backward(loss.minimised / len(rows))
        torch.stack([loss.plain, loss.correct.float()])
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(module.parameters(), clip_norm)
        optimizer.step()
    return trace.launches


@pytest.mark.parametrize("architecture", CONFIGS)
def test_no_step_waits_for_the_gpu(architecture: str) -> None:
    config = CONFIGS[architecture]()
    with on_fake_gpu(config, TOKENS, like=model(architecture)) as (module, execution):
        if config.is_encoder_decoder:
            module.forward = without_its_head(module)  # type: ignore[method-assign]
        optimizer = adamw(module, Recipe())
        step(module, execution, optimizer)  # the first makes the optimizer's moments
        launches = step(module, execution, optimizer, clip_norm=1.0)
    assert execution.plan.padding_free == (architecture in set(UNPADDED) - {"mpnet"})
    assert launches["_fused_adamw_"] == 1 and launches["_foreach_copy_"] == 2


def without_its_head(module: Any) -> Any:
    """BART's own head counts end tokens on the GPU, and waits for the result twice in a batch."""

    def forward(input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
        states = module.model(input_ids=input_ids, attention_mask=attention_mask)[0]
        return SimpleNamespace(logits=module.classification_head(states[:, -1]))

    return forward


def test_what_would_wait_is_seen() -> None:
    """Otherwise the test above would prove nothing."""
    with fake_gpu(), Trace():
        x = torch.zeros(3, device=GPU)
        for waits in (x.tolist, x.cpu, x.nonzero, x.sum().item, lambda: bool((x > 0).all()),
                      lambda: x[x > 0], lambda: x.__setitem__(x > 0, 1), lambda: torch.equal(x, x),
                      lambda: torch.tensor([1.0], device=GPU), lambda: torch.ones(3).to(GPU)):  # fmt: skip
            with pytest.raises((Waits, torch._subclasses.fake_tensor.DataDependentOutputException,
                                torch._subclasses.fake_tensor.DynamicOutputShapeException)):  # fmt: skip
                waits()
        torch.ones(3).pin_memory().to(GPU, non_blocking=True)


@pytest.mark.parametrize(("name", "layers"), [("minilm-l6", 6), ("bert-base", 12)])
def test_a_step_launches_little_more_than_it_must(name: str, layers: int) -> None:
    with on_fake_gpu(FULL_SIZE[name](), TOKENS, like=model("bert")) as (module, execution):
        optimizer = adamw(module, Recipe())
        step(module, execution, optimizer)
        launches = step(module, execution, optimizer)
    assert launches.total() <= 2.5 * (layers * IDEAL_LAYER + IDEAL_REST), launches
