"""The state of a run on disk, so that a killed run continues as if nothing had happened.

The last two states are kept, each named by its step and its content: `state-<step>-<sha256>.pt`. If
the content has another hash, the state is damaged, and the run repeats the steps since the state
before. A state has 12 bytes per parameter (weights and AdamW's two moments): two of BERT-base take
2.6 GB of disk, and 3.9 GB while a third is written.
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
    """Whether FINETONE_EXACT_RESUME is 1: continue only where bits stay the same.

    Raises
    ------
    UserError
        The variable is neither 0 nor 1.
    """
    text = os.environ.get("FINETONE_EXACT_RESUME", "0")
    if text not in ("0", "1"):
        raise UserError(f"FINETONE_EXACT_RESUME is {text!r}; set it to 1 or unset it")
    return text == "1"


def save(folder: Path, fingerprint: str, content: dict[str, Any]) -> None:
    """Write a state and remove all but the two newest; a kill at any moment leaves those.

    Parameters
    ----------
    folder
        Where the run's states are.
    fingerprint
        Of all that a resumed run must share with this one.
    content
        What to save. `done` is the step, `files` {name: sha256} lists the files of the folder that
        belong to the state, `machines` what executed the steps so far, the newest last.

    Raises
    ------
    UserError
        The disk is full.
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
    """Restore the newest saved state that is whole and belongs to this run.

    States that cannot be used are removed with a line in the log: damaged ones, those of other runs
    and those that `restore` refuses. If none is left, the folder is removed.

    Parameters
    ----------
    folder, fingerprint
        As of `save`.
    machine
        What will execute the next steps. If another one executed the last steps, `content["note"]`
        says so, else it is None; with FINETONE_EXACT_RESUME=1 such a state is not used.
    restore
        Takes the saved content. Refuses it by any exception, before it has changed anything but the
        random generators.

    Returns
    -------
    bool
        Whether a state was restored.

    Raises
    ------
    UserError
        FINETONE_EXACT_RESUME is neither 0 nor 1.
    """
    exact, random = exact_resume(), random_state()
    unnamed = [path for path in folder.glob("state*.pt") if not NAME.fullmatch(path.name)]
    candidates = [*unnamed, *_saved(folder)]
    for path in candidates:
        try:
            restore(_read(path, fingerprint, machine, exact))
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
    found = [path for path in folder.glob("state-*.pt") if NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: -int(path.name.split("-")[1]))


def _read(path: Path, fingerprint: str, machine: dict[str, Any], exact: bool) -> dict[str, Any]:
    """The state in `path`, or raise why it is not used."""
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
    return content


def _change(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Text such as "threads 2 instead of 1", or nothing."""
    return ", ".join(
        f"{key} {now[key]} instead of {before[key]}" for key in now if now[key] != before[key]
    )


def _reason(error: Exception) -> str:
    """What is wrong, in one line; a plain ValueError is a sentence of `_read` already."""
    text = " ".join(str(error).split())
    return text if type(error) is ValueError else f"{type(error).__name__}: {text}"
