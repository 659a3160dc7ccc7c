"""Train the embeddings of those tokens alone that occur.

The embedding of a token that never occurs has no gradient, so AdamW's moments of it stay zero and
all that happens to it is weight decay, one factor for all (Loshchilov & Hutter 2019, algorithm 2).
Of 30,000 tokens, or a multilingual model's 250,000, a small data set has a few thousand: the others
need neither gradient nor moments.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from finetone.formats.token_file import Tokens

CHUNK = 1 << 20  # tokens
WORTH = 0.8  # of the vocabulary: with more of it in use, the detour saves too little


class Occurring:
    """The rows `kept` of the embedding weights `full`, as the parameter `part`."""

    def __init__(self, full: nn.Parameter, kept: torch.Tensor) -> None:
        self.full, self.kept = full, kept
        self.part = nn.Parameter(full.detach()[kept])
        # a token that does not occur has no place: looking it up is an error
        self.place = torch.full((len(full),), len(kept), device=full.device)
        self.place[kept] = torch.arange(len(kept), device=full.device)

    def whole(self) -> torch.Tensor:
        """All embeddings [vocabulary, width], the trained ones as they are now."""
        with torch.no_grad():
            self.full[self.kept] = self.part
        return self.full.detach()

    def decay(self, factor: float) -> None:
        """Multiply the embeddings that do not occur by what weight decay has left of them."""
        with torch.no_grad():
            self.full.mul_(factor)  # those that occur are overwritten by `whole`

    def _renumber(self, _: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self.place[inputs[0]], *inputs[1:])

    def _save(self, _: nn.Module, state: dict[str, Any], prefix: str, __: Any) -> None:
        state[f"{prefix}weight"] = self.whole()

    def _load(self, _: nn.Module, state: dict[str, Any], prefix: str, *__: Any) -> None:
        if (full := state.get(f"{prefix}weight")) is not None:
            with torch.no_grad():
                self.full.copy_(full)
            state[f"{prefix}weight"] = self.full.detach()[self.kept]


@contextmanager
def occurring(module: nn.Module, texts: Sequence[Tokens]) -> Iterator[Occurring | None]:
    """Inside the block `module` trains and knows only the tokens of `texts`, and padding.

    Its state dict is that of the whole module all the same, to save and to load. None, and nothing
    is done, where most of the vocabulary occurs or the weights are used for more than looking up.
    """
    full = module.get_input_embeddings().weight  # type: ignore[operator]
    users = [m for m in module.modules() if any(p is full for p in m._parameters.values())]
    ids = _ids(module, texts, len(full))
    lookup = all(isinstance(user, nn.Embedding) for user in users)
    if not lookup or not full.requires_grad or len(ids) > WORTH * len(full):
        yield None
        return
    rows = Occurring(full, torch.from_numpy(ids).to(full.device))
    layers = [user for user in users if isinstance(user, nn.Embedding)]
    before = [layer.padding_idx for layer in layers]
    handles = []
    try:
        for layer in layers:
            layer.weight = rows.part
            if layer.padding_idx is not None:
                place = int(rows.place[layer.padding_idx])
                layer.padding_idx = place if place < len(ids) else None
            handles.append(layer.register_forward_pre_hook(rows._renumber))
            handles.append(layer.register_load_state_dict_pre_hook(rows._load))
            # torch marks this one, which a method does not allow
            handles.append(layer.register_state_dict_post_hook(partial(rows._save)))
        yield rows
    finally:
        rows.whole()
        for handle in handles:
            handle.remove()
        for layer, padding_idx in zip(layers, before, strict=True):
            layer.weight, layer.padding_idx = full, padding_idx


def _ids(module: nn.Module, texts: Sequence[Tokens], vocabulary: int) -> np.ndarray:
    """int64: tokens of the texts, what pads them, and what a model itself puts among them."""
    occurs = np.zeros(vocabulary, dtype=bool)
    for part in texts:
        for start in range(0, len(part.input_ids), CHUNK):  # else as many 64-bit indices as tokens
            occurs[part.input_ids[start : start + CHUNK]] = True
        occurs[part.meta["pad_token_id"]] = True
    facts: dict[str, Any] = module.config.to_dict()  # type: ignore[operator, union-attr]
    for name, value in facts.items():  # defaults of another vocabulary may lie outside
        if name.endswith("_token_id") and isinstance(value, int) and 0 <= value < vocabulary:
            occurs[value] = True
    return np.flatnonzero(occurs)
