"""How long a text a model can read: as long as its table of positions, if it has one.

Rotary and relative positions are computed, whatever the length, so configurations that state a
length for them set no limit. Which lookups are of positions is seen in the model at work: on a text
that repeats one token, only their indices still rise by one from token to token.
"""

import copy
from contextlib import suppress
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode
from transformers import AutoModelForSequenceClassification, PretrainedConfig

from finetone.errors import UserError
from finetone.models import layers
from finetone.models.snapshot import untouched

TOKENS = 7  # of the text that the model is watched on
AFFORDABLE = 1024  # tokens of a text that is read only to see whether the model can


def stated(config: Any) -> int | None:
    """The number of positions in a configuration; None where it has none (XLNet says -1)."""
    positions = getattr(config.get_text_config(), "max_position_embeddings", None)
    return positions if isinstance(positions, int) and positions > 0 else None


def longest(module: nn.Module) -> int | None:
    """Tokens that a text may have, special ones included; None if nothing limits it.

    Parameters
    ----------
    module
        A classifier of transformers; afterwards it is what it was.
    """
    limit = stated(module.config)
    try:
        with _Lookups() as seen:
            _read(module, TOKENS)
    except Exception:  # it cannot be watched on such a text: believe what is stated
        return limit
    tables = [
        rows - first
        for indices, rows in seen.found
        if (first := _first_position(indices)) is not None
    ]
    if tables:
        return min(tables)
    if limit is None or not _has_buffer(module, limit):
        return None
    if limit > AFFORDABLE:
        return limit
    try:  # DeBERTa has such a buffer and does not read it
        _read(module, limit + 1)
    except Exception:
        return limit
    return None


def longest_of(config: PretrainedConfig) -> int | None:
    """`longest`, of a model that has no weights yet."""
    config = copy.deepcopy(config)
    with suppress(UserError):  # tables of positions lie before the layers
        layers.keep(config, 1, "")
    with torch.random.fork_rng():
        return longest(AutoModelForSequenceClassification.from_config(config))


def _read(module: nn.Module, tokens: int) -> None:
    """Let the module read a text that repeats one token."""
    config: Any = module.config
    settings = config.get_text_config()
    special = {value for key, value in settings.to_dict().items() if key.endswith("_token_id")}
    plain = next(token for token in range(settings.vocab_size) if token not in special)
    ids = torch.full((1, tokens), plain, device=next(module.parameters()).device)
    if config.is_encoder_decoder and isinstance(settings.eos_token_id, int):
        ids[0, -1] = settings.eos_token_id  # where their heads look
    with untouched(module), torch.no_grad():
        module.eval()
        module(input_ids=ids, attention_mask=torch.ones_like(ids))


def _first_position(indices: torch.Tensor) -> int | None:
    """The first of `indices` if they are positions: one more from token to token."""
    row = indices.reshape(-1, indices.shape[-1])[0][:TOKENS]
    rising = len(row) == TOKENS and bool((row.diff() == 1).all())
    return int(row[0]) if rising else None


def _has_buffer(module: nn.Module, positions: int) -> bool:
    """Whether a mask or a table of constants is made for so many positions."""
    return any(
        positions in buffer.shape and (buffer.ndim > 1 or not buffer.is_floating_point())
        for buffer in module.buffers()
    )


class _Lookups(TorchFunctionMode):
    """Collects the indices of every lookup in a table, and how many rows the table has."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[torch.Tensor, int]] = []

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is F.embedding:
            given = dict(zip(("input", "weight"), args, strict=False)) | (kwargs or {})
            if given["input"].ndim:
                self.found.append((given["input"].detach().cpu(), len(given["weight"])))
        return func(*args, **(kwargs or {}))
