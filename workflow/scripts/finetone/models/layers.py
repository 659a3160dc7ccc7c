"""Which layers a transformer has, read from and written to its configuration."""

from transformers import PretrainedConfig

from finetone.errors import UserError

# Encoder-decoder models count their stacks apart; every other configuration of transformers
# answers to `num_hidden_layers`, whatever its own name for it (GPT-2's is `n_layer`).
STACKS = ("encoder_layers", "decoder_layers")
NAMES = ("num_hidden_layers", *STACKS)
MOST = 1_000  # the deepest published transformers have fewer; more is a typing error or an attack


def count(config: PretrainedConfig) -> int:
    """Number of layers, of the encoder where there are two stacks; 0 if there are none."""
    return int(getattr(config, "num_hidden_layers", 0) or 0)


def keep(config: PretrainedConfig, n: int, model: str) -> None:
    """Shorten `config` in place to its first `n` layers, in both stacks of an encoder-decoder.

    Raises
    ------
    UserError
        There are fewer than `n` layers, so nothing sensible can be kept.
    """
    stacks = [name for name in STACKS if hasattr(config, name)] or ["num_hidden_layers"]
    for name in stacks:
        have = int(getattr(config, name, 0) or 0)
        if n > have:
            raise UserError(
                f"models.{model}.keep_layers: {n} is more than the {have} layers this model has; "
                f"give 1 to {have}"
            )
        setattr(config, name, n)
    types = getattr(config, "layer_types", None)
    if isinstance(types, list):  # one entry per layer in architectures that mix kinds of layers
        config.layer_types = types[:n]
