"""Padding-free execution: a transformer's layers see real tokens only.

Hooks at the border of each layer stack gather the real tokens of a batch into one row and scatter
them back behind the last layer. Embeddings, pooler, head and loss stay transformers' own.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn
from transformers.modeling_layers import GradientCheckpointingLayer

from finetone.engine.fast import attention
from finetone.engine.fast.packing import Packing, Side
from finetone.engine.fast.plan import Obstacle
from finetone.engine.fast.pooled_token import reading


def stacks(module: nn.Module) -> list[nn.ModuleList]:
    """The lists of transformer layers in a model, e.g. one in BERT, two in BART."""
    return [
        child
        for child in module.modules()
        if isinstance(child, nn.ModuleList)
        and len(child)
        and all(isinstance(layer, GradientCheckpointingLayer) for layer in child)
    ]


def demand_stacks(module: Any) -> list[nn.ModuleList]:
    """Its stacks if a module may run unpadded (a check must still agree); else an Obstacle."""
    if not (found := stacks(module)):
        raise Obstacle("it has no stack of transformer layers")
    if not module._supports_sdpa:
        raise Obstacle("its attention cannot be exchanged")
    config: Any = module.config
    if any(getattr(config, f"{part}layerdrop", 0) for part in ("", "encoder_", "decoder_")):
        raise Obstacle("it drops whole layers at random")
    return found


@contextmanager
def unpadded(module: Any, sides: dict[nn.ModuleList, Side] | None = None) -> Iterator[None]:
    """Inside the block `module` runs unpadded wherever `attention.packed(...)` is in force.

    Of a stack in `sides` only the texts' first, or last, tokens come out; elsewhere stand zeros.
    """
    config: Any = module.config
    before, use_cache = config._attn_implementation, getattr(config, "use_cache", None)
    with ExitStack() as undo:
        undo.callback(module.set_attn_implementation, before)
        module.set_attn_implementation(attention.NAME)
        if use_cache is not None:
            undo.callback(setattr, config, "use_cache", use_cache)
            config.use_cache = False  # keys of earlier tokens are of no use to a classifier
        for stack in stacks(module):
            for layer in stack:
                hook = layer.register_forward_pre_hook(_pack, with_kwargs=True)
                undo.callback(hook.remove)
            side = (sides or {}).get(stack)
            if side is not None:
                undo.enter_context(reading(stack[-1], side))
            undo.callback(stack[-1].register_forward_hook(partial(_unpack, side)).remove)
        yield


def _pack(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Pack every hidden state [rows, width, H] a layer is given; packed ones pass."""
    packing = attention.current()
    if packing is None:
        return None
    return (
        tuple(_packed(packing, value) for value in args),
        {name: _packed(packing, value) for name, value in kwargs.items()},
    )


def _packed(packing: Packing, value: Any) -> Any:
    if not isinstance(value, torch.Tensor) or value.ndim != 3 or not value.is_floating_point():
        return value
    if value.shape[:2] == (1, packing.tokens):
        return value
    if value.shape[:2] == (packing.rows, packing.width):
        return packing.pack(value)
    raise RuntimeError(f"hidden state of shape {tuple(value.shape)}: neither packed nor padded")


def _unpack(side: Side | None, layer: nn.Module, args: Any, output: Any) -> Any:
    packing = attention.current()
    if packing is None:
        return None
    if isinstance(output, torch.Tensor):
        return packing.unpack(output, side)
    return (packing.unpack(output[0], side), *output[1:])
