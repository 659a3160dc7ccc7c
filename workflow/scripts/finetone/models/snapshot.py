"""Try a module out and leave it as it was.

Some modules change when they are executed: BigBird exchanges its attention for good when it first
meets a short text. Whatever a trial does to modules, buffers, configuration, modes, gradients or
random generators is undone here.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

TABLES = ("_modules", "_parameters", "_buffers")


@contextmanager
def untouched(module: nn.Module) -> Iterator[None]:
    """Inside the block `module` may be executed; afterwards it and all generators are as before.

    Weights are not copied: the block must not train.
    """
    configs = {id(m.config): m.config for m in module.modules() if hasattr(m, "config")}
    settings = [(config, dict(vars(config))) for config in configs.values()]
    states = [(part, _state(part)) for part in module.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in module.buffers()]
    numbers, draws = np.random.get_state(), random.getstate()
    devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        np.random.set_state(numbers)
        random.setstate(draws)
        for part, state in states:
            _restore(part, state)
        with torch.no_grad():
            for buffer, value in buffers:
                buffer.copy_(value)
        for config, values in settings:
            vars(config).clear()
            vars(config).update(values)


def _state(part: nn.Module) -> dict[str, Any]:
    """All attributes, with copies of those that list its parts."""
    return {key: dict(value) if key in TABLES else value for key, value in vars(part).items()}


def _restore(part: nn.Module, state: dict[str, Any]) -> None:
    for key in TABLES:
        table = vars(part)[key]
        table.clear()
        table.update(state[key])
    for key in [key for key in vars(part) if key not in state]:
        del vars(part)[key]
    vars(part).update({key: value for key, value in state.items() if key not in TABLES})
