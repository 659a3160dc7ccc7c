"""The fine-tuning loop. It reads top to bottom; whatever makes it fast hides in `execution`."""

import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
import torch.nn.functional as F
from safetensors.torch import load_model
from torch import nn

from finetone.engine import device as devices
from finetone.engine import state as states
from finetone.engine.batches import collate, epoch_order
from finetone.engine.execution import Execution
from finetone.engine.fast.memory import limit_onednn_cache
from finetone.engine.fast.packing import shapes
from finetone.engine.predict import predict_module
from finetone.engine.progress import Progress, weights
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.engine.step_log import History
from finetone.errors import UserError
from finetone.formats.token_file import Tokens
from finetone.seeds import derive

logger = logging.getLogger("finetone")
LOG_EVERY = 50  # steps


@dataclass(frozen=True)
class Training:
    """What `train` leaves behind; the module itself holds the kept epoch's weights."""

    history: pa.Table
    epochs: list[Path]  # weights after epoch 1, 2, …; they lie in the state folder
    kept_epoch: int
    dev_accuracy: list[float] | None
    execution: dict[str, Any]
    rows: int
    steps: int
    train_seconds: float
    tokens_per_s: float
    seconds_per_32: float | None
    peak_memory_bytes: int
    resumed: int

    def measured(self) -> dict[str, Any]:
        """What a run's record says of it."""
        return {key: value for key, value in vars(self).items() if key not in ("history", "epochs")}


def train(
    module: nn.Module,
    tokens: Tokens,
    recipe: Recipe,
    options: EngineOptions,
    seed: int,
    *,
    state: Path,
    dev: Tokens | None = None,
    threads: int = 1,
    device: torch.device | None = None,
) -> Training:
    """Fine-tune `module` in place and return what happened.

    `module(input_ids=, attention_mask=)` must return an object with `.logits` [b, classes]. The
    run saves itself to the folder `state` every `options.save_every` seconds and after each epoch,
    goes on from there when called again with the same arguments (on the same CPU with as many
    threads bit by bit; elsewhere it is noted in `execution`), and leaves the folder to the caller,
    who calls `state.discard` once the outputs are written.
    Raises UserError for data that cannot be learned from, for a loss that is not finite, and for
    epochs' weights that were damaged on disk.
    """
    if len(tokens) == 0:
        raise UserError("the training split has no rows; check the dataset's split and sample")
    if recipe.choose_epoch == "dev" and dev is None:
        raise UserError("recipe: choose_epoch is dev, but the dataset has no dev split; add one")

    limit_onednn_cache(shapes(tokens.lengths, recipe.batch_size))
    execution = Execution(options, threads, device)
    torch.manual_seed(derive(seed, "dropout"))
    per_epoch = math.ceil(len(tokens) / recipe.batch_size)
    steps = per_epoch * recipe.epochs
    texts = [part for part in (tokens, dev) if part is not None]

    with execution.running(module, tokens, seed, learning=texts, steps=steps):
        fingerprint = states.digest(
            module, recipe.as_dict(), execution.fingerprint(), seed, tokens.meta["pad_token_id"],
            *(array for part in texts for array in (part.labels, part.offsets, part.input_ids)),
        )  # fmt: skip
        optimizer = adamw(module, recipe)
        progress = Progress(
            state, fingerprint, module, optimizer, execution,
            per_epoch=per_epoch, steps=steps, dev=dev is not None,
        )  # fmt: skip
        progress.resume()

        clock, saved_at, order = devices.Clock(execution.device), time.monotonic(), None
        mark = clock.mark()
        while (done := progress.done) < steps:
            epoch, position = divmod(done, per_epoch)
            if order is None or position == 0:
                order = epoch_order(seed, epoch + 1, len(tokens))
                module.train()
            rows = order[position * recipe.batch_size :][: recipe.batch_size]

            optimizer.zero_grad()
            result = gradients(module, tokens, rows, execution)
            if recipe.clip_norm is not None:
                nn.utils.clip_grad_norm_(module.parameters(), recipe.clip_norm)
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate(done, steps)
            optimizer.step()

            start, mark = mark, clock.mark()
            facts = [epoch + 1, recipe.rate(done, steps), len(rows), tokens.lengths[rows].sum()]
            progress.history.add([float(fact) for fact in facts], result, start, mark)
            done += 1
            progress.done = done

            if done % LOG_EVERY == 0 or done == steps:
                report(progress.history, done, steps, epoch + 1)
            if position + 1 == per_epoch:
                rates = [recipe.rate(step, steps) for step in range(done - per_epoch, done)]
                execution.decay(math.prod(1 - rate * recipe.weight_decay for rate in rates))
                progress.save_epoch(epoch + 1)
                if dev is not None:
                    progress.dev_accuracy.append(accuracy(module, dev, execution))
                progress.save()
                mark, saved_at = clock.mark(), time.monotonic()
            elif time.monotonic() - saved_at > options.save_every:
                progress.save()
                mark, saved_at = clock.mark(), time.monotonic()

        progress.check_epochs()
        kept = recipe.epochs
        if recipe.choose_epoch == "dev":
            kept = int(np.argmax(progress.dev_accuracy)) + 1
        if kept != recipe.epochs:
            load_model(module, weights(state, kept), device=str(execution.device))

    history = progress.history
    seconds = history.column("seconds").sum()
    return Training(
        history=history.table(),
        epochs=[weights(state, epoch) for epoch in range(1, recipe.epochs + 1)],
        kept_epoch=kept,
        dev_accuracy=progress.dev_accuracy if dev is not None else None,
        execution=execution.record(),
        rows=len(tokens),
        steps=steps,
        train_seconds=float(seconds),
        tokens_per_s=float(history.column("tokens").sum() / seconds),
        seconds_per_32=history.seconds_per_32(),
        peak_memory_bytes=devices.peak_memory(execution.device),
        resumed=progress.resumed,
    )


