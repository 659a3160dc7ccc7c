"""What a module is trained for: examples, their loss, and its gradients."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from finetone.engine.execution import Execution
from finetone.formats.token_file import Tokens


class Loss(NamedTuple):
    """Sums over a batch."""

    minimised: torch.Tensor
    plain: torch.Tensor  # the cross-entropy, detached, which the history shows
    correct: torch.Tensor  # examples that the module gets right


class Objective(Protocol):
    """What the training loop asks of the examples and their loss."""

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each example, int64 [n]."""

    def identity(self) -> list[Any]:
        """Arrays and JSON-able values that differ where the examples do."""

    def loss(self, module: nn.Module, rows: np.ndarray, width: int, execution: Execution) -> Loss:
        """Execute a batch.

        Parameters
        ----------
        module
            Is in training mode.
        rows
            Which examples, int64 [b].
        width
            Tokens to pad them to at least.

        Returns
        -------
        Loss
            Of the batch.
        """


@dataclass(frozen=True)
class Classification:
    """Minimise the cross-entropy of the texts' labels; `dev` has texts that are predicted only.

    With `class_weights` (float32 [classes] on the device) and `label_smoothing` it is torch's own
    cross-entropy of that kind, summed over the examples of a batch and divided by their number, not by the sum of their
    weights: that sum differs between batches, and a small batch without the rare class would undo
    the weights.
    """

    tokens: Tokens
    dev: Tokens | None = None
    class_weights: torch.Tensor | None = None
    label_smoothing: float = 0.0

    @property
    def lengths(self) -> np.ndarray:
        return self.tokens.lengths

    @property
    def texts(self) -> list[Tokens]:
        return [self.tokens] if self.dev is None else [self.tokens, self.dev]

    def identity(self) -> list[Any]:
        arrays = [
            array for part in self.texts for array in (part.labels, part.offsets, part.input_ids)
        ]
        return [self.tokens.meta.pad_token_id, *arrays]

    def loss(self, module: nn.Module, rows: np.ndarray, width: int, execution: Execution) -> Loss:
        batch = execution.collate(self.tokens, rows, width)
        logits = execution.logits(module, batch)
        plain = minimised = F.cross_entropy(logits, batch.labels, reduction="sum")
        if self.class_weights is not None or self.label_smoothing:
            minimised = F.cross_entropy(
                logits,
                batch.labels,
                weight=self.class_weights,
                label_smoothing=self.label_smoothing,
                reduction="sum",
            )
        return Loss(minimised, plain.detach(), (logits.detach().argmax(1) == batch.labels).sum())


def gradients(
    module: nn.Module, objective: Objective, rows: np.ndarray, execution: Execution
) -> torch.Tensor:
    """Add the gradient of a batch's mean loss to `.grad`.

    Micro-batches are weighted by their share of the examples, so their sum is the batch's gradient.
    When memory ends, the batch is tried again in smaller ones.

    Parameters
    ----------
    rows
        The batch, int64 [b].

    Returns
    -------
    tensor
        Mean plain loss, and number of correct examples: float32 [2] on the device.
    """
    while True:
        result = torch.zeros(2, device=execution.device)
        try:
            for part, width in execution.micro_batches(objective.lengths[rows]):
                loss = objective.loss(module, rows[part], width, execution)
                (loss.minimised / len(rows)).backward()
                result += torch.stack([loss.plain / len(rows), loss.correct.float()])
            return result
        except torch.OutOfMemoryError:
            module.zero_grad()
        execution.use_less_memory(len(rows))
