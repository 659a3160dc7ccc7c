"""Choose the fast ways for a module: each is tried on real texts against plain execution.

A `Plan` is a value. An attempt that fails is undone by closing its ExitStack and dropping its plan.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from finetone.engine.batches import Batch, collate
from finetone.engine.fast.embeddings import UsedEmbeddings, only_used_embeddings
from finetone.engine.fast.packing import PooledToken
from finetone.engine.fast.unsupported import Unsupported
from finetone.engine.recipe import EngineOptions
from finetone.formats.token_file import Tokens

CHECK_TOKENS = 48  # of the longest text in the check
TOLERANCE = {"fp32": 1e-4, "bf16": 5e-2}  # of logits, relative to the largest
# Training steps from which on compiling pays, by type of device: compiling takes a minute and saves
# a fifth of ten milliseconds per step. On the CPU steps get no faster (docs/performance.md).
COMPILING_PAYS = {"cuda": 30_000}


@dataclass(frozen=True)
class Plan:
    """Which fast ways a module's execution takes; by default none."""

    padding_free: bool = False  # layers see real tokens only
    pooled_token: PooledToken | None = None  # the only one that the last layer computes
    embeddings: UsedEmbeddings | None = None  # those that are trained; None: all of them
    compiled: bool = False
    length_grouped: bool = False  # a batch is cut into micro-batches of texts of similar length
    padding_matters: bool = False  # a text's logits depend on how much padding follows it
    notes: tuple[str, ...] = ()  # what is not enabled, and why


def choose(
    module: nn.Module,
    tokens: Tokens,
    training_texts: Sequence[Tokens],
    steps: int,
    options: EngineOptions,
    precision: str,
    logits: Callable[[Plan, Batch], torch.Tensor],
    stack: ExitStack,
) -> Plan:
    """Enable every fast way that leaves the logits of a few texts as they are.

    Parameters
    ----------
    module
        A transformers model on its device. It is changed until `stack` is closed.
    tokens
        The texts to take the few from; at least one.
    training_texts
        All texts that the module meets while it is trained; none if it is not trained.
    steps
        Optimizer steps to come.
    precision
        What `logits` computes in: "fp32" or "bf16".
    logits
        Executes a batch by a plan; returns fp32 [rows, classes].

    Returns
    -------
    Plan
        What is enabled; its notes say what is not, and why.
    """
    device: torch.device = module.device  # type: ignore[assignment]
    skip_unread = options.padding_free == "auto"
    compiling = options.compile == "auto" and steps >= COMPILING_PAYS.get(device.type, steps + 1)
    if not (skip_unread or compiling):
        return Plan()
    was_training = module.training
    module.eval()
    with torch.no_grad():
        trial = _Trial(module, _sample(tokens), device, logits, TOLERANCE[precision], stack)
        if skip_unread:
            trial.skip_padding()
        if skip_unread and training_texts:
            trial.attempt("all embeddings are trained", trial.use_embeddings, training_texts)
        if compiling:
            trial.attempt("layers are not compiled", trial.compile)
    module.train(was_training)
    return trial.plan


@dataclass
class _Trial:
    """The plan so far, and a few texts to compare its logits with those of plain execution."""

    module: nn.Module
    sample: Tokens
    device: torch.device
    logits: Callable[[Plan, Batch], torch.Tensor]
    tolerance: float
    stack: ExitStack
    plan: Plan = Plan()

    def __post_init__(self) -> None:
        self.batch = collate(self.sample, np.arange(len(self.sample)), self.device)
        self.plain = self.logits(self.plan, self.batch)

    def attempt(self, failure: str, enable: Callable[..., Plan], *arguments: Any) -> bool:
        """Adopt the plan of `enable` if logits stay what they are; else undo it and note why."""
        undo = ExitStack()
        try:
            plan = enable(undo, *arguments)
            logits = self.logits(plan, self.batch)
            if not self.agrees(logits):
                raise ArithmeticError(f"logits differ by {(self.plain - logits).abs().max():.2g}")
        except Exception as error:  # whatever goes wrong in there, plain execution is right
            undo.close()
            kind = "" if isinstance(error, Unsupported) else f"{type(error).__name__}: "
            self.plan = replace(self.plan, notes=(*self.plan.notes, f"{failure}: {kind}{error}"))
            return False
        self.stack.push(undo)
        self.plan = plan
        return True

    def agrees(self, logits: torch.Tensor) -> bool:
        largest = self.plain.abs().max().clamp(min=1e-3)
        return bool((self.plain - logits).abs().max() <= self.tolerance * largest)

    def skip_padding(self) -> None:
        """Run unpadded, if possible with the pooled tokens alone at the end of the last layer."""
        if self.attempt("the last layer works on all tokens", self.unpad, True):
            return
        if self.attempt("padding stays", self.unpad, False):
            return
        rows = np.arange(len(self.sample))[:, None]
        alone = [collate(self.sample, row, self.device) for row in rows]
        unpadded = torch.cat([self.logits(self.plan, batch) for batch in alone])
        self.plan = Plan(
            length_grouped=self.device.type == "cpu",
            padding_matters=not self.agrees(unpadded),
            notes=self.plan.notes[-1:],  # that padding stays says it all
        )

    # If transformers changes under what is imported inside, an import fails and padding stays.

    def unpad(self, undo: ExitStack, pooled: bool) -> Plan:
        from finetone.engine.fast.pooled_token import pooled_tokens
        from finetone.engine.fast.unpad import require_layer_stacks, unpadded

        stacks = require_layer_stacks(self.module)
        tokens = pooled_tokens(self.module, stacks, self.batch) if pooled else {}
        undo.enter_context(unpadded(self.module, tokens))
        return replace(self.plan, padding_free=True, pooled_token=next(iter(tokens.values()), None))

    def use_embeddings(self, undo: ExitStack, texts: Sequence[Tokens]) -> Plan:
        embeddings = undo.enter_context(only_used_embeddings(self.module, texts))
        return replace(self.plan, embeddings=embeddings)

    def compile(self, undo: ExitStack) -> Plan:
        from finetone.engine.fast.compiling import compiled

        undo.enter_context(compiled(self.module))
        plan = replace(self.plan, compiled=True)
        self.train_once(plan)  # what cannot be compiled fails here, not in the run
        return plan

    def train_once(self, plan: Plan) -> None:
        """A training step that leaves no trace, but for the state of the engine's own dropout."""
        try:
            with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
                self.module.train()
                with torch.enable_grad():
                    self.logits(plan, self.batch).sum().backward()
        finally:
            self.module.eval()
            self.module.zero_grad()


def _sample(tokens: Tokens) -> Tokens:
    """Up to four real texts from short to long, cut to different lengths; the last token stays."""
    order = np.argsort(tokens.lengths, kind="stable")
    rows = order[np.linspace(0, len(order) - 1, min(4, len(order))).astype(int)]
    texts = []
    for i, row in enumerate(rows):
        ids = tokens.input_ids[tokens.offsets[row] : tokens.offsets[row + 1]]
        keep = CHECK_TOKENS * (i + 1) // len(rows)
        texts.append(ids if len(ids) <= keep else np.append(ids[: keep - 1], ids[-1]))
    return replace(
        tokens,
        ids=tokens.ids[rows],
        labels=tokens.labels[rows],
        offsets=np.concatenate([[0], np.cumsum([len(ids) for ids in texts])]).astype(np.int64),
        input_ids=np.concatenate(texts),
    )
