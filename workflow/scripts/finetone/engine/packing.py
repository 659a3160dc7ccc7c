"""Where the real tokens of a padded batch are, and the way there and back."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch

from finetone.engine.batches import send

Side = Literal["first", "last"]  # of a text: where its one token stands that is read
SHORT = 64  # tokens: below that a block more costs more than padding
GROUP_TOKENS_SQUARED = 1 << 17  # score matrix entries per head that a group may have


@dataclass(frozen=True)
class Group:
    """Sequences of similar length that attend together, as a padded block [sequences, width]."""

    sequences: int
    width: int
    start: int  # of the first token, where the block is one piece of the packed row
    index: torch.Tensor | None  # else: packed position of every entry of the block
    real: torch.Tensor | None  # [sequences, width] bool; None where nothing is padding
    entries: torch.Tensor | None  # where `real` is true, as positions in the flattened block

    def take(self, x: torch.Tensor) -> torch.Tensor:
        """[N, heads, d] → a contiguous copy [sequences·heads, width, d]."""
        if self.index is None:
            x = x[self.start : self.start + self.sequences * self.width]
        else:
            x = x.index_select(0, self.index)
        x = x.view(self.sequences, self.width, *x.shape[1:]).transpose(1, 2)
        return x.clone(memory_format=torch.contiguous_format).view(-1, self.width, x.shape[-1])

    def put(self, target: torch.Tensor, block: torch.Tensor) -> None:
        """Write a block like `take` returns it back to its tokens in target [N, heads, d]."""
        heads, d = target.shape[1:]
        block = block.reshape(self.sequences, heads, self.width, d).transpose(1, 2)
        if self.index is None:
            end = self.start + self.sequences * self.width
            target[self.start : end].view(block.shape).copy_(block)
        elif self.entries is None:
            target.index_copy_(0, self.index, block.reshape(-1, heads, d))
        else:
            entries = block.reshape(-1, heads, d).index_select(0, self.entries)
            target.index_copy_(0, self.index[self.entries], entries)


class Packing:
    """The layout of one batch: `lengths` real tokens per row out of `width`.

    The packed row holds the tokens of row 0, then those of row 1, and so on; N of them.
    """

    def __init__(self, lengths: np.ndarray, width: int, positions: torch.Tensor) -> None:
        self.lengths = lengths
        self.rows, self.width = len(lengths), width
        self.positions = positions  # int64 [N] into the flattened [rows·width]
        self.tokens = len(positions)
        self._read: dict[Side, torch.Tensor] = {}

    @classmethod
    def right_padded(cls, lengths: np.ndarray, width: int, device: torch.device) -> "Packing":
        """From lengths known on the host: nothing is asked of the device."""
        real = np.arange(width) < lengths[:, None]
        return cls(lengths, width, send(np.flatnonzero(real), device))

    def pack(self, x: torch.Tensor) -> torch.Tensor:
        """[rows, width, …] → [1, N, …]."""
        return _Gather.apply(x, self.positions)

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
        """All rows, in groups of similar length whose score matrices stay in cache."""
        starts = np.concatenate([[0], np.cumsum(self.lengths)])
        groups: list[list[int]] = []
        for row in np.argsort(-self.lengths, kind="stable").tolist():
            length = self.lengths[row]
            if length == 0:
                continue
            longest = self.lengths[groups[-1][0]] if groups else 0
            similar = length >= 0.8 * longest or longest <= SHORT
            if groups and similar and (len(groups[-1]) + 1) * longest**2 <= GROUP_TOKENS_SQUARED:
                groups[-1].append(row)
            else:
                groups.append([row])
        return [self._group(np.array(rows), starts) for rows in groups]

    def _group(self, rows: np.ndarray, starts: np.ndarray) -> Group:
        width = int(self.lengths[rows].max())
        real = np.arange(width) < self.lengths[rows][:, None]
        if real.all() and (np.diff(rows) == 1).all():
            return Group(len(rows), width, int(starts[rows[0]]), None, None, None)
        # padding entries take a token of their own row: finite numbers that nobody reads
        index = starts[rows][:, None] + np.where(real, np.arange(width), 0)
        positions = torch.from_numpy(index.ravel())
        if real.all():
            return Group(len(rows), width, 0, positions, None, None)
        entries = torch.from_numpy(np.flatnonzero(real))
        return Group(len(rows), width, 0, positions, torch.from_numpy(real), entries)


def shapes_per_batch(lengths: np.ndarray, rows: int) -> int:
    """About how many shapes of matrix products one layer meets in a random batch of `rows` texts.

    The backward pass has most: four in each attention group, and those of the linear layers.
    """
    order, most = np.random.default_rng(0).permutation(lengths), 1
    for start in range(0, len(order), rows)[:16]:
        batch = order[start : start + rows]
        packing = Packing.right_padded(batch, int(batch.max()), torch.device("cpu"))
        most = max(most, len(packing.groups))
    return 4 * most + 32


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        ctx.shape, ctx.positions = x.shape, positions
        return x.flatten(0, 1).index_select(0, positions)[None]

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        return _spread(grads[0], ctx.positions, *ctx.shape[:2]), None


class _Scatter(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, positions: torch.Tensor, rows: int, width: int
    ) -> torch.Tensor:
        ctx.positions = positions
        return _spread(x, positions, rows, width)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        return grads[0].flatten(0, 1).index_select(0, ctx.positions)[None], None, None, None


def _spread(x: torch.Tensor, positions: torch.Tensor, rows: int, width: int) -> torch.Tensor:
    out = x.new_zeros(rows * width, *x.shape[2:])
    return out.index_copy_(0, positions, x[0]).view(rows, width, *x.shape[2:])
