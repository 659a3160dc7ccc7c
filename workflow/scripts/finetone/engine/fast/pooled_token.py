"""The last layer works on the one token per text that the classifier's head reads.

BERT's head reads the first token, GPT-2's the last, BART's the decoder's last. What the last layer
would make of all the others reaches neither loss nor gradient, so it is left out: the same
mathematics, an eighth of a six-layer model's work less. Which token a head reads is not looked up
by a model's name but found by asking autograd.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from finetone.engine.fast import attention
from finetone.engine.fast.packing import Packing, Side

RESHAPES = (torch.Tensor.reshape, torch.Tensor.view)


def sides_read(
    module: nn.Module, stacks: list[nn.ModuleList], inputs: dict[str, torch.Tensor]
) -> dict[nn.ModuleList, Side]:
    """Of each layer stack whose output is read at the first, or the last, token of every text only.

    `inputs` is a right-padded batch with texts of more than one token: a position counts as read
    if the logits have a gradient there.
    """
    outputs: dict[nn.ModuleList, torch.Tensor] = {}
    with ExitStack() as stack_of_hooks:
        for stack in stacks:

            def keep(
                layer: nn.Module, args: Any, output: Any, stack: nn.ModuleList = stack
            ) -> None:
                outputs[stack] = output if isinstance(output, torch.Tensor) else output[0]

            stack_of_hooks.callback(stack[-1].register_forward_hook(keep).remove)
        with torch.enable_grad():
            score = module(**inputs).logits.sum()
            slopes = torch.autograd.grad(score, list(outputs.values()), allow_unused=True)
    lengths = inputs["attention_mask"].sum(1).cpu().numpy()
    rows, sides = np.arange(len(lengths)), dict[nn.ModuleList, Side]()
    places: dict[Side, np.ndarray] = {"first": 0 * lengths, "last": lengths - 1}
    for stack, slope in zip(outputs, slopes, strict=True):
        if slope is None or slope.ndim != 3 or (lengths < 2).all():
            continue
        read = (slope != 0).any(-1).cpu().numpy()
        for side, position in places.items():
            expected = np.zeros_like(read)
            expected[rows, position] = True
            if np.array_equal(read, expected):
                sides[stack] = side
    return sides


@contextmanager
def reading(layer: nn.Module, side: Side) -> Iterator[None]:
    """Inside the block `layer`, the last of its stack, finishes the tokens on `side` only."""
    running: list[ExitStack] = []

    def begin(layer: nn.Module, args: Any) -> None:
        packing = attention.current()
        if packing is not None and packing.lengths.min() > 0:
            running.append(ExitStack())
            running[-1].enter_context(attention.answering(side))
            running[-1].enter_context(_Cut(packing, side))

    def end(layer: nn.Module, args: Any, output: Any) -> None:
        if running:
            running.pop().close()

    handles = [
        layer.register_forward_pre_hook(begin),
        # first of all hooks, and also if the layer fails
        layer.register_forward_hook(end, prepend=True, always_call=True),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class _Cut(TorchFunctionMode):
    """Cuts tensors that meet attention's output for some tokens to the same tokens.

    Such are a residual [1, N, H], and the shape that a reshape asks for.
    """

    def __init__(self, packing: Packing, side: Side) -> None:
        super().__init__()
        self.whole, self.cut = packing.tokens, packing.rows
        self.positions = packing.read(side)

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if attention.has_answered() and self.whole != self.cut:
            if func in RESHAPES and args[0].ndim == 4 and args[0].shape[:2] == (1, self.cut):
                args = _with_shape(args, (1, self.whole), (1, self.cut))
            else:
                args = self._meeting(args)
        return func(*args, **(kwargs or {}))

    def _meeting(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden = [x.shape for x in args if isinstance(x, torch.Tensor) and x.ndim == 3]
        whole = [shape for shape in hidden if shape[:2] == (1, self.whole)]
        if not any((1, self.cut, shape[2]) in hidden for shape in whole):
            return args
        return tuple(
            x.index_select(1, self.positions)
            if isinstance(x, torch.Tensor) and x.shape in whole
            else x
            for x in args
        )


def _with_shape(args: tuple[Any, ...], old: tuple[int, int], new: tuple[int, int]) -> Any:
    """Arguments of a reshape, as numbers or one tuple, whose shape begins as `new`, not `old`."""
    tensor, *sizes = args
    shape = tuple(sizes[0]) if len(sizes) == 1 and not isinstance(sizes[0], int) else tuple(sizes)
    return (tensor, *((*new, *shape[2:]) if shape[:2] == old else shape))
