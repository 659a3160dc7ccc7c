"""No keys of earlier tokens are kept: a classifier never reads them again.

Making a place for them would also make a GPU wait in every layer.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import nn


@contextmanager
def no_cache(module: nn.Module) -> Iterator[None]:
    """Inside the block no part of `module` returns keys and values."""
    configs: dict[int, Any] = {
        id(part.config): part.config for part in module.modules() if hasattr(part, "config")
    }
    with ExitStack() as undo:
        for config in configs.values():
            if getattr(config, "use_cache", False):
                undo.callback(setattr, config, "use_cache", True)
                config.use_cache = False
        yield
