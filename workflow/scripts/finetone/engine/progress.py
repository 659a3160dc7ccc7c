"""Where a training stands, and how it comes back there after a kill."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_model
from torch import nn

from finetone.engine import saved_state, snapshot
from finetone.engine.execution import Execution
from finetone.engine.step_log import FIELDS, History
from finetone.errors import UserError
from finetone.files import atomic, sha256
from finetone.log import logger


class Progress:
    """What `loop.train` knows of the steps so far.

    `folder` is the state folder, `per_epoch` the steps of an epoch out of `steps`, `dev` whether
    each epoch ends with an accuracy on dev.
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
        dev: bool,
    ) -> None:
        self.folder, self.fingerprint = folder, fingerprint
        self.module, self.optimizer, self.execution = module, optimizer, execution
        self.per_epoch, self.steps, self.dev = per_epoch, steps, dev
        self.done, self.resumed = 0, 0
        self.history = History()
        self.dev_accuracy: list[float] = []
        self.files: dict[str, str] = {}  # the epochs' weights, and their sha256
        self.machines = [execution.machine()]

    def resume(self) -> None:
        """Go on from the newest saved state that is whole, if there is one."""
        saved_state.load(self.folder, self.fingerprint, self.machines[-1], self._restore)

    def save(self) -> None:
        self.history.flush()
        content = {
            **snapshot.take(self.module, self.optimizer), **self._facts(),
            "execution": self.execution.state(), "machines": self.machines,
        }  # fmt: skip
        saved_state.save(self.folder, self.fingerprint, content)

    def save_epoch(self, epoch: int) -> None:
        """Keep the weights after `epoch` in the state folder; `save` is to follow."""
        path = weights(self.folder, epoch)
        with atomic(path) as partial:
            save_model(self.module, str(partial))
            self.files[path.name] = sha256(partial)

    def check_epochs(self) -> None:
        """Raise a UserError unless the epochs' weights are on disk as `save_epoch` wrote them."""
        for name, digest in self.files.items():
            file = self.folder / name
            if not file.is_file() or sha256(file) != digest:
                raise UserError(
                    f"{file}: not the weights that were written; run again, which goes on from a "
                    "saved state that does not need them"
                )

    def _facts(self) -> dict[str, Any]:
        return {
            "done": self.done,
            "resumed": self.resumed,
            "history": self.history.rows,
            "dev_accuracy": self.dev_accuracy,
            "files": self.files,
        }

    def _restore(self, saved: dict[str, Any]) -> None:
        ended = saved["done"] // self.per_epoch
        facts = {
            "done": 0,
            "resumed": 0,
            "history": [[0.0] * len(FIELDS)] * saved["done"],
            "dev_accuracy": [0.0] * (ended if self.dev else 0),
            "files": {weights(self.folder, epoch).name: "" for epoch in range(1, ended + 1)},
        }
        snapshot.check({key: saved[key] for key in facts}, facts, "state")
        execution = saved["execution"]
        stream = None if execution["stream"] is None else [0, 0]
        expected = {"pieces": 0, "notes": [""] * len(execution["notes"]), "stream": stream}
        snapshot.check(execution, expected, "execution")

        snapshot.restore(saved, self.module, self.optimizer)
        self.execution.restore(execution)
        self.done, self.resumed = saved["done"], saved["resumed"] + 1
        self.history.rows, self.dev_accuracy = saved["history"], saved["dev_accuracy"]
        self.files, self.machines = saved["files"], saved["machines"]
        logger.info("resuming after step %d of %d", self.done, self.steps)
        if saved["note"]:
            self.execution.note(saved["note"])


def weights(state: Path, epoch: int) -> Path:
    """The file with the weights after `epoch`."""
    return state / f"epoch{epoch}.safetensors"
