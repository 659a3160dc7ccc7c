"""A model that was never pretrained: somebody's architecture and tokenizer, no weights."""

import json
from pathlib import Path
from typing import Any

from transformers import PretrainedConfig

from finetone.errors import UserError, did_you_mean
from finetone.models import architecture, layers
from finetone.models.checkpoint import Loaded


def load(
    like: Path, changes: dict[str, Any], config_key: str, labels: int, keep_layers: int | None
) -> Loaded:
    """A classifier without weights, of the architecture in folder `like`.

    Parameters
    ----------
    changes
        Settings of its config.json that differ.
    labels
        Number of classes.

    Raises
    ------
    UserError
        The settings describe no model that could be trained.
    """
    config = configuration(like, changes, config_key)
    config.num_labels = labels
    if keep_layers:
        layers.keep(config, keep_layers, config_key.removeprefix("models."))
    return Loaded(architecture.skeleton(config, config_key), {}, [], [], [])


def configuration(like: Path, changes: dict[str, Any], config_key: str) -> PretrainedConfig:
    """The configuration in folder `like` with `changes` applied.

    Raises
    ------
    UserError
        A change names a setting this architecture does not have, or makes it impossible.
    """
    config = architecture.read_config(like, config_key)
    settings = config.to_dict()
    for key in changes:
        if key not in settings and key not in config.attribute_map:
            hint = did_you_mean(key, [*settings, *config.attribute_map])
            raise UserError(
                f"{config_key}.scratch.config: {config.model_type} has no setting {key!r}{hint}"
            )
    try:
        architecture.refuse_sizes(changes)
        for key, value in changes.items():
            setattr(config, key, value)
        architecture.build(config)
    except Exception as error:  # an impossible width, number of heads … fails in many ways
        shown = json.dumps(changes, default=str)[:200]
        raise UserError(
            f"{config_key}.scratch.config: {shown} gives no working model ({architecture.reason(error)})"
        ) from None
    return config
