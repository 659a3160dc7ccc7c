"""What a module is trained for: examples, and their loss."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from finetone.engine.batches import collate
from finetone.engine.execution import Execution
from finetone.formats.token_file import Tokens


class Objective(Protocol):
    """What the training loop asks of the examples and their loss."""

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each example, int64 [n]."""

    def identity(self) -> list[Any]:
        """Arrays and JSON-able values that differ where the examples do."""

    def loss(
        self, module: nn.Module, rows: np.ndarray, width: int, execution: Execution
    ) -> tuple[torch.Tensor, torch.Tensor]:
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
        tuple of tensor
            The sum of the examples' losses, and how many of them the module gets right.
        """


@dataclass(frozen=True)
class Classification:
    """Minimise the cross-entropy of the texts' labels; `dev` has texts that are predicted only."""

    tokens: Tokens
    dev: Tokens | None = None

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
        return [self.tokens.meta["pad_token_id"], *arrays]

    def loss(
        self, module: nn.Module, rows: np.ndarray, width: int, execution: Execution
    ) -> tuple[torch.Tensor, torch.Tensor]:
        batch = collate(self.tokens, rows, execution.device, width)
        logits = execution.logits(module, batch)
        loss = F.cross_entropy(logits, batch.labels, reduction="sum")
        return loss, (logits.detach().argmax(1) == batch.labels).sum()
