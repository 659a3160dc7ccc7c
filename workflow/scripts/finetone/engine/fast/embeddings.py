"""Train only the embeddings that are used: those of tokens that occur in the texts.

The embedding of a token that never occurs has no gradient. AdamW's moments of it stay zero, and
only weight decay changes it, by the same factor for all such embeddings (Loshchilov & Hutter 2019,
algorithm 2). A small data set uses a few thousand of a model's 30,000 tokens (250,000 if it is
multilingual); the others need neither gradient nor moments.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from finetone.formats.token_file import Tokens

CHUNK = 1 << 20  # tokens
WORTH = 0.8  # of the vocabulary: if more of it is used, leaving out the rest saves too little


class UsedEmbeddings:
    """The rows `used` of the embedding matrix `full`, as the parameter `trained`.

    `full` is float [vocabulary, width], `used` int64 [n] token ids, `trained` float [n, width].
    """

    def __init__(self, full: nn.Parameter, used: torch.Tensor) -> None:
        self.full, self.used = full, used
        self.trained = nn.Parameter(full.detach()[used])
        # a token that is not used gets an index out of range: looking it up is an error
        self.index = torch.full((len(full),), len(used), device=full.device)
        self.index[used] = torch.arange(len(used), device=full.device)

    def updated(self) -> torch.Tensor:
        """All embeddings [vocabulary, width], the trained ones as they are now."""
        with torch.no_grad():
            self.full[self.used] = self.trained
        return self.full.detach()

    def decay_unused(self, factor: float) -> None:
        """Multiply all other embeddings by `factor`, what weight decay leaves of them."""
        with torch.no_grad():
            self.full.mul_(factor)  # the used ones are overwritten by `updated`

    def _renumber(self, _: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self.index[inputs[0]], *inputs[1:])

    def _save(self, _: nn.Module, state: dict[str, Any], prefix: str, __: Any) -> None:
        state[f"{prefix}weight"] = self.updated()

    def _load(self, _: nn.Module, state: dict[str, Any], prefix: str, *__: Any) -> None:
        if (full := state.get(f"{prefix}weight")) is not None:
            with torch.no_grad():
                self.full.copy_(full)
            state[f"{prefix}weight"] = self.full.detach()[self.used]


@contextmanager
def only_used_embeddings(
    module: nn.Module, texts: Sequence[Tokens]
) -> Iterator[UsedEmbeddings | None]:
    """Inside the block `module` has and trains the embeddings of tokens in `texts` only.

    Its state dict is still that of the whole module, to save and to load.

    Yields
    ------
    UsedEmbeddings or None
        None, and nothing is changed, where most of the vocabulary is used, where embeddings are not
        trained, or where their weights are used for more than looking up.
    """
    full = module.get_input_embeddings().weight  # type: ignore[operator]
    users = [m for m in module.modules() if any(p is full for p in m._parameters.values())]
    layers = [user for user in users if isinstance(user, nn.Embedding)]
    ids = _used_ids(module, texts, len(full))
    only_lookup = len(layers) == len(users)
    if not only_lookup or not full.requires_grad or len(ids) > WORTH * len(full):
        yield None
        return
    embeddings = UsedEmbeddings(full, torch.from_numpy(ids).to(full.device))
    with ExitStack() as undo:
        undo.callback(embeddings.updated)
        for layer in layers:
            undo.callback(setattr, layer, "padding_idx", layer.padding_idx)
            undo.callback(setattr, layer, "weight", full)
            layer.weight = embeddings.trained
            if layer.padding_idx is not None:
                places = np.flatnonzero(ids == layer.padding_idx)
                layer.padding_idx = int(places[0]) if len(places) else None
            undo.callback(layer.register_forward_pre_hook(embeddings._renumber).remove)
            undo.callback(layer.register_load_state_dict_pre_hook(embeddings._load).remove)
            # torch sets an attribute on this hook, which a bound method does not allow
            save = partial(embeddings._save)
            undo.callback(layer.register_state_dict_post_hook(save).remove)
        yield embeddings


def _used_ids(module: nn.Module, texts: Sequence[Tokens], vocabulary: int) -> np.ndarray:
    """Sorted token ids, int64 [n]: of the texts, of padding, and what a model itself inserts."""
    used = np.zeros(vocabulary, dtype=bool)
    for part in texts:
        for start in range(0, len(part.input_ids), CHUNK):  # else as many 64-bit indices as tokens
            used[part.input_ids[start : start + CHUNK]] = True
        used[part.meta.pad_token_id] = True
    settings: dict[str, Any] = module.config.to_dict()  # type: ignore[operator, union-attr]
    for name, value in settings.items():  # defaults of another vocabulary may lie outside
        if name.endswith("_token_id") and isinstance(value, int) and 0 <= value < vocabulary:
            used[value] = True
    return np.flatnonzero(used)
