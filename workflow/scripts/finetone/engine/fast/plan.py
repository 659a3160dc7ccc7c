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

from finetone.engine.batches import Batch, PaddingSide, collate
from finetone.engine.fast.casts import SharedCasts
from finetone.engine.fast.embeddings import UsedEmbeddings, only_used_embeddings
from finetone.engine.fast.packing import PooledToken
from finetone.engine.fast.unsupported import Unsupported
from finetone.engine.recipe import EngineOptions
from finetone.formats.token_file import Tokens
from finetone.models.snapshot import untouched

CHECK_TOKENS = 48  # of the longest text in the check
TOLERANCE = {"fp32": 1e-4, "bf16": 5e-2}  # of logits, relative to the largest
# Training steps from which on compiling pays, by type of device: compiling takes a minute and saves
# a fifth of ten milliseconds per step. On the CPU steps get no faster (docs/performance.md).
COMPILING_PAYS = {"cuda": 30_000}
SHARES_CASTS = {"cuda"}  # types of device where starting a kernel takes longer than a cast


@dataclass(frozen=True)
class Plan:
    """Which fast ways a module's execution takes; by default none."""

    padding_free: bool = False  # layers see real tokens only
    pooled_token: PooledToken | None = None  # the only one that the last layer computes
    embeddings: UsedEmbeddings | None = None  # those that are trained; None: all of them
    casts: SharedCasts | None = None  # to bf16, of all weights at once; None: one by one
    compiled: bool = False
    length_grouped: bool = False  # a batch is cut into micro-batches of texts of similar length
    padding_matters: bool = False  # a text's logits depend on how much padding is beside it
    padding_side: PaddingSide = "right"
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
    was_training = module.training
    module.eval()
    with torch.no_grad():
        trial = _Trial(module, _sample(tokens), device, logits, TOLERANCE[precision], stack)
        if not (skip_unread and trial.skip_padding()):
            trial.pad()
        if skip_unread and training_texts:
            trial.attempt("all embeddings are trained", trial.use_embeddings, training_texts)
        if skip_unread and precision == "bf16" and device.type in SHARES_CASTS:
            trial.attempt("weights are cast one by one", trial.share_casts)
        if compiling:
            trial.attempt("layers are not compiled", trial.compile)
    module.train(was_training)
    return trial.plan