def gradients(
    module: nn.Module, tokens: Tokens, rows: np.ndarray, execution: Execution
) -> torch.Tensor:
    """Add the gradient of the batch's mean cross-entropy to `.grad`; return (loss, correct) [2].

    The batch may be executed in parts, each weighted by its share of the examples, which is the
    same sum; where logits hang on padding, a part has all of the batch's. When memory ends, the
    batch is tried again in smaller parts.
    """
    lengths = tokens.lengths[rows]
    width = int(lengths.max()) if execution.padding_matters else 0
    while True:
        result = torch.zeros(2, device=execution.device)
        try:
            for part in execution.parts(lengths):
                batch = collate(tokens, rows[part], execution.device, width)
                logits = execution.logits(module, batch)
                loss = F.cross_entropy(logits, batch.labels, reduction="sum") / len(rows)
                loss.backward()
                correct = (logits.detach().argmax(1) == batch.labels).sum()
                result += torch.stack([loss.detach(), correct.float()])
            return result
        except torch.OutOfMemoryError:
            for parameter in module.parameters():
                parameter.grad = None
        execution.use_less_memory(len(rows))


def adamw(module: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019, betas 0.9/0.999, eps 1e-8) over the trainable parameters."""
    trainable = [p for p in module.parameters() if p.requires_grad]
    if recipe.decay_bias_and_norm:
        groups = [{"params": trainable, "weight_decay": recipe.weight_decay}]
    else:  # biases and norms are the vectors among the parameters
        groups = [
            {"params": [p for p in trainable if p.ndim > 1], "weight_decay": recipe.weight_decay},
            {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
        ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)


def accuracy(module: nn.Module, tokens: Tokens, execution: Execution) -> float:
    """Share of rows whose largest logit is the label's."""
    logits = predict_module(module, tokens, execution=execution)
    module.train()
    return float((logits.argmax(1) == tokens.labels).mean()) if len(tokens) else float("nan")


def report(history: History, done: int, steps: int, epoch: int) -> None:
    """One log line; a loss that is not a number ends the run here."""
    history.flush()
    recent = slice(-LOG_EVERY, None)
    loss = history.column("loss")[recent]
    if not np.isfinite(loss).all():
        raise UserError(
            f"step {done}: the loss is not finite; lower recipe: learning_rate or set clip_norm"
        )
    seconds, tokens = history.column("seconds"), history.column("tokens")
    logger.info(
        "epoch %d step %d/%d loss %.4f accuracy %.4f (epoch so far) %.0f tokens/s %.0f s left",
        epoch, done, steps, loss.mean(), history.since_epoch_began()[1][-1],
        tokens[recent].sum() / seconds[recent].sum(), seconds.mean() * (steps - done),
    )  # fmt: skip
