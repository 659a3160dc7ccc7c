"""On a GPU: weights become bf16 by one kernel, and what several layers read becomes it once.

Autocast casts each weight by a kernel of its own, and its gradient back by another: two fifths of all
kernels of a training step, which small ones spend more time on starting than on running. It also casts
the input of a layer anew for queries, keys and values. The numbers are those of autocast, but for the
gradients of such inputs, which are added in bf16.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from transformers.pytorch_utils import Conv1D

LINEAR = (nn.Linear, Conv1D)  # autocast casts all that these compute with


class SharedCasts:
    """Casts of one module; inside `of_one_pass` its linear layers have bf16 weights."""

    def __init__(self, module: nn.Module) -> None:
        linear = [part for part in module.modules() if type(part) in LINEAR]
        others = {
            id(weight)
            for part in module.modules()
            if type(part) not in LINEAR
            for weight in part.parameters(recurse=False)
        }
        self.places = [
            (part._parameters, name, weight)
            for part in linear
            for name, weight in part.named_parameters(recurse=False)
            if weight.dtype == torch.float32 and id(weight) not in others
        ]
        self._latest: tuple[torch.Tensor, int, torch.Tensor] | None = None  # with its version

    @contextmanager
    def of_one_pass(self) -> Iterator[None]:
        """Inside the block the module may be executed once, in an autocast to bf16."""
        try:
            copies = _Bf16.apply(*(weight for _, _, weight in self.places))
            for (table, name, _), copy in zip(self.places, copies, strict=True):
                table[name] = copy
            yield
        finally:
            for table, name, weight in self.places:
                table[name] = weight
            self._latest = None

    @contextmanager
    def of_inputs(self) -> Iterator[None]:
        """Inside the block linear layers that read the same tensor share its cast.

        This replaces `torch.nn.functional.linear`, which every nn.Linear calls; no part of a model.
        """
        plain = F.linear

        def linear(
            input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
        ) -> torch.Tensor:
            casts = input.dtype == torch.float32 and weight.dtype == torch.bfloat16
            # a compiler shares casts itself
            if casts and not input.is_inference() and not torch.compiler.is_compiling():
                input = self._cast(input)
            return plain(input, weight, bias)

        F.linear = linear
        try:
            yield
        finally:
            F.linear = plain

    def _cast(self, x: torch.Tensor) -> torch.Tensor:
        if self._latest is None or self._latest[0] is not x or self._latest[1] != x._version:
            self._latest = x, x._version, x.to(torch.bfloat16)
        return self._latest[2]


class _Bf16(torch.autograd.Function):
    """Copies of fp32 tensors; one that is not used has no gradient."""

    @staticmethod
    def forward(ctx: Any, *weights: torch.Tensor) -> tuple[torch.Tensor, ...]:
        ctx.set_materialize_grads(False)
        return _all(weights, torch.bfloat16)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor | None) -> tuple[torch.Tensor | None, ...]:
        copies = iter(_all([grad for grad in grads if grad is not None], torch.float32))
        return tuple(None if grad is None else next(copies) for grad in grads)


def _all(tensors: Any, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
    copies = [torch.empty_like(tensor, dtype=dtype) for tensor in tensors]
    if copies:
        torch._foreach_copy_(copies, list(tensors))
    return tuple(copies)
