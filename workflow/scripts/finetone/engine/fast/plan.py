"""Which fast paths a module takes: each is tried on real texts first, against plain execution."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from finetone.engine.batches import collate
from finetone.engine.fast.embeddings import occurring
from finetone.formats.token_file import Tokens

if TYPE_CHECKING:
    from finetone.engine.execution import Execution

CHECK_TOKENS = 48  # of the longest text in the check
TAKEN = ("padding_free", "token_read", "rows", "compiled")  # what an Execution knows of fast paths
TOLERANCE = {"fp32": 1e-4, "bf16": 5e-2}  # of logits, relative to the largest
# Training steps from which on compiling pays, by type of device: a minute of it, once a fifth of ten
# milliseconds per step has made up for it. On the CPU steps get no faster (docs/performance.md).
COMPILING_PAYS = {"cuda": 30_000}


class Obstacle(Exception):
    """Why a fast path is not for this module, in words."""


def take(
    execution: "Execution",
    module: nn.Module,
    tokens: Tokens,
    learning: Sequence[Tokens],
    steps: int,
    stack: ExitStack,
) -> None:
    """Bring `module` onto every fast path that agrees in eval mode, until `stack` closes.

    What is not taken is noted in `execution`, with the reason.
    """
    lean = execution.options.padding_free == "auto"
    pays = steps >= COMPILING_PAYS.get(execution.device.type, steps + 1)
    compiling = pays and execution.options.compile == "auto"
    if not (lean or compiling):
        return
    training = module.training
    module.eval()
    with torch.no_grad():
        trial = _Trial(execution, module, _sample(tokens), stack)
        if lean:
            _leave_out(trial, learning)
        if compiling and (slow := trial.attempt(trial.compile)) is not None:
            execution.note(f"layers are not compiled: {slow}")
    module.train(training)


def _leave_out(trial: "_Trial", learning: Sequence[Tokens]) -> None:
    """The work that changes nothing: on padding, on tokens that nobody reads, on unused embeddings."""
    execution = trial.execution
    if (unread := trial.attempt(trial.unpad_and_read)) is not None:
        if (padded := trial.attempt(trial.unpad)) is None:
            execution.note(f"the last layer works on all tokens: {unread}")
        else:
            execution.note(f"padding stays: {padded}")
            execution.padding_matters = not trial.agrees(trial.one_by_one())
            execution.in_parts = execution.device.type == "cpu"
    if learning:
        whole = trial.attempt(lambda attempt: trial.cut_vocabulary(attempt, learning))
        if whole is not None:
            execution.note(f"all embeddings are trained: {whole}")


class _Trial:
    """A few texts, and their logits in plain execution to compare with."""

    def __init__(
        self, execution: "Execution", module: nn.Module, sample: Tokens, stack: ExitStack
    ) -> None:
        self.execution, self.module, self.sample = execution, module, sample
        self.stack = stack
        self.everything = np.arange(len(sample))
        self.plain = self.logits([self.everything])

    def attempt(self, enter: Callable[[ExitStack], None]) -> str | None:
        """Go the way of `enter` for good if logits stay what they are; else go back and say why."""
        execution, attempt = self.execution, ExitStack()
        before = {name: getattr(execution, name) for name in TAKEN}
        try:
            enter(attempt)
            logits = self.logits([self.everything])
            if not self.agrees(logits):
                raise ArithmeticError(f"logits differ by {(self.plain - logits).abs().max():.2g}")
        except Exception as error:  # whatever goes wrong in there, plain execution is right
            attempt.close()
            for name, value in before.items():
                setattr(execution, name, value)
            return str(error) if isinstance(error, Obstacle) else f"{type(error).__name__}: {error}"
        self.stack.push(attempt)
        return None

    # If transformers changes under what is imported inside, padding stays.

    def unpad_and_read(self, attempt: ExitStack) -> None:
        """Run unpadded, and finish in the last layer the tokens that the head reads only."""
        from finetone.engine.fast.pooled_token import sides_read
        from finetone.engine.fast.unpad import demand_stacks, unpadded

        stacks = demand_stacks(self.module)
        batch = collate(self.sample, self.everything, self.execution.device)
        inputs = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
        sides = sides_read(self.module, stacks, inputs)
        attempt.enter_context(unpadded(self.module, sides))
        self.execution.padding_free = True
        self.execution.token_read = next(iter(sides.values()), None)

    def unpad(self, attempt: ExitStack) -> None:
        from finetone.engine.fast.unpad import demand_stacks, unpadded

        demand_stacks(self.module)
        attempt.enter_context(unpadded(self.module))
        self.execution.padding_free = True

    def cut_vocabulary(self, attempt: ExitStack, learning: Sequence[Tokens]) -> None:
        self.execution.rows = attempt.enter_context(occurring(self.module, learning))

    def compile(self, attempt: ExitStack) -> None:
        from finetone.engine.fast.compiling import compiled

        attempt.enter_context(compiled(self.module))
        self.execution.compiled = True
        self._train_once()  # what cannot be compiled fails here, not in the run

    def _train_once(self) -> None:
        """A training step that leaves no trace."""
        execution, device = self.execution, self.execution.device
        state = execution.state()
        batch = collate(self.sample, self.everything, device)
        try:
            with torch.random.fork_rng([device] if device.type == "cuda" else []):
                self.module.train()
                with torch.enable_grad():
                    execution.logits(self.module, batch).sum().backward()
        finally:
            self.module.eval()
            self.module.zero_grad()
            execution.restore(state)

    def one_by_one(self) -> torch.Tensor:
        return self.logits([self.everything[[i]] for i in self.everything])

    def logits(self, parts: list[np.ndarray]) -> torch.Tensor:
        """Logits of the sample, executed in `parts`; in fp32 on the CPU, whatever the precision."""
        return torch.cat([
            self.execution.logits(
                self.module, collate(self.sample, rows, self.execution.device), check=True
            )
            for rows in parts
        ])  # fmt: skip

    def agrees(self, logits: torch.Tensor) -> bool:
        cpu = self.execution.device.type == "cpu"
        tolerance = TOLERANCE["fp32" if cpu else self.execution.precision]
        largest = self.plain.abs().max().clamp(min=1e-3)
        return bool((self.plain - logits).abs().max() <= tolerance * largest)


def _sample(tokens: Tokens) -> Tokens:
    """Up to four real texts from short to long, cut to different lengths; the last token stays."""
    order = np.argsort(tokens.lengths, kind="stable")
    rows = order[np.linspace(0, len(order) - 1, min(4, len(order))).astype(int)]
    texts = []
    for i, row in enumerate(rows):
        ids = tokens.input_ids[tokens.offsets[row] : tokens.offsets[row + 1]]
        keep = CHECK_TOKENS * (i + 1) // len(rows)
        texts.append(ids if len(ids) <= keep else np.append(ids[: keep - 1], ids[-1]))
    return Tokens(
        ids=tokens.ids[rows],
        labels=tokens.labels[rows],
        offsets=np.concatenate([[0], np.cumsum([len(ids) for ids in texts])]).astype(np.int64),
        input_ids=np.concatenate(texts),
        meta=tokens.meta,
    )
