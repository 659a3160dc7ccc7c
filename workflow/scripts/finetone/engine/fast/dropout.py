"""Dropout on the CPU at the cost of a multiplication.

torch draws CPU dropout masks from one serial Mersenne twister, which costs many times the matrix
product beside it. Here a mask is made of 16-bit lanes of random 64-bit words, and a word is the sum
of one word from each of two large random tables (numpy's SFC64: C. Doty-Humphrey's small fast
counting generator), read from new random positions. Sums of distinct uniform words are uniform
and independent, so the lanes of one reading are independent of each other, and so are any three
lanes of different readings; after USES readings the tables are drawn anew. Keep rates are multiples
of 2^-16.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from finetone.seeds import derive

LANES = 1 << 16
TABLE = 1 << 20  # words in each of the two tables: together they fit the outer cache
READING = 1 << 18  # words read from one pair of positions at most
USES = 256  # readings of a pair of tables: about one training step of long texts


class Stream:
    """Random lanes that depend on the seed alone, not on threads; its state is two numbers."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._open(0, 0)

    def _open(self, block: int, used: int) -> None:
        self._block, self._used = block, used
        generator = np.random.Generator(np.random.SFC64(derive(self._seed, "dropout", block)))
        words = generator.integers(0, 2**64 - 1, (2, TABLE), dtype=np.uint64, endpoint=True)
        self._tables = torch.from_numpy(words.view(np.int64))
        self._positions = generator.integers(0, TABLE - READING, (USES, 2), endpoint=True).tolist()

    def lanes(self, count: int) -> torch.Tensor:
        """`count` uniform int16 numbers."""
        words = torch.empty(-(-count // 4), dtype=torch.int64)
        for part in words.split(READING):
            if self._used == USES:
                self._open(self._block + 1, 0)
            first, second = (
                table[position : position + len(part)]
                for table, position in zip(self._tables, self._positions[self._used], strict=True)
            )
            torch.add(first, second, out=part)
            self._used += 1
        return words.view(torch.int16)[:count]

    def keep(self, shape: torch.Size, p: float, dtype: torch.dtype) -> torch.Tensor:
        """A mask of `dtype`: 0 with probability `p`, else 1."""
        mask = torch.empty(shape, dtype=dtype)
        return torch.ge(self.lanes(mask.numel()).view(shape), _threshold(p), out=mask)

    def drop_sign(self, x: torch.Tensor, p: float) -> torch.Tensor:
        """Give numbers ≥ 0 in place a minus sign with probability `p`, zeros included."""
        dropped = self.lanes(x.numel()).view(x.shape)
        torch.lt(dropped, _threshold(p), out=dropped)
        if x.element_size() == 2:  # the sign is the highest bit: as integers, twice as fast
            x.view(torch.int16).add_(dropped, alpha=-LANES // 2)
            return x
        return torch.copysign(x, 0.5 - dropped.to(x.dtype), out=x)

    def state(self) -> list[int]:
        return [self._block, self._used]

    def restore(self, state: list[int]) -> None:
        self._open(*state)


def _threshold(p: float) -> int:
    """The lane value below which a share `p` of all lanes is."""
    return round(p * LANES) - LANES // 2


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, p: float, stream: Stream) -> torch.Tensor:
        mask = stream.keep(x.shape, p, x.dtype)
        ctx.scale = 1 / (1 - p)
        ctx.save_for_backward(mask)
        return (x * mask).mul_(ctx.scale)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (mask,) = ctx.saved_tensors
        return (grads[0] * mask).mul_(ctx.scale), None, None


@contextmanager
def fast_dropout(stream: Stream) -> Iterator[None]:
    """Inside the block dropout on the CPU draws from `stream`.

    This replaces `torch.nn.functional.dropout`, which every nn.Dropout calls; no part of a model.
    """
    plain = F.dropout

    def dropout(
        input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> torch.Tensor:
        fits = input.device.type == "cpu" and input.is_floating_point() and not inplace
        if fits and training and 0 < p < 1:
            return _Dropout.apply(input, p, stream)
        return plain(input, p, training, inplace)

    F.dropout = dropout
    try:
        yield
    finally:
        F.dropout = plain
