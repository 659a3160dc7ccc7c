"""What a training has in memory besides its data: weights, AdamW's moments, random generators."""

import random
from typing import Any

import numpy as np
import torch
from torch import nn


def take(module: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """All that `restore` needs to continue from here."""
    return {
        "module": module.state_dict(),
        "optimizer": optimizer.state_dict(),
        "random": random_state(),
    }


def restore(saved: dict[str, Any], module: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Bring back what `take` returned, on whatever device the module is.

    Raises
    ------
    ValueError
        The content does not fit module or optimizer; neither is changed. A random generator may
        raise other errors for a state that it refuses.
    """
    check(saved["module"], module.state_dict(), "module")
    moments, groups = saved["optimizer"]["state"], saved["optimizer"]["param_groups"]
    check(groups, optimizer.state_dict()["param_groups"], "optimizer.param_groups")
    trained = [p for group in optimizer.param_groups for p in group["params"]]
    adamw = {
        i: {"step": torch.tensor(0.0), "exp_avg": trained[i], "exp_avg_sq": trained[i]}
        for i in moments  # a parameter that no gradient ever reached has none
    }
    check(moments, adamw, "optimizer.state")
    restore_random_state(saved["random"])
    optimizer.load_state_dict(saved["optimizer"])
    module.load_state_dict(saved["module"])


def check(saved: Any, like: Any, place: str) -> None:
    """Check that `saved` has the types, keys, lengths and shapes of `like`.

    Raises
    ------
    ValueError
        It has not; the message begins with `place`, the name of the part that does not fit.
    """
    parts: list[tuple[str, Any, Any]] = []
    if isinstance(like, torch.Tensor):
        fits = isinstance(saved, torch.Tensor) and saved.shape == like.shape
        fits = fits and saved.dtype == like.dtype
    elif isinstance(like, dict):
        fits = isinstance(saved, dict) and saved.keys() == like.keys()
        parts = [(f"{place}.{key}", saved[key], like[key]) for key in like] if fits else []
    elif isinstance(like, list | tuple):
        fits = isinstance(saved, type(like)) and len(saved) == len(like)
        parts = [(place, *pair) for pair in zip(saved, like, strict=True)] if fits else []
    else:
        fits = type(saved) is type(like)
    if not fits:
        raise ValueError(f"{place} does not fit this run")
    for part in parts:
        check(part[1], part[2], part[0])


def random_state() -> dict[str, Any]:
    """The state of every global generator a module may draw from (torch, CUDA, numpy, Python)."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
        "numpy": [kind, torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest],
        "python": random.getstate(),
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Bring back what `random_state` returned, so that the next draws are the same.

    The GPU's generator stays as it is if there is no GPU now, or was none then.
    """
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
