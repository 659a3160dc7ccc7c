"""Casts to bf16 that layers share give the numbers of autocast's own."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from finetone.engine.batches import collate
from finetone.engine.execution import Execution
from finetone.engine.fast.casts import SharedCasts
from finetone.engine.recipe import EngineOptions
from tests.unit.engine.zoo import CONFIGS, model, texts

CPU = torch.device("cpu")
TOKENS = texts([30, 17, 1, 5, 64, 29])


def run(
    module: nn.Module, precision: str = "bf16", shared: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits without dropout, and all gradients, flattened."""
    execution = Execution(EngineOptions(precision=precision), 1, CPU)
    plain = F.linear
    with execution.running(module, TOKENS, 0):
        casts = SharedCasts(module)
        if shared:
            execution.plan = replace(execution.plan, casts=casts)
        with casts.of_inputs():
            module.eval()
            module.zero_grad()
            batch = collate(TOKENS, np.arange(len(TOKENS)), CPU)
            logits = execution.logits(module, batch)
            F.cross_entropy(logits, batch.labels).backward()
            with torch.inference_mode():
                assert torch.equal(execution.logits(module, batch), logits)
    assert F.linear is plain
    grads = [p.grad.flatten() for p in module.parameters() if p.grad is not None]
    return logits.detach(), torch.cat(grads)


@pytest.mark.parametrize("architecture", CONFIGS)
def test_logits_are_the_same_and_gradients_as_close_to_fp32(architecture: str) -> None:
    module = model(architecture)
    weights = dict(module.named_parameters())
    exact = run(module, "fp32")[1]
    logits, grads = run(module)
    shared_logits, shared_grads = run(module, shared=True)
    assert torch.equal(shared_logits, logits)
    distance = (shared_grads - exact).norm()
    assert distance <= 1.25 * (grads - exact).norm() <= 0.1 * exact.norm()
    assert all(weights[name] is weight for name, weight in module.named_parameters())


def test_weights_that_are_not_used_have_no_gradient_and_shared_ones_stay() -> None:
    module = model("bert")
    module.unused = nn.Linear(48, 48)  # type: ignore[assignment]
    embedding = module.get_input_embeddings()  # type: ignore[operator]
    module.tied = nn.Linear(48, 64, bias=False)  # type: ignore[assignment]
    module.tied.weight = embedding.weight  # type: ignore[union-attr]
    run(module, shared=True)
    assert module.unused.weight.grad is None  # type: ignore[union-attr]
    assert not any(weight is embedding.weight for _, _, weight in SharedCasts(module).places)
