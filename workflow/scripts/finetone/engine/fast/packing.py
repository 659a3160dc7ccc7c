"""Where the real tokens of a padded batch are, and the way there and back."""

from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch

from finetone.engine.batches import send
from finetone.engine.fast.groups import Group, groups

Side = Literal["first", "last"]  # of a text: where its one token stands that is read
FILL = 32  # tokens
COMMON = 400  # shapes; a kernel for each takes a MB or two


class Packing:
    """The layout of one batch: `lengths` real tokens per row out of `width`.

    The packed row holds the tokens of row 0, then those of row 1, and so on, `real` of them. On the
    CPU it is filled up to a multiple of 32 with zeros that nobody reads: oneDNN compiles a kernel
    for each length it meets, and so it meets few.
    """

    def __init__(self, lengths: np.ndarray, width: int, positions: torch.Tensor) -> None:
        self.lengths = lengths
        self.rows, self.width = len(lengths), width
        self.positions = positions  # int64 [real] into the flattened [rows·width]
        self.real = len(positions)
        fill = FILL if positions.device.type == "cpu" else 1
        self.tokens = -(-self.real // fill) * fill  # N, the length of the packed row
        self._read: dict[Side, torch.Tensor] = {}

    @classmethod
    def right_padded(cls, lengths: np.ndarray, width: int, device: torch.device) -> "Packing":
        """From lengths known on the host: nothing is asked of the device."""
        real = np.arange(width) < lengths[:, None]
        return cls(lengths, width, send(np.flatnonzero(real), device))

    def pack(self, x: torch.Tensor) -> torch.Tensor:
        """[rows, width, …] → [1, N, …]."""
        return _Gather.apply(x, self.positions, self.tokens)

    def unpack(self, x: torch.Tensor, side: Side | None = None) -> torch.Tensor:
        """[1, N, …] → [rows, width, …], zeros where there is padding.

        With `side`, x may be [1, rows, …]: just the tokens on that side of each row.
        """
        positions = self.positions
        if side is not None and x.shape[1] != self.tokens:
            positions = positions.index_select(0, self.read(side))
        return _Scatter.apply(x, positions, self.rows, self.width)

    def read(self, side: Side) -> torch.Tensor:
        """int64 [rows] on the device: where each row's first or last token is in the packed row."""
        if side not in self._read:
            ends = np.cumsum(self.lengths)
            self._read[side] = self._send(ends - (self.lengths if side == "first" else 1))
        return self._read[side]

    def seen(self, side: Side | None) -> torch.Tensor:
        """bool [rows, width] on the device: real tokens, up to the one at `side` if one is given."""
        upto = np.ones_like(self.lengths) if side == "first" else self.lengths
        return self._send(np.arange(self.width) < upto[:, None])

    def _send(self, array: np.ndarray) -> torch.Tensor:
        return send(array, self.positions.device)

    @cached_property
    def offsets(self) -> torch.Tensor:
        """int32 [rows + 1] on the device: where each row begins in the packed row."""
        ends = np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int32)
        return self._send(ends)

    @cached_property
    def groups(self) -> list[Group]:
        return groups(self.lengths)

    def blank(self, x: torch.Tensor) -> torch.Tensor:
        """An empty tensor like x [N, …], zero where the packed row is filled up."""
        out = torch.empty(x.shape, dtype=x.dtype, device=x.device)
        out[self.real :] = 0
        return out


def shapes(lengths: np.ndarray, rows: int) -> int:
    """About how many shapes of matrix products to remember for random batches of `rows` texts.

    Those that batches have in common, where these are few as with short texts; else one batch's.
    """
    order, rest = np.random.default_rng(0).permutation(lengths), 20  # of head and last layer
    tokens: set[int] = set()
    blocks: set[tuple[int, int]] = set()
    most = 0
    for start in range(0, len(order), rows)[:32]:
        batch = order[start : start + rows]
        packing = Packing.right_padded(batch, int(batch.max()), torch.device("cpu"))
        met = {(group.texts, group.width) for group in packing.groups}
        tokens, blocks, most = tokens | {packing.tokens}, blocks | met, max(most, len(met))
    # a layer has three linear shapes and an activation, attention five products, forth and back
    common = rest + 11 * len(tokens) + 5 * len(blocks)
    return common if common <= COMMON else rest + 11 + 5 * most


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, positions: torch.Tensor, tokens: int) -> torch.Tensor:
        ctx.shape, ctx.positions = x.shape, positions
        return _collect(x, positions, tokens)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return _spread(grads[0], ctx.positions, *ctx.shape[:2]), None, None


class _Scatter(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, positions: torch.Tensor, rows: int, width: int
    ) -> torch.Tensor:
        ctx.positions, ctx.tokens = positions, x.shape[1]
        return _spread(x, positions, rows, width)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        return _collect(grads[0], ctx.positions, ctx.tokens), None, None, None


def _collect(x: torch.Tensor, positions: torch.Tensor, tokens: int) -> torch.Tensor:
    """[rows, width, …] → [1, tokens, …]: what stands at `positions`, then zeros."""
    out = x.new_empty(1, tokens, *x.shape[2:])
    torch.index_select(x.flatten(0, 1), 0, positions, out=out[0, : len(positions)])
    out[0, len(positions) :] = 0
    return out


def _spread(x: torch.Tensor, positions: torch.Tensor, rows: int, width: int) -> torch.Tensor:
    """[1, tokens, …] → [rows, width, …]: the first of them to `positions`, zeros elsewhere."""
    out = x.new_zeros(rows * width, *x.shape[2:])
    return out.index_copy_(0, positions, x[0, : len(positions)]).view(rows, width, *x.shape[2:])
