"""The state of a run on disk, so that a killed run goes on as if nothing had happened."""

import hashlib
import json
import pickle
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from finetone.files import atomic
from finetone.log import logger

FILE = "state.pt"


def random_state() -> dict[str, Any]:
    """The state of every global generator a module may draw from (torch, CUDA, numpy, Python)."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [kind, torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest],
        "python": random.getstate(),
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Undo `random_state`: draws go on exactly where they were."""
    torch.set_rng_state(state["torch"])
    if state["cuda"]:
        torch.cuda.set_rng_state_all(state["cuda"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))


def digest(*parts: Any) -> str:
    """Hex sha256 over tensors' bytes, arrays' bytes and JSON-able values, in order."""
    sha = hashlib.sha256()
    for part in parts:
        if isinstance(part, nn.Module):
            for name, tensor in part.state_dict().items():
                sha.update(name.encode())
                raw = tensor.detach().cpu().contiguous().flatten()
                sha.update(raw.view(torch.uint8).numpy().tobytes())
        elif isinstance(part, np.ndarray):
            sha.update(np.ascontiguousarray(part).tobytes())
        else:
            sha.update(json.dumps(part, sort_keys=True).encode())
    return sha.hexdigest()


def save(folder: Path, fingerprint: str, content: dict[str, Any]) -> None:
    """Write the state atomically: a kill at any moment leaves the old one or the new one."""
    with atomic(folder / FILE) as partial:
        torch.save({"fingerprint": fingerprint, **content}, partial)


def load(folder: Path, fingerprint: str) -> dict[str, Any] | None:
    """The saved state if there is one and it belongs to this very run; any other is discarded."""
    path = folder / FILE
    if not path.exists():
        return None
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if content["fingerprint"] == fingerprint:
            return content
        reason = "it belongs to another recipe, seed, data, model or engine"
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, KeyError, TypeError) as error:
        reason = f"it cannot be read ({type(error).__name__})"
    logger.info("discarding the saved state in %s: %s; starting anew", folder, reason)
    discard(folder)
    return None


def discard(folder: Path) -> None:
    """Remove the state folder, epochs' weights included."""
    shutil.rmtree(folder, ignore_errors=True)
