"""What the benchmark says about work and rates is true of the work that is done."""

import pytest
import torch
from benchmarks.architectures import training_flops
from torch.utils.flop_counter import FlopCounterMode

from tests.unit.engine.zoo import CONFIGS, model


@pytest.mark.parametrize(
    "architecture", [a for a in CONFIGS if a not in ("convbert", "squeezebert")]
)
def test_flops_are_those_torch_counts(architecture: str) -> None:
    module = model(architecture)
    module.set_attn_implementation("eager")  # so that every product is seen
    ids = torch.full((3, 60), 5)
    ids[:, -1] = 2
    with FlopCounterMode(display=False) as counter:
        module(input_ids=ids, attention_mask=torch.ones_like(ids)).logits.sum().backward()
    # the counter also sees the head, and leaves out the gradient of the first layer's input
    assert training_flops(module, [60] * 3) == pytest.approx(counter.get_total_flops(), rel=0.05)
