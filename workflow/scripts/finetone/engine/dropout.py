"""Dropout on the CPU at the price of a multiplication.

torch draws CPU dropout masks from one serial Mersenne twister, which costs many times the matrix
product next to it. Here masks come from 16-bit lanes of SFC64 generators (numpy; C. Doty-Humphrey's
small fast counting generator), one stream per thread. Keep rates are multiples of 2^-16.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from finetone.seeds import derive

LANES = 1 << 16
SMALL = 1 << 16  # below so many lanes one thread is faster than two


class Streams:
    """Random 16-bit lanes from one independent generator per thread; its state can be saved."""

    def __init__(self, seed: int, threads: int) -> None:
        self._generators = [
            np.random.Generator(np.random.SFC64(derive(seed, "dropout", i))) for i in range(threads)
        ]
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def lanes(self, count: int) -> torch.Tensor:
        """`count` uniform int16 numbers."""
        words = -(-count // 4)
        if self._pool is None or count < SMALL:
            drawn = _draw(self._generators[0], words)
        else:
            share = -(-words // len(self._generators))
            drawn = np.concatenate(
                list(self._pool.map(_draw, self._generators, [share] * len(self._generators)))
            )
        return torch.from_numpy(drawn.view(np.int16)[:count])

    def keep(self, shape: torch.Size, p: float, dtype: torch.dtype) -> torch.Tensor:
        """A mask of `dtype`: 0 with probability `p`, else 1."""
        mask = torch.empty(shape, dtype=dtype)
        dropped = round(p * LANES)
        return torch.ge(self.lanes(mask.numel()).view(shape), dropped - LANES // 2, out=mask)

    def state(self) -> list[list[int]]:
        return [g.bit_generator.state["state"]["state"].tolist() for g in self._generators]

    def restore(self, state: list[list[int]]) -> None:
        for generator, words in zip(self._generators, state, strict=True):
            content: dict[str, Any] = dict(generator.bit_generator.state)
            content["state"] = {"state": np.array(words, dtype=np.uint64)}
            generator.bit_generator.state = content


def _draw(generator: np.random.Generator, words: int) -> np.ndarray:
    # integers() lets other threads run meanwhile, random_raw() does not
    return generator.integers(0, 2**64 - 1, words, dtype=np.uint64, endpoint=True)


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, p: float, streams: Streams) -> torch.Tensor:
        mask = streams.keep(x.shape, p, x.dtype)
        ctx.scale = 1 / (1 - p)
        ctx.save_for_backward(mask)
        return (x * mask).mul_(ctx.scale)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (mask,) = ctx.saved_tensors
        return (grads[0] * mask).mul_(ctx.scale), None, None


class FastDropout(TorchFunctionMode):
    """Inside the block every `torch.nn.functional.dropout` on the CPU (and so every nn.Dropout)
    draws from `streams`. Nothing of a model is replaced."""

    def __init__(self, streams: Streams) -> None:
        super().__init__()
        self.streams = streams

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is F.dropout:
            x, p, training, inplace = _arguments(*args, **kwargs)
            if x.device.type == "cpu" and x.is_floating_point() and not inplace:
                return (
                    _Dropout.apply(x, p, self.streams)
                    if training and 0 < p < 1
                    else (F.dropout(x, p, training))
                )
        return func(*args, **kwargs)


def _arguments(
    input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> tuple[torch.Tensor, float, bool, bool]:
    return input, p, training, inplace
