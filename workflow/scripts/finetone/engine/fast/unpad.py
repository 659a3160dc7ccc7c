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

from finetone.engine.batches import Batch
from finetone.engine.fast import attention, mpnet
from finetone.engine.fast.packing import Packing, PooledToken
from finetone.engine.fast.pooled_token import pooled_only
from finetone.engine.fast.unsupported import Unsupported


def layer_stacks(module: nn.Module) -> list[nn.ModuleList]:
    """The lists of transformer layers in a model, e.g. one in BERT, two in BART."""
    found = [
        child
        for child in module.modules()
        if isinstance(child, nn.ModuleList) and len(child) and all(map(_is_layer, child))
    ]
    inner = {part for stack in found for part in stack.modules() if part is not stack}
    return [stack for stack in found if stack not in inner]


def _is_layer(part: nn.Module) -> bool:
    """Whether transformers calls it one, or it attends: attentions know whether they are causal."""
    attends = any(hasattr(inside, "is_causal") for inside in part.modules())
    return isinstance(part, GradientCheckpointingLayer | mpnet.MPNetLayer) or attends


def require_layer_stacks(module: Any) -> list[nn.ModuleList]:
    """The layer stacks of a module that may be able to run unpadded.

    Raises
    ------
    Unsupported
        It cannot: it has no such stacks, or its attention or its layers do not allow it.
    """
    if not (found := layer_stacks(module)):
        raise Unsupported("it has no stack of transformer layers")
    on_cpu = module.device.type == "cpu"
    if not module._supports_sdpa and not (on_cpu and mpnet.attends_like_mpnet(module)):
        raise Unsupported("its attention cannot be exchanged")
    config: Any = module.config
    if any(getattr(config, f"{part}layerdrop", 0) for part in ("", "encoder_", "decoder_")):
        raise Unsupported("it drops whole layers at random")
    return found


class Passes:
    """Counts the passes through a stack: ALBERT goes through the same layers again and again.

    As long as it is not known how many there are, each may be the last.
    """

    def __init__(self, total: int | None = None) -> None:
        self.total, self.begun = total, 0
        self.packing: Packing | None = None

    def begin(self, layer: nn.Module, args: Any) -> None:
        """At the beginning of the stack's last layer."""
        if self.packing is not attention.current():
            self.packing, self.begun = attention.current(), 0
        self.begun += 1

    def is_last(self) -> bool:
        return self.total in (None, self.begun)


def count_passes(
    module: nn.Module, stacks: list[nn.ModuleList], batch: Batch
) -> dict[nn.ModuleList, Passes]:
    """How often the model goes through each stack, from one execution of a batch."""
    with ExitStack() as hooks:
        counted = {stack: Passes() for stack in stacks}
        for stack, passes in counted.items():
            hooks.callback(stack[-1].register_forward_pre_hook(passes.begin).remove)
        module(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
    return {stack: Passes(passes.begun) for stack, passes in counted.items()}


@contextmanager
def unpadded(
    module: Any,
    pooled: dict[nn.ModuleList, PooledToken] | None = None,
    passes: dict[nn.ModuleList, Passes] | None = None,
) -> Iterator[None]:
    """Inside the block `module` runs unpadded wherever `attention.packed(...)` is in force.

    A stack in `pooled` returns only the pooled token of each text, and zeros for all others. Rows
    are unpacked behind the last pass through a stack; behind each if it is not in `passes`.
    """
    before = module.config._attn_implementation
    with ExitStack() as undo:
        if mpnet.attends_like_mpnet(module):
            undo.enter_context(mpnet.exchanged(module))
        else:
            undo.callback(module.set_attn_implementation, before)
            module.set_attn_implementation(attention.NAME)
        for stack in layer_stacks(module):
            counted, last = (passes or {}).get(stack, Passes()), stack[-1]
            undo.callback(last.register_forward_pre_hook(counted.begin).remove)
            for layer in stack:
                undo.enter_context(_packing_inputs(layer))
            token = (pooled or {}).get(stack)
            if token is not None:
                undo.enter_context(pooled_only(last, token, counted.is_last))
            undo.callback(last.register_forward_hook(partial(_unpack, token, counted)).remove)
        yield


@contextmanager
def _packing_inputs(layer: nn.Module) -> Iterator[None]:
    """Inside the block a layer gets packed rows, and must attend.

    One that mixes tokens otherwise, with convolutions or a recurrence, would mix those of texts.
    """
    calls = 0

    def begin(layer: nn.Module, args: Any, kwargs: Any) -> Any:
        nonlocal calls
        calls = attention.calls
        return _pack(layer, args, kwargs)

    def end(layer: nn.Module, args: Any, output: Any) -> None:
        if attention.current() is not None and attention.calls == calls:
            raise RuntimeError(f"{type(layer).__name__} does not attend")

    with ExitStack() as hooks:
        hooks.callback(layer.register_forward_pre_hook(begin, with_kwargs=True).remove)
        hooks.callback(layer.register_forward_hook(end).remove)
        yield


def _pack(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Pack every input of a layer that has one entry per token and is not packed yet."""
    packing = attention.current()
    if packing is None:
        return None
    return (
        tuple(_packed(packing, value) for value in args),
        {name: _packed(packing, value) for name, value in kwargs.items()},
    )


def _packed(packing: Packing, value: Any) -> Any:
    """A layer's input as packed rows: hidden states, and what is known of positions.

    Rotary models compute cosines and sines of all positions before their first layer, for all rows
    at once: [1, width, d].
    """
    if isinstance(value, tuple):
        return tuple(_packed(packing, part) for part in value)
    if not isinstance(value, torch.Tensor) or value.ndim not in (2, 3):
        return value
    if (value.ndim == 2 and value.is_floating_point()) or value.dtype == torch.bool:
        return value
    if value.shape[:2] == (1, packing.tokens):
        return value
    if value.shape[:2] == (packing.rows, packing.width):
        return packing.pack(value)
    if value.shape[:2] == (1, packing.width):
        return packing.pack_positions(value)
    raise RuntimeError(f"a layer's input of shape {tuple(value.shape)}: neither packed nor padded")


def _unpack(
    token: PooledToken | None, passes: Passes, layer: nn.Module, args: Any, output: Any
) -> Any:
    packing = attention.current()
    if packing is None or not passes.is_last():
        return None
    if isinstance(output, torch.Tensor):
        return packing.unpack(output, token)
    return (packing.unpack(output[0], token), *output[1:])
