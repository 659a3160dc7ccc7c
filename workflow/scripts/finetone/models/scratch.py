"""A model that was never pretrained: somebody's architecture and tokenizer, no weights."""

import difflib
import json
from pathlib import Path
from typing import Any

from transformers import PretrainedConfig

from finetone.errors import UserError
from finetone.models import architecture


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
            known = [*settings, *config.attribute_map]
            near = difflib.get_close_matches(key, known, 1, 0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
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
