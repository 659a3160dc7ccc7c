"""Attention on the CPU: which texts of a packed row are computed together, as one padded block."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

SHORT = 64  # tokens; up to this width, padding to a multiple of STEP costs less than an odd width
STEP = 32  # tokens: as many bf16 numbers as a vector register has; softmax is slow on a rest
TOKENS_SQUARED = 1 << 17  # score matrix entries per head that a group may have, to stay in cache


@dataclass(frozen=True)
class Seen:
    """Which keys of its text a query sees: all; with `causal`, none that is later.

    With `mask`, bool [width, width], those where it is true at [query, key]; with `window` as well,
    these are so many before the query and behind it.
    """

    causal: bool = False
    mask: torch.Tensor | None = None
    window: tuple[int, int] | None = None

    def matrix(self, width: int, device: torch.device) -> torch.Tensor:
        """As a mask, bool [width, width]."""
        if self.mask is not None:
            return self.mask[:width, :width]
        every = torch.ones(width, width, dtype=torch.bool, device=device)
        return every.tril_() if self.causal else every


@dataclass(frozen=True)
class Group:
    """Texts of similar length that attend together, [texts, width] packed positions."""

    texts: int
    width: int
    start: int  # of the first token, where the block is a slice of the packed row
    index: torch.Tensor | None  # else: packed position of every entry of the block
    real: torch.Tensor | None  # [texts, width] bool; None where nothing is padding
    entries: torch.Tensor | None  # where `real` is true, as positions in the flattened block

    @classmethod
    def of(cls, starts: np.ndarray, lengths: np.ndarray) -> "Group":
        """Of the texts that begin at `starts` in the packed row."""
        width = _width(int(lengths.max()))
        real = np.arange(width) < lengths[:, None]
        if real.all() and (np.diff(starts) == width).all():
            return cls(len(starts), width, int(starts[0]), None, None, None)
        # padding entries repeat a token of their own text: finite numbers that are never used
        index = torch.from_numpy((starts[:, None] + np.where(real, np.arange(width), 0)).ravel())
        if real.all():
            return cls(len(starts), width, 0, index, None, None)
        entries = torch.from_numpy(np.flatnonzero(real))
        return cls(len(starts), width, 0, index, torch.from_numpy(real), entries)

    def take(self, x: torch.Tensor) -> torch.Tensor:
        """[N, heads, d] → a contiguous copy [texts·heads, width, d]."""
        if self.index is None:
            x = x[self.start : self.start + self.texts * self.width]
        else:
            x = x.index_select(0, self.index)
        x = x.view(self.texts, self.width, *x.shape[1:]).transpose(1, 2)
        return x.clone(memory_format=torch.contiguous_format).view(-1, self.width, x.shape[-1])

    def put(self, target: torch.Tensor, block: torch.Tensor) -> None:
        """Write a block like `take` returns it back to its tokens in target [N, heads, d]."""
        heads, d = target.shape[1:]
        block = block.reshape(self.texts, heads, self.width, d).transpose(1, 2)
        if self.index is None:
            end = self.start + self.texts * self.width
            target[self.start : end].view(block.shape).copy_(block)
        elif self.entries is None:
            target.index_copy_(0, self.index, block.reshape(-1, heads, d))
        else:
            entries = block.reshape(-1, heads, d).index_select(0, self.entries)
            target.index_copy_(0, self.index[self.entries], entries)

    def bias(self, seen: Seen, dtype: torch.dtype) -> torch.Tensor | None:
        """For scores [texts, heads, width, width]: 0 for keys that a query sees.

        For all others -inf, or the least finite number, which softmax makes 0 as well. None where
        there is nothing to hide.
        """
        if seen.mask is not None:
            visible = seen.mask[: self.width, : self.width]
            if self.real is not None:
                more = self.width - len(visible)  # of padding to a multiple of STEP
                visible = F.pad(visible, (0, more, 0, more)) & self.real[:, None, None, :]
            # a row of padding may see nothing: with -inf it would not be finite
            least = torch.finfo(dtype).min
            return torch.zeros(visible.shape, dtype=dtype).masked_fill_(~visible, least)
        if seen.causal:  # padding follows the text, so this hides it, too
            return torch.full((self.width, self.width), float("-inf"), dtype=dtype).triu_(1)
        if self.real is None:
            return None
        hidden = ~self.real[:, None, None, :]
        return torch.zeros(hidden.shape, dtype=dtype).masked_fill_(hidden, float("-inf"))


def groups(lengths: np.ndarray) -> list[Group]:
    """All texts, in groups of similar length whose score matrices stay in cache."""
    starts = np.cumsum(lengths) - lengths
    found: list[list[int]] = []
    widest = 0
    for row in np.argsort(-lengths, kind="stable").tolist():
        length = int(lengths[row])
        if length == 0:
            continue
        similar = _width(length) == widest if widest <= SHORT else length >= 0.8 * widest
        if found and similar and (len(found[-1]) + 1) * widest**2 <= TOKENS_SQUARED:
            found[-1].append(row)
        else:
            found.append([row])
            widest = _width(length)
    return [Group.of(starts[rows], lengths[rows]) for rows in found]


def _width(longest: int) -> int:
    """Width of a block whose longest text has `longest` tokens."""
    return -(-longest // STEP) * STEP if longest <= SHORT else longest
