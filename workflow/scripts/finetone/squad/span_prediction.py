"""Extractive question answering: a module predicts the first and the last token of the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from transformers import PreTrainedTokenizerBase

from finetone.engine.execution import Execution
from finetone.engine.objective import Loss
from finetone.squad import exact_match
from finetone.squad.windows import Question, Window, best_span, collate


@dataclass(frozen=True)
class SpanPrediction:
    """Minimise the mean cross-entropy of first and last tokens: an objective for the loop."""

    windows: Sequence[Window]
    tokenizer: PreTrainedTokenizerBase

    @cached_property
    def lengths(self) -> np.ndarray:
        return np.array([len(window.ids) for window in self.windows])

    def identity(self) -> list[Any]:
        parts = ([w.ids, w.types, [w.start, w.end]] for w in self.windows)
        return [self.tokenizer.pad_token_id, *(value for part in parts for value in part)]

    def loss(self, module: nn.Module, rows: np.ndarray, width: int, execution: Execution) -> Loss:
        batch = [self.windows[row] for row in rows]
        logits = self.logits(module, batch, execution)
        targets = torch.tensor([[w.start, w.end] for w in batch], device=execution.device).T
        start, end = (
            F.cross_entropy(*pair, reduction="sum") for pair in zip(logits, targets, strict=True)
        )
        found = torch.stack([scores.detach().argmax(1) for scores in logits])
        mean = (start + end) / 2
        return Loss(mean, mean.detach(), (found == targets).all(0).sum())

    def logits(
        self, module: nn.Module, batch: Sequence[Window], execution: Execution
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of first and of last tokens, both fp32 [b, t]."""
        types = "token_type_ids" in self.tokenizer.model_input_names
        inputs = collate(batch, int(self.tokenizer.pad_token_id), execution.device, types)
        with execution.autocast():
            output = module(**inputs)
        return output.start_logits.float(), output.end_logits.float()


def evaluate(
    module: nn.Module,
    objective: SpanPrediction,
    questions: Sequence[Question],
    execution: Execution,
    batch_size: int = 64,
) -> dict[str, float]:
    """Score the likeliest span over all windows of each question.

    Parameters
    ----------
    module
        A model on the execution's device; is left in eval mode.
    objective
        Has all windows of the questions.
    questions
        With their answers.
    execution
        How the module is executed.
    batch_size
        Windows per batch.

    Returns
    -------
    dict
        `exact_match` and `f1`, both in [0, 1].
    """
    module.eval()
    best: dict[int, tuple[float, int, int]] = {}
    with torch.inference_mode():
        for begin in range(0, len(objective.windows), batch_size):
            batch = objective.windows[begin : begin + batch_size]
            starts, ends = (x.cpu().numpy() for x in objective.logits(module, batch, execution))
            for window, start, end in zip(batch, starts, ends, strict=True):
                n = len(window.ids)
                span = best_span(start[:n], end[:n], window)
                if span and span > best.get(window.question, (-np.inf, 0, 0)):
                    best[window.question] = span
    predictions = {questions[q].id: questions[q].context[a:b] for q, (_, a, b) in best.items()}
    return exact_match.score(predictions, {q.id: q.answers for q in questions})
