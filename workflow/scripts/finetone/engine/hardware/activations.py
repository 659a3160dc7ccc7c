"""How much memory a batch's backward pass needs, so that a GPU gets no batch that is too large."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from finetone.formats.token_file import Tokens
from finetone.models.snapshot import untouched

# Bytes for a trained parameter in bf16: fp32 weight, gradient and two moments, and bf16 copies of
# weight and gradient.
PER_PARAMETER = 20
USABLE = 0.85  # of a device's memory; the rest is gaps, and what single operations need meanwhile


@dataclass(frozen=True)
class Activations:
    """Bytes that the forward pass of a text of n tokens keeps: `linear`·n + `quadratic`·n²."""

    linear: float
    quadratic: float

    def bytes(self, lengths: np.ndarray) -> float:
        """Of texts that have so many tokens, padding included where layers see it."""
        n = lengths.astype(np.float64)
        return float((self.linear * n + self.quadratic * n * n).sum())

    def parts(self, lengths: np.ndarray, room: float, padded: bool) -> list[np.ndarray]:
        """Cut texts into parts that fit.

        Parameters
        ----------
        lengths
            Tokens of each text, the longest first, int64 [b].
        room
            Bytes that there are.
        padded
            Whether the texts of a part are padded to the longest one.

        Returns
        -------
        list of array
            Positions of the texts of each part, int64; one text may be too large alone.
        """
        starts, used = [0], 0.0
        for i in range(len(lengths)):
            each = self.bytes(lengths[[starts[-1] if padded else i]])
            if i > starts[-1] and used + each > room:
                starts.append(i)
                used, each = 0.0, self.bytes(lengths[[i]])
            used += each
        return np.split(np.arange(len(lengths)), starts[1:])


def room(module: nn.Module, memory: int) -> float:
    """Bytes that a device with so much memory has for activations while a module trains."""
    sizes = ((PER_PARAMETER if p.requires_grad else 4) * p.numel() for p in module.parameters())
    return USABLE * memory - sum(sizes)


def measure(
    module: nn.Module, tokens: Tokens, logits: Callable[[Tokens], torch.Tensor]
) -> Activations:
    """Measure what is kept for one text of three lengths, up to the longest of all.

    Parameters
    ----------
    module
        Is put into training mode meanwhile, and left as it was.
    tokens
        Texts to take one from.
    logits
        Executes some texts as one batch.
    """
    longest = int(np.argmax(tokens.lengths))
    words = tokens.input_ids[tokens.offsets[longest] : tokens.offsets[longest + 1]]
    sizes = sorted({max(3, len(words) * part // 4) for part in (1, 2, 4)})
    was_training = module.training
    module.train()
    try:
        with untouched(module), torch.enable_grad():
            kept = [_kept(module, tokens, _cut(words, size), logits) for size in sizes]
    finally:
        module.train(was_training)
    # what does not depend on the length, such as copies of weights, is not the text's
    square, linear, _ = (
        np.polyfit(sizes, kept, 2) if len(sizes) == 3 else (0.0, kept[-1] / sizes[-1], 0)
    )
    return Activations(max(0.0, float(linear)), max(0.0, float(square)))


def _cut(words: np.ndarray, size: int) -> np.ndarray:
    """The beginning of a text, and its end, which some heads look for."""
    return words if len(words) <= size else np.append(words[: size - 2], words[-2:])


def _kept(
    module: nn.Module, tokens: Tokens, words: np.ndarray, logits: Callable[[Tokens], torch.Tensor]
) -> int:
    text = replace(
        tokens, ids=tokens.ids[:1], labels=tokens.labels[:1],
        offsets=np.array([0, len(words)]), input_ids=words,
    )  # fmt: skip
    weights = {weight.untyped_storage()._cdata for weight in module.parameters()}
    found: dict[int, torch.UntypedStorage] = {}  # held, so that no address is used twice

    def keep(x: torch.Tensor) -> torch.Tensor:
        storage = x.untyped_storage()
        if storage._cdata not in weights:
            found[storage._cdata] = storage
        return x

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        result = logits(text)
    del result
    return sum(storage.nbytes() for storage in found.values())
