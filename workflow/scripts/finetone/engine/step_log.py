"""What happened at every optimizer step, gathered without making a GPU wait."""

import time
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from finetone.engine.hardware import devices
from finetone.errors import UserError
from finetone.log import logger

LOG_EVERY = 50  # steps, or
LOG_SECONDS = 10.0  # where they take long
FIELDS = ("epoch", "lr", "loss", "correct", "examples", "tokens", "seconds")


class Diverged(UserError):
    """A training has diverged."""


class History:
    """One row per step. Losses stay on the device until `flush` fetches them all at once."""

    def __init__(self, device: torch.device) -> None:
        self.rows: list[list[float]] = []
        self._pending: list[tuple[list[float], torch.Tensor, Any, Any]] = []
        self._device = device
        self._reported = time.monotonic()
        self.restart_clock()

    def restart_clock(self) -> None:
        """Begin to measure the next step now."""
        self._mark = devices.mark(self._device)

    def add(self, facts: list[float], result: torch.Tensor) -> None:
        """Add the step that has just ended.

        Parameters
        ----------
        facts
            Epoch, learning rate, examples, tokens.
        result
            Mean loss, and number of correct examples: float32 [2] on the device.
        """
        start = self._mark
        self.restart_clock()
        self._pending.append(([float(fact) for fact in facts], result, start, self._mark))

    def flush(self) -> None:
        if not self._pending:
            return
        results = torch.stack([result for _, result, _, _ in self._pending]).cpu().tolist()
        for (facts, _, start, end), result in zip(self._pending, results, strict=True):
            epoch, rate, examples, tokens = facts
            seconds = devices.seconds_between(start, end)
            self.rows.append([epoch, rate, *result, examples, tokens, seconds])
        self._pending.clear()

    def is_silent(self) -> bool:
        """Whether nothing was logged for so long that a reader might think that nothing happens."""
        return time.monotonic() - self._reported > LOG_SECONDS

    def report(self, done: int, steps: int) -> None:
        """Log one line about the latest of `done` steps, in the form of `countdown.LINE`.

        Raises
        ------
        Diverged
            A loss is not a finite number.
        """
        self.flush()
        self._reported = time.monotonic()
        loss, seconds, tokens = (self.column(name) for name in ("loss", "seconds", "tokens"))
        recent = slice(-LOG_EVERY, None)
        if not np.isfinite(loss[recent]).all():
            raise Diverged(
                f"step {done}: the loss is not finite; lower recipe: learning_rate or set clip_norm"
            )
        logger.info(
            "epoch %d step %d/%d loss %.4f accuracy %.4f (epoch so far) %.0f tokens/s %.0f s left",
            self.rows[-1][0], done, steps, loss[recent].mean(), self.since_epoch_began()[1][-1],
            tokens[recent].sum() / seconds[recent].sum(), seconds.mean() * (steps - done),
        )  # fmt: skip

    def column(self, name: str) -> np.ndarray:
        """One column over all flushed steps, float64 [steps]."""
        return np.array([row[FIELDS.index(name)] for row in self.rows], dtype=np.float64)

    def since_epoch_began(self) -> tuple[np.ndarray, np.ndarray]:
        """Running mean loss and accuracy of each epoch, per example; both float64 [steps]."""
        epoch, examples = self.column("epoch"), self.column("examples")
        loss, correct = self.column("loss") * examples, self.column("correct")
        for value in np.unique(epoch):
            rows = epoch == value
            seen = np.cumsum(examples[rows])
            loss[rows] = np.cumsum(loss[rows]) / seen
            correct[rows] = np.cumsum(correct[rows]) / seen
        return loss, correct

    def table(self) -> pa.Table:
        """history.parquet as docs/architecture.md has it."""
        loss, accuracy = self.since_epoch_began()
        examples = self.column("examples")
        columns = {
            "epoch": pa.array(self.column("epoch").astype(np.int32)),
            "step": pa.array(np.arange(1, len(self.rows) + 1, dtype=np.int32)),
            "lr": pa.array(self.column("lr")),
            "loss": pa.array(self.column("loss")),
            "accuracy": pa.array(self.column("correct") / examples),
            "cumulative_loss": pa.array(loss),
            "cumulative_accuracy": pa.array(accuracy),
            "examples": pa.array(examples.astype(np.int32)),
            "tokens": pa.array(self.column("tokens").astype(np.int64)),
            "seconds": pa.array(self.column("seconds")),
        }
        return pa.table(columns)

    def seconds_per_32(self) -> float | None:
        """Median seconds per 32 examples after the first steps, which also warm caches up."""
        rate = self.column("seconds") / self.column("examples") * 32
        return float(np.median(rate[min(5, len(rate) // 2) :])) if len(rate) else None
