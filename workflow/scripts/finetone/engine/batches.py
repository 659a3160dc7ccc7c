"""From token files to tensors: the order of an epoch and dynamic padding."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from finetone.formats.token_file import Tokens
from finetone.seeds import derive

PaddingSide = Literal["right", "left"]
PASS = 256  # tokens that are trained on in the time of a further pass over the weights
MOST_PARTS = 8


@dataclass(frozen=True)
class Batch:
    """Padded rows: `input_ids`, `attention_mask` int64 [b, t], `labels` int64 [b].

    On the host are `lengths`, the real tokens per row, int64 [b], and `words`, those tokens' ids
    one row after the other, int32.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    labels: torch.Tensor
    lengths: np.ndarray
    words: np.ndarray

    def count(self, token: int) -> np.ndarray:
        """How often each row has a token among its real ones, int64 [b]."""
        row = np.repeat(np.arange(len(self.lengths)), self.lengths)
        return np.bincount(row[self.words == token], minlength=len(self.lengths))

    def ends(self) -> np.ndarray:
        """The last real token of each row, int32 [b]; no row may be empty."""
        return self.words[np.cumsum(self.lengths) - 1]

    def take(self, rows: np.ndarray) -> "Batch":
        """Some of the rows, int64 [m], as wide as all of them."""
        index = torch.from_numpy(rows).to(self.input_ids.device)
        words = np.split(self.words, np.cumsum(self.lengths)[:-1])
        return Batch(
            self.input_ids[index], self.attention_mask[index], self.labels[index],
            self.lengths[rows], np.concatenate([words[row] for row in rows]),
        )  # fmt: skip


def epoch_order(seed: int, epoch: int, rows: int) -> np.ndarray:
    """The order of rows in one epoch, int64 [rows]; another for every epoch."""
    return np.random.default_rng(derive(seed, "shuffle", epoch)).permutation(rows)


def collate(
    tokens: Tokens,
    rows: np.ndarray,
    device: torch.device,
    width: int = 0,
    padding_side: PaddingSide = "right",
) -> Batch:
    """Pad rows of a token file and send them to a device.

    Parameters
    ----------
    tokens
        The token file, n texts.
    rows
        Which of them, int64 [b].
    device
        Where the tensors go.
    width
        Tokens to pad to, if the longest of the rows has fewer.
    padding_side
        Where the padding is.

    Returns
    -------
    Batch
        b rows.
    """
    lengths = tokens.lengths[rows]
    width = max(1, width, int(lengths.max(initial=0)))
    real = np.arange(width) < lengths[:, None]
    source = tokens.offsets[rows][:, None] + np.arange(width)
    words = tokens.input_ids[source[real]]
    if padding_side == "left":
        real = real[:, ::-1].copy()
    ids = np.full((len(rows), width), tokens.meta.pad_token_id, dtype=np.int64)
    ids[real] = words
    return Batch(
        send(ids, device),
        send(real.astype(np.int64), device),
        send(tokens.labels[rows], device),
        lengths,
        words,
    )


def send(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """A tensor of `array` on `device`; on the CPU it shares the array's memory.

    From pinned memory, the copy to a GPU overlaps with what the GPU is still computing.
    """
    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor


def cheapest_cut(lengths: np.ndarray) -> int:
    """In how many parts of similar length a batch is trained on quickest.

    More parts have less padding, but each passes over all weights: they are cast, and their gradients
    added.

    Parameters
    ----------
    lengths
        Tokens of each text, int64 [b], at least one.
    """
    longest_first = np.sort(lengths)[::-1]

    def tokens(count: int) -> int:
        padded = sum(int(part[0]) * len(part) for part in np.array_split(longest_first, count))
        return padded + PASS * count

    return min(range(1, min(MOST_PARTS, len(lengths)) + 1), key=tokens)


def by_length(lengths: np.ndarray, budget: int, *, equal: bool = False) -> list[np.ndarray]:
    """Cut rows, longest first, into batches of a bounded number of tokens.

    Parameters
    ----------
    lengths
        Tokens of each row, int64 [n].
    budget
        Tokens in a batch, padding included; one row may have more.
    equal
        Whether all rows of a batch must have the same length, so that nothing is padded.

    Returns
    -------
    list of array
        The rows of each batch, int64.
    """
    order = np.argsort(-lengths, kind="stable")
    batches: list[list[int]] = []
    for row in order.tolist():
        head = lengths[batches[-1][0]] if batches else None
        full = head is None or (len(batches[-1]) + 1) * max(1, head) > budget
        if full or (equal and lengths[row] != head):
            batches.append([])
        batches[-1].append(row)
    return [np.array(batch, dtype=np.int64) for batch in batches]
