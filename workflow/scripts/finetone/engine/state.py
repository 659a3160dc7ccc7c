"""The state of a run on disk, so that a killed run goes on as if nothing had happened.

The last two states are kept, each named after its step and its content: `state-<step>-<sha256>.pt`.
One whose content has another hash is damaged and costs the steps since the one before. A state has
12 bytes per parameter (weights and AdamW's two moments): of BERT-base two take 2.6 GB of disk, and
3.9 GB while a third is written.
"""

import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from finetone.engine.snapshot import random_state, restore_random_state
from finetone.errors import UserError
from finetone.files import atomic, sha256
from finetone.log import logger, out_of_memory

KEPT = 2
UNNAMED = "state.pt"  # until its hash is known
NAME = re.compile(r"state-(\d+)-([0-9a-f]{64})\.pt")


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


def exact_resume() -> bool:
    """Whether FINETONE_EXACT_RESUME is 1: go on only where bits stay the same.

    Raises UserError for anything but 0, 1 and unset.
    """
    text = os.environ.get("FINETONE_EXACT_RESUME", "0")
    if text not in ("0", "1"):
        raise UserError(f"FINETONE_EXACT_RESUME is {text!r}; set it to 1 or unset it")
    return text == "1"


def save(folder: Path, fingerprint: str, content: dict[str, Any]) -> None:
    """Write the state of step `content["done"]` and remove all but the two newest.

    A kill at any moment leaves those that were there. `content["files"]` {name: sha256} lists the
    files of the folder that belong to the state, `content["machines"]` what executed the steps so
    far, the newest last. Raises UserError where there is no room.
    """
    with atomic(folder / UNNAMED) as partial, _Hashing(partial) as stream:
        try:
            torch.save({"fingerprint": fingerprint, **content}, stream)
        except RuntimeError as error:  # so torch reports a write that failed
            raise stream.failure or error from None
    name = f"state-{content['done']}-{stream.sha.hexdigest()}.pt"
    (folder / UNNAMED).replace(folder / name)
    for old in _saved(folder)[KEPT:]:
        discard(old)


def load(
    folder: Path,
    fingerprint: str,
    machine: dict[str, Any],
    restore: Callable[[dict[str, Any]], None],
) -> bool:
    """Call `restore` with the newest saved state that is whole and belongs to this run.

    Damaged states, other runs' and those that `restore` refuses (by any exception, before it has
    changed anything but the random generators) are removed with a line in the log. `restore` finds
    in `content["note"]` that another `machine` executed the last steps, else None; with
    FINETONE_EXACT_RESUME=1 such a state is removed, too. Returns whether there was a state; if not,
    the folder is gone. Raises UserError for a wrong FINETONE_EXACT_RESUME, and for damage nothing.
    """
    exact, random = exact_resume(), random_state()
    unnamed = [path for path in folder.glob("state*.pt") if not NAME.fullmatch(path.name)]
    candidates = [*unnamed, *_saved(folder)]
    for path in candidates:
        try:
            _resume(path, fingerprint, machine, restore, exact)
            return True
        except Exception as error:  # whatever is wrong with a file, it must not stop the next try
            if out_of_memory(error):
                raise
            logger.info("discarding the saved state %s: %s", path, _reason(error))
        restore_random_state(random)
        discard(path)
    if candidates:
        logger.info("no saved state is left; starting anew")
    discard(folder)
    return False


def discard(path: Path) -> None:
    """Remove a state folder, epochs' weights included, or one saved state."""
    with suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


class _Hashing(io.BufferedWriter):
    """A new file that hashes what is written to it, 0.6 s per GB."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path, "w"))
        self.sha = hashlib.sha256()
        self.failure: OSError | None = None

    def write(self, data: Any) -> int:
        self.sha.update(data)
        try:
            return super().write(data)
        except OSError as error:
            self.failure = error
            raise


def _saved(folder: Path) -> list[Path]:
    """The saved states, the newest first."""
    found = [
        (match, path) for path in folder.glob("state-*.pt") if (match := NAME.fullmatch(path.name))
    ]
    return [path for match, path in sorted(found, key=lambda pair: -int(pair[0][1]))]


def _resume(
    path: Path,
    fingerprint: str,
    machine: dict[str, Any],
    restore: Callable[[dict[str, Any]], None],
    exact: bool,
) -> None:
    """Restore the state in `path`, or raise why not; its memory is free again afterwards."""
    match = NAME.fullmatch(path.name)
    if match is None:
        raise ValueError("no step and hash in its name; an older version's, or not quite written")
    if not path.is_file() or sha256(path) != match[2]:
        raise ValueError("its content is not what was written")
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if content["fingerprint"] != fingerprint:
        raise ValueError("it belongs to another recipe, seed, data, model or engine")
    for name, expected in content["files"].items():
        file = path.with_name(name)
        if not file.is_file() or sha256(file) != expected:
            raise ValueError(f"it needs {name}, whose content is not what was written")
    if content["done"] != int(match[1]):
        raise ValueError(f"it is that of step {content['done']}")

    machines: list[dict[str, Any]] = content["machines"]
    content["note"] = None
    if change := _change(machines[-1], machine):
        content["note"] = f"resumed at step {content['done']} with {change}; bits may differ"
    if exact and any(other != machine for other in machines):
        other = next(other for other in machines if other != machine)
        raise ValueError(f"FINETONE_EXACT_RESUME is 1, but now there is {_change(other, machine)}")
    if change:
        machines.append(machine)
    restore(content)


def _change(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Text such as "threads 2 instead of 1", or nothing."""
    return ", ".join(
        f"{key} {now[key]} instead of {before[key]}" for key in now if now[key] != before[key]
    )


def _reason(error: Exception) -> str:
    """In one line what is wrong; our own ValueErrors are sentences already."""
    text = " ".join(str(error).split())
    return text if type(error) is ValueError else f"{type(error).__name__}: {text}"
