"""MPNet's attention over packed rows: transformers does not let it be exchanged by its name.

Its scores have a learned bias for every distance of two tokens. As transformers computes them, in
fp32 and for padded texts, they take half of the time of a batch on a CPU. It is the one architecture
that is changed by name here; docs/performance.md says what that brings. On a GPU it stays as it is.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn
from transformers.models.mpnet.modeling_mpnet import (
    MPNetEncoder,
    MPNetLayer,
    MPNetSelfAttention,
)

from finetone.engine.fast import attention

__all__ = ["MPNetLayer", "attends_like_mpnet", "exchanged"]


def attends_like_mpnet(module: nn.Module) -> bool:
    """Whether `exchanged` reaches the attention of a model."""
    return any(isinstance(part, MPNetEncoder) for part in module.modules())


@contextmanager
def exchanged(module: nn.Module) -> Iterator[None]:
    """Inside the block attentions of `module` are ours wherever rows are packed."""
    with ExitStack() as undo:
        for part in module.modules():
            if isinstance(part, MPNetEncoder):
                of_all = part.compute_position_bias
                undo.enter_context(_replaced(part, "compute_position_bias", partial(_bias, of_all)))
            elif isinstance(part, MPNetSelfAttention):
                undo.enter_context(_replaced(part, "forward", partial(_attend, part)))
        yield


@contextmanager
def _replaced(part: nn.Module, name: str, function: Callable[..., Any]) -> Iterator[None]:
    setattr(part, name, function)
    try:
        yield
    finally:
        delattr(part, name)


def _bias(
    of_all: Callable[..., torch.Tensor], hidden: torch.Tensor, *args: Any, **kwargs: Any
) -> torch.Tensor:
    """[1, heads, width, width]: it is the same for all rows, which transformers makes copies for."""
    one = hidden if attention.current() is None else hidden[:1]
    return of_all(one, *args, **kwargs)


def _attend(
    part: MPNetSelfAttention,
    hidden_states: torch.Tensor,
    attention_mask: torch.Tensor | None = None,
    position_bias: torch.Tensor | None = None,
    output_attentions: bool = False,
    **kwargs: Any,
) -> tuple[torch.Tensor, ...]:
    """[1, N, H] → ([1, N, H],); what transformers does where nothing is packed."""
    if attention.current() is None:
        found: tuple[torch.Tensor, ...] = type(part).forward(
            part, hidden_states, attention_mask, position_bias, output_attentions, **kwargs
        )
        return found
    shape = (*hidden_states.shape[:-1], -1, part.attention_head_size)
    query, key, value = (
        projection(hidden_states).view(shape).transpose(1, 2)
        for projection in (part.q, part.k, part.v)
    )
    dropout = part.dropout.p if part.training else 0.0
    # the mask hides padding, and packed rows have none
    out, _ = attention.attention(
        part, query, key, value, None,
        dropout=dropout, is_causal=False, position_bias=position_bias,
    )  # fmt: skip
    return (part.o(out.flatten(2)),)
