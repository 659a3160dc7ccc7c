"""How far a training is, and how it gets back there after a kill."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_model
from torch import nn

from finetone.engine import saved_state, snapshot
from finetone.engine.execution import Execution
from finetone.engine.step_log import FIELDS, LOG_EVERY, History
from finetone.errors import UserError
from finetone.files import atomic, sha256
from finetone.log import logger


class Progress:
    """What the training loop knows of the steps so far.

    Parameters
    ----------
    folder
        The state folder.
    fingerprint
        Of all that a saved state must share with this run.
    module, optimizer, execution
        What is trained, and how.
    per_epoch, steps
        Steps of one epoch, and of all.
    dev
        Names of the scores on dev that each epoch ends with.
    keep_epochs
        Whether the weights after each epoch are kept, too.
    """

    def __init__(
        self,
        folder: Path,
        fingerprint: str,
        module: nn.Module,
        optimizer: torch.optim.Optimizer,
        execution: Execution,
        *,
        per_epoch: int,
        steps: int,
        dev: Sequence[str] = (),
        keep_epochs: bool = True,
    ) -> None:
        self.folder, self.fingerprint = folder, fingerprint
        self.module, self.optimizer, self.execution = module, optimizer, execution
        self.per_epoch, self.steps = per_epoch, steps
        self.dev, self.keep_epochs = dev, keep_epochs
        self.done, self.resumed = 0, 0
        self.history = History(execution.device)
        self.dev_scores: list[dict[str, float]] = []
        self.files: dict[str, str] = {}  # the epochs' weights, and their sha256
        self.machines = [execution.machine()]
        self._saved_at = time.monotonic()

    def resume(self) -> None:
        """Continue from the newest saved state that is whole, if there is one."""
        saved_state.load(self.folder, self.fingerprint, self.machines[-1], self._restore)
        self._start_clocks()

    def step_done(self, facts: list[float], result: torch.Tensor) -> None:
        """Count one step and log it; arguments as of `History.add`."""
        self.history.add(facts, result)
        self.done += 1
        if self.done % LOG_EVERY == 0 or self.done == self.steps or self.history.is_silent():
            self.history.report(self.done, self.steps)

    def save_is_due(self) -> bool:
        """Whether more than `save_every` seconds have passed since the last save."""
        return time.monotonic() - self._saved_at > self.execution.options.save_every

    def save(self) -> None:
        """Write a saved state."""
        self.history.flush()
        content = snapshot.take(self.module, self.optimizer) | {
            "done": self.done,
            "resumed": self.resumed,
            "history": self.history.rows,
            "dev_scores": self.dev_scores,
            "files": self.files,
            "execution": self.execution.state(),
            "machines": self.machines,
        }
        saved_state.save(self.folder, self.fingerprint, content)
        self._start_clocks()

    def save_epoch(self, epoch: int) -> None:
        """Keep the weights after `epoch` in the state folder; `save` is to follow."""
        if not self.keep_epochs:
            return
        path = weights(self.folder, epoch)
        with atomic(path) as partial:
            save_model(self.module, str(partial))
            self.files[path.name] = sha256(partial)

    def check_epochs(self) -> None:
        """Check that the epochs' weights are on disk as `save_epoch` wrote them.

        Raises
        ------
        UserError
            A file is missing or has another content.
        """
        for name, digest in self.files.items():
            file = self.folder / name
            if not file.is_file() or sha256(file) != digest:
                raise UserError(
                    f"{file}: not the weights that were written; run again, which goes on from a "
                    "saved state that does not need them"
                )

    def _start_clocks(self) -> None:
        self.history.restart_clock()
        self._saved_at = time.monotonic()

    def _restore(self, saved: dict[str, Any]) -> None:
        ended, execution = saved["done"] // self.per_epoch, saved["execution"]
        kept = ended if self.keep_epochs else 0
        expected = {
            "done": 0,
            "resumed": 0,
            "history": [[0.0] * len(FIELDS)] * saved["done"],
            "dev_scores": [dict.fromkeys(self.dev, 0.0)] * (ended if self.dev else 0),
            "files": {weights(self.folder, epoch).name: "" for epoch in range(1, kept + 1)},
            "execution": {
                "pieces": 0,
                "notes": [""] * len(execution["notes"]),
                "stream": None if execution["stream"] is None else [0, 0],
            },
        }
        snapshot.check({key: saved[key] for key in expected}, expected, "state")

        snapshot.restore(saved, self.module, self.optimizer)
        self.execution.restore(execution)
        self.done, self.resumed = saved["done"], saved["resumed"] + 1
        self.history.rows, self.dev_scores = saved["history"], saved["dev_scores"]
        self.files, self.machines = saved["files"], saved["machines"]
        logger.info("resuming after step %d of %d", self.done, self.steps)
        if saved["note"]:
            self.execution.note(saved["note"])


def weights(state: Path, epoch: int) -> Path:
    """The file with the weights after `epoch`."""
    return state / f"epoch{epoch}.safetensors"
