"""Which layers a transformer has, read from and written to its configuration."""

import re
from collections.abc import Iterator
from typing import Any

from transformers import PretrainedConfig

from finetone.errors import UserError

# What configurations call a number of layers, of the encoder or decoder where there are two stacks
# (GPT-2's is `n_layer`, T5's are `num_layers` and `num_decoder_layers`).
NAME = re.compile(r"(n|num|num_hidden|(num_)?encoder|(num_)?decoder)_layers?")
NAMES = ("num_hidden_layers", "encoder_layers", "decoder_layers")
PARTS = ("text_config", "encoder", "decoder")  # configurations inside a configuration
MOST = 1_000  # the deepest published transformers have fewer; more is a typing error or an attack


def count(config: PretrainedConfig) -> int:
    """Number of layers, of the encoder where there are two stacks; 0 if there are none."""
    for part in (config, *_parts(config)):
        if isinstance(have := getattr(part, "num_hidden_layers", 0), int) and have:
            return have
    return 0


def keep(config: PretrainedConfig, n: int, model: str) -> None:
    """Shorten `config` in place to its first `n` layers, in both stacks of an encoder-decoder.

    Raises
    ------
    UserError
        There are fewer than `n` layers, so nothing sensible can be kept, or `config` does not
        describe a model of fewer layers afterwards.
    """
    key = f"models.{model}.keep_layers"
    have = min((number for _, _, number in _counts(config)), default=count(config))
    if have and n > have:
        raise UserError(
            f"{key}: {n} is more than the {have} layers this model has; give 1 to {have}"
        )
    try:
        if not have:
            raise ValueError("its configuration does not say how many it has")
        for part, name, number in list(_counts(config)):
            for other, value in vars(part).items():
                # one entry per layer, in architectures that mix kinds of layers
                if isinstance(value, list) and len(value) == number:
                    setattr(part, other, value[:n])
            setattr(part, name, n)
        # a folder is written from this and read again: the cut must survive that
        again = type(config).from_dict(config.to_dict())
        if count(again) != n:
            raise ValueError(f"{count(again)} layers remain")
    except Exception as error:  # architectures of several blocks refuse in many ways
        why = " ".join(str(error).split())[:200].rstrip(".")
        raise UserError(
            f"{key}: a {config.model_type} cannot be cut to its first layers ({why}); remove the key"
        ) from None


def _counts(config: PretrainedConfig) -> Iterator[tuple[PretrainedConfig, str, int]]:
    """Each number of layers in a configuration: where it is, its name, and the number."""
    for part in (config, *_parts(config)):
        for name, value in list(vars(part).items()):
            if NAME.fullmatch(name) and isinstance(value, int) and value > 0:
                yield part, name, value


def _parts(config: Any) -> Iterator[PretrainedConfig]:
    for name in PARTS:
        if isinstance(part := getattr(config, name, None), PretrainedConfig):
            yield part
