"""Pack the real tokens of a padded batch into one row, and unpack them again."""

from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch

from finetone.engine.batches import send
from finetone.engine.fast.groups import Group, groups

PooledToken = Literal["first", "last"]  # the one token of each text that the head reads
FILL = 32  # tokens
COMMON = 400  # shapes; a kernel for each takes a MB or two


class Packing:
    """The layout of one batch: `lengths` real tokens per row out of `width`.

    The packed row has the tokens of row 0, then those of row 1, and so on: `real` tokens. On the
    CPU zeros that nothing reads follow, up to a length N = `tokens` that is a multiple of 32:
    oneDNN compiles a kernel for every length, so there should be few lengths.
    """

    def __init__(self, lengths: np.ndarray, width: int, positions: torch.Tensor) -> None:
        self.lengths = lengths
        self.rows, self.width = len(lengths), width
        self.positions = positions  # int64 [real] into the flattened [rows·width]
        self.real = len(positions)
        fill = FILL if positions.device.type == "cpu" else 1
        self.tokens = -(-self.real // fill) * fill  # N, the length of the packed row
        self.pooling = True  # whether the last layer may compute the pooled tokens alone
        self._pooled: dict[PooledToken, torch.Tensor] = {}
        self._packed_positions: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    @classmethod
    def right_padded(cls, lengths: np.ndarray, width: int, device: torch.device) -> "Packing":
        """Of rows padded on the right. Lengths on the host spare waiting for the device."""
        real = np.arange(width) < lengths[:, None]
        return cls(lengths, width, send(np.flatnonzero(real), device))

    def pack(self, x: torch.Tensor) -> torch.Tensor:
        """[rows, width, …] → [1, N, …], with zeros behind the real tokens."""
        return _Gather.apply(x, self.positions, self.tokens)

    def pack_positions(self, x: torch.Tensor) -> torch.Tensor:
        """[1, width, …], the same for all rows → [1, N, …], with zeros behind the real tokens."""
        if id(x) not in self._packed_positions:  # every layer gets it
            columns = self.positions % self.width
            out = x.new_zeros(1, self.tokens, *x.shape[2:])
            out[0, : self.real] = x[0].index_select(0, columns)
            self._packed_positions[id(x)] = x, out  # while x is kept, no other has its id
        return self._packed_positions[id(x)][1]

    def unpack(self, x: torch.Tensor, token: PooledToken | None = None) -> torch.Tensor:
        """[1, N, …] → [rows, width, …], zeros where there is padding.

        With `token`, x may be [1, rows, …]: the pooled token of each row only.
        """
        positions = self.positions
        if token is not None and x.shape[1] != self.tokens:
            positions = positions.index_select(0, self.pooled(token))
        return _Scatter.apply(x, positions, self.rows, self.width)

    def pooled(self, token: PooledToken) -> torch.Tensor:
        """Places of the rows' first or last tokens in the packed row, int64 [rows] on the device."""
        if token not in self._pooled:
            ends = np.cumsum(self.lengths)
            self._pooled[token] = self._send(ends - (self.lengths if token == "first" else 1))
        return self._pooled[token]

    def column(self, token: PooledToken) -> torch.Tensor:
        """Places of the rows' first or last tokens in their texts, int64 [rows] on the device."""
        return self._send(self.lengths - 1 if token == "last" else 0 * self.lengths)

    def visible(self, upto: PooledToken | None) -> torch.Tensor:
        """bool [rows, width] on the device: real tokens; with `upto`, none behind that one."""
        lengths = np.ones_like(self.lengths) if upto == "first" else self.lengths
        return self._send(np.arange(self.width) < lengths[:, None])

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

    def blank(self, x: torch.Tensor, last: int | None = None) -> torch.Tensor:
        """An empty tensor like x [N, …], zero where the packed row is filled up.

        With `last`, of another size in its last dimension.
        """
        shape = x.shape if last is None else (*x.shape[:-1], last)
        out = torch.empty(shape, dtype=x.dtype, device=x.device)
        out[self.real :] = 0
        return out


def shapes(lengths: np.ndarray, rows: int) -> int:
    """Estimate how many shapes of matrix products are worth remembering.

    If random batches have few shapes in all, as with short texts, all of them; else one batch's.

    Parameters
    ----------
    lengths
        Tokens of each text, int64 [n].
    rows
        Texts per batch.
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
    # a layer has three linear shapes and an activation, attention has five products: forward and
    # backward together
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
    """[rows, width, …] → [1, tokens, …]: the entries at `positions`, then zeros."""
    out = x.new_empty(1, tokens, *x.shape[2:])
    torch.index_select(x.flatten(0, 1), 0, positions, out=out[0, : len(positions)])
    out[0, len(positions) :] = 0
    return out


def _spread(x: torch.Tensor, positions: torch.Tensor, rows: int, width: int) -> torch.Tensor:
    """[1, tokens, …] → [rows, width, …]: the first of them to `positions`, zeros elsewhere."""
    out = x.new_zeros(rows * width, *x.shape[2:])
    return out.index_copy_(0, positions, x[0, : len(positions)]).view(rows, width, *x.shape[2:])