@dataclass
class _Trial:
    """The plan so far, and a few texts to compare its logits with.

    The right logits are those of plain execution, one text at a time.
    """

    module: nn.Module
    sample: Tokens
    device: torch.device
    logits: Callable[[Plan, Batch], torch.Tensor]
    tolerance: float
    stack: ExitStack
    plan: Plan = Plan()

    def __post_init__(self) -> None:
        self.batch = self.collate("right")
        rows = np.arange(len(self.sample))[:, None]
        alone = [collate(self.sample, row, self.device) for row in rows]
        self.right = torch.cat([self.tried(self.plan, batch) for batch in alone])

    def collate(self, side: PaddingSide) -> Batch:
        return collate(self.sample, np.arange(len(self.sample)), self.device, padding_side=side)

    def tried(self, plan: Plan, batch: Batch) -> torch.Tensor:
        """Logits of a batch; the module does not remember that it met it."""
        with untouched(self.module):
            return self.logits(plan, batch)

    def attempt(self, failure: str, enable: Callable[..., Plan], *arguments: Any) -> bool:
        """Adopt the plan of `enable` if logits stay what they are; else undo it and note why."""
        undo = ExitStack()
        try:
            plan = enable(undo, *arguments)
            logits = self.tried(plan, self.batch)
            if not self.agrees(logits):
                raise ArithmeticError(f"logits differ by {(self.right - logits).abs().max():.2g}")
        except Exception as error:  # whatever goes wrong in there, plain execution is right
            undo.close()
            kind = "" if isinstance(error, Unsupported) else f"{type(error).__name__}: "
            self.plan = replace(self.plan, notes=(*self.plan.notes, f"{failure}: {kind}{error}"))
            return False
        self.stack.push(undo)
        self.plan = plan
        return True

    def agrees(self, logits: torch.Tensor) -> bool:
        largest = self.right.abs().max().clamp(min=1e-3)
        return bool((self.right - logits).abs().max() <= self.tolerance * largest)

    def skip_padding(self) -> bool:
        """Run unpadded, if possible with the pooled tokens alone at the end of the last layer."""
        if self.attempt("the last layer works on all tokens", self.unpad, True):
            return True
        if self.attempt("padding stays", self.unpad, False):
            return True
        notes = self.plan.notes[-1:]  # that padding stays says it all
        self.plan = Plan(length_grouped=self.device.type == "cpu", notes=notes)
        return False

    def pad(self) -> None:
        """Find out on which side padding changes nothing; XLNet's head reads the last position."""
        sides: tuple[PaddingSide, ...] = ("right", "left")
        for side in sides:
            try:
                batch = self.collate(side)
                if self.agrees(self.tried(self.plan, batch)):
                    self.batch, self.plan = batch, replace(self.plan, padding_side=side)
                    return
            except Exception:
                continue
        self.plan = replace(self.plan, padding_matters=True)
        self.right = self.tried(self.plan, self.batch)  # of later attempts, which pad as well

    # If transformers changes under what is imported inside, an import fails and padding stays.

    def unpad(self, undo: ExitStack, pooled: bool) -> Plan:
        from finetone.engine.fast.pooled_token import pooled_tokens
        from finetone.engine.fast.unpad import count_passes, require_layer_stacks, unpadded

        stacks = require_layer_stacks(self.module)
        tokens = pooled_tokens(self.module, stacks, self.batch) if pooled else {}
        with untouched(self.module):
            passes = count_passes(self.module, stacks, self.batch)
        undo.enter_context(unpadded(self.module, tokens, passes))
        return replace(self.plan, padding_free=True, pooled_token=next(iter(tokens.values()), None))

    def use_embeddings(self, undo: ExitStack, texts: Sequence[Tokens]) -> Plan:
        embeddings = undo.enter_context(only_used_embeddings(self.module, texts))
        return replace(self.plan, embeddings=embeddings)

    def share_casts(self, undo: ExitStack) -> Plan:
        casts = SharedCasts(self.module)
        undo.enter_context(casts.of_inputs())
        return replace(self.plan, casts=casts)

    def compile(self, undo: ExitStack) -> Plan:
        from finetone.engine.fast.compiling import compiled

        undo.enter_context(compiled(self.module))
        plan = replace(self.plan, compiled=True)
        self.train_once(plan)  # what cannot be compiled fails here, not in the run
        return plan

    def train_once(self, plan: Plan) -> None:
        """A training step that leaves no trace, but for the state of the engine's own dropout."""
        train_once(self.module, lambda: self.logits(plan, self.batch))


def train_once(module: nn.Module, logits: Callable[[], torch.Tensor]) -> None:
    """A training step that leaves no trace, but for the state of the engine's own dropout."""
    was_training = module.training
    try:
        with untouched(module), torch.enable_grad():
            module.train()
            logits().sum().backward()
    finally:
        module.train(was_training)
        module.zero_grad()


def _sample(tokens: Tokens) -> Tokens:
    """Up to four real texts from short to long, cut to different lengths; their ends stay.

    Texts that have the pad token as a word are left out, for heads that look for the last token
    that is no padding would find another one than in all the others.
    """
    order = np.argsort(tokens.lengths, kind="stable")
    places = np.flatnonzero(tokens.input_ids == tokens.meta.pad_token_id)
    odd = np.searchsorted(tokens.offsets, places, side="right") - 1
    order = regular if len(regular := order[~np.isin(order, odd)]) else order
    rows = order[np.linspace(0, len(order) - 1, min(4, len(order))).astype(int)]
    texts = []
    for i, row in enumerate(rows):
        ids = tokens.input_ids[tokens.offsets[row] : tokens.offsets[row + 1]]
        keep = CHECK_TOKENS * (i + 1) // len(rows)
        end = min(2, keep - 1)  # mBART's last token but one is the one that its head reads
        texts.append(ids if len(ids) <= keep else np.append(ids[: keep - end], ids[-end:]))
    return replace(
        tokens,
        ids=tokens.ids[rows],
        labels=tokens.labels[rows],
        offsets=np.concatenate([[0], np.cumsum([len(ids) for ids in texts])]).astype(np.int64),
        input_ids=np.concatenate(texts),
    )
