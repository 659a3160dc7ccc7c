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
from finetone.engine.fast.packing import Packing, PooledToken
from finetone.engine.fast.pooled_token import pooled_only
from finetone.engine.fast.unsupported import Unsupported


def layer_stacks(module: nn.Module) -> list[nn.ModuleList]:
    """The lists of transformer layers in a model, e.g. one in BERT, two in BART."""
    return [
        child
        for child in module.modules()
        if isinstance(child, nn.ModuleList)
        and len(child)
        and all(isinstance(layer, GradientCheckpointingLayer) for layer in child)
    ]


def require_layer_stacks(module: Any) -> list[nn.ModuleList]:
    """The layer stacks of a module that may be able to run unpadded.

    Raises
    ------
    Unsupported
        It cannot: it has no such stacks, or its attention or its layers do not allow it.
    """
    if not (found := layer_stacks(module)):
        raise Unsupported("it has no stack of transformer layers")
    if not module._supports_sdpa:
        raise Unsupported("its attention cannot be exchanged")
    config: Any = module.config
    if any(getattr(config, f"{part}layerdrop", 0) for part in ("", "encoder_", "decoder_")):
        raise Unsupported("it drops whole layers at random")
    return found


@contextmanager
def unpadded(module: Any, pooled: dict[nn.ModuleList, PooledToken] | None = None) -> Iterator[None]:
    """Inside the block `module` runs unpadded wherever `attention.packed(...)` is in force.

    A stack in `pooled` returns only the pooled token of each text, and zeros for all others.
    """
    config: Any = module.config
    before, use_cache = config._attn_implementation, getattr(config, "use_cache", None)
    with ExitStack() as undo:
        undo.callback(module.set_attn_implementation, before)
        module.set_attn_implementation(attention.NAME)
        if use_cache is not None:
            undo.callback(setattr, config, "use_cache", use_cache)
            config.use_cache = False  # a classifier never reads keys of earlier tokens again
        for stack in layer_stacks(module):
            for layer in stack:
                hook = layer.register_forward_pre_hook(_pack, with_kwargs=True)
                undo.callback(hook.remove)
            token = (pooled or {}).get(stack)
            if token is not None:
                undo.enter_context(pooled_only(stack[-1], token))
            undo.callback(stack[-1].register_forward_hook(partial(_unpack, token)).remove)
        yield


def _pack(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Pack every hidden state [rows, width, H] among a layer's inputs that is not packed yet."""
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


def _unpack(token: PooledToken | None, layer: nn.Module, args: Any, output: Any) -> Any:
    packing = attention.current()
    if packing is None:
        return None
    if isinstance(output, torch.Tensor):
        return packing.unpack(output, token)
    return (packing.unpack(output[0], token), *output[1:])
