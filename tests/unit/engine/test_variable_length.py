"""A GPU's kernels for texts of different length are asked for the attention that the CPU computes.

The kernels exist for GPUs alone; here functions that do what they are documented to do stand in.
"""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers.masking_utils import (
    causal_mask_function,
    sdpa_mask,
    sliding_window_bidirectional_mask_function,
    sliding_window_causal_mask_function,
)

from finetone.engine.batches import collate
from finetone.engine.fast import attention
from finetone.engine.fast.grouped_attention import without_gradient
from finetone.engine.fast.groups import Seen
from finetone.engine.fast.packing import Packing
from tests.support.fake_gpu import GPU, Trace, on_fake_gpu
from tests.unit.engine.test_gpu_step import FULL_SIZE
from tests.unit.engine.zoo import model, texts

LENGTHS = np.array([7, 1, 30, 12])
CPU = torch.device("cpu")
CAUSAL, BOTH = sliding_window_causal_mask_function, sliding_window_bidirectional_mask_function


def flash(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, starts: torch.Tensor, key_starts: torch.Tensor,
    longest: int, longest_key: int, dropout: float, causal: bool, debug: bool, *, scale: float,
    window_size_left: int | None = None, window_size_right: int | None = None,
) -> tuple[torch.Tensor, None]:  # fmt: skip
    """Flash attention 2 of texts that lie behind one another, [N, heads, d]."""
    assert starts.dtype == torch.int32 and torch.equal(starts, key_starts)
    assert longest == longest_key == int(starts.diff().max()) and dropout == 0 and not debug
    left, right = (x if x is not None else 10**6 for x in (window_size_left, window_size_right))
    out = torch.empty_like(v)
    for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        Q, K, V = (x[start:end].transpose(0, 1).float() for x in (q, k, v))
        behind = torch.arange(end - start)[:, None] - torch.arange(end - start)
        seen = (behind <= left) & (behind >= -(0 if causal else right))
        block = F.scaled_dot_product_attention(Q, K, V, attn_mask=seen, scale=scale)
        out[start:end] = block.transpose(0, 1).to(v.dtype)
    return out, None


def efficient(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, bias: None, *more: Any, scale: float
) -> tuple[torch.Tensor, None]:
    """Memory-efficient attention of the same, [1, N, heads, d]."""
    *ends, dropout, mask_type, keep_sums = more
    assert bias is None and keep_sums is True and mask_type in (0, 1)
    out, _ = flash(q[0], k[0], v[0], *ends, dropout, bool(mask_type), False, scale=scale)
    return out[None], None


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        *((kind, torch.bfloat16) for kind in ("all", "causal", "window", "window before")),
        *((kind, torch.float32) for kind in ("all", "causal")),
    ],
)
def test_kernels_compute_what_the_cpu_computes(
    monkeypatch: pytest.MonkeyPatch, kind: str, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.ops.aten, "_flash_attention_forward", flash)
    monkeypatch.setattr(torch.ops.aten, "_efficient_attention_forward", efficient)
    packing = Packing.right_padded(LENGTHS, int(LENGTHS.max()), CPU)
    torch.manual_seed(0)
    q, k, v = torch.randn(3, packing.tokens, 2, 16).to(dtype)
    seen = Seen(kind == "causal")
    if kind.startswith("window"):
        width = int(LENGTHS.max())
        function = (CAUSAL if kind == "window before" else BOTH)(5)
        mask = sdpa_mask(1, width, width, mask_function=function, allow_is_causal_skip=False)
        assert mask is not None
        seen = Seen(mask=mask[0, 0], window=attention.window(function))
    out = attention._variable_length(q, k, v, packing, 0.3, seen, 0.0)
    expected = without_gradient(q, k, v, None, packing, 0.3, seen)
    tolerance = 1e-5 if dtype == torch.float32 else 2e-2
    real = packing.real
    torch.testing.assert_close(out[:real], expected[:real], rtol=tolerance, atol=tolerance)


def test_masks_of_other_kinds_are_no_windows() -> None:
    assert attention.window(CAUSAL(5)) == (4, 0) and attention.window(BOTH(5)) == (5, 5)
    for other in (causal_mask_function, None, lambda *_: True):
        assert attention.window(other) is None


@pytest.mark.parametrize(("name", "like"), [("modernbert-base", "modernbert"), ("gpt2-en", "gpt2")])
def test_every_layer_but_a_pooled_one_takes_them(name: str, like: str) -> None:
    config = FULL_SIZE[name]()
    config.num_hidden_layers, config.max_position_embeddings = 4, 512
    tokens = texts([200, 12, 90])
    with on_fake_gpu(config, tokens, like=model(like)) as (module, execution), Trace() as trace:
        execution.logits(module, collate(tokens, np.arange(3), GPU))
    assert trace.launches["_flash_attention_forward"] == 3
