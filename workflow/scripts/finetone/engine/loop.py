"""The training loop. It reads top to bottom; whatever makes it fast is in `execution`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from safetensors.torch import load_model
from torch import nn

from finetone.data.class_weights import balanced
from finetone.engine import saved_state
from finetone.engine.batches import epoch_order
from finetone.engine.execution import Execution
from finetone.engine.fast.memory import limit_onednn_cache
from finetone.engine.fast.packing import shapes
from finetone.engine.hardware import devices
from finetone.engine.objective import Classification, Objective, gradients
from finetone.engine.predict import scores
from finetone.engine.progress import Progress, weights
from finetone.engine.recipe import EngineOptions, Recipe, adamw
from finetone.errors import UserError
from finetone.formats.token_file import Tokens
from finetone.identity import without
from finetone.seeds import derive
from finetone.statistics.evaluation import EVERY_SCORE


@dataclass(frozen=True)
class Training:
    """What a training leaves behind; the module itself holds the kept epoch's weights."""

    history: pa.Table
    epochs: list[Path]  # weights after epoch 1, 2, …, where they are kept: in the state folder
    dev_metrics: list[dict[str, float]]  # on dev after epoch 1, 2, …
    kept_epoch: int
    dev_scores: list[float] | None  # by the recipe's `choose_by`
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
        return without(vars(self), "history", "epochs", "dev_metrics")


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
    until: int | None = None,
) -> Training:
    """Fine-tune a classifier in place.

    Parameters
    ----------
    module
        `module(input_ids=, attention_mask=)` returns an object with `.logits` [b, classes].
    tokens
        Texts to learn from.
    recipe, options
        What is learned, and how it is executed.
    seed
        Of the order of texts, and of dropout.
    state
        Folder for saved states, as `learn` describes it.
    dev
        Texts to measure the recipe's `choose_by` on after every epoch.
    threads
        CPU threads.
    device
        By default the one of this process.
    until
        As of `learn`; then all of EVERY_SCORE are measured on `dev`.

    Returns
    -------
    Training
        What happened.

    Raises
    ------
    UserError
        There is nothing to learn from, or no `dev` to choose an epoch on; and as `learn` does.
    """
    if len(tokens) == 0:
        raise UserError("the training split has no rows; check the dataset's split and sample")
    if recipe.choose_epoch == "dev" and dev is None:
        raise UserError("recipe: choose_epoch is dev, but the dataset has no dev split; add one")

    limit_onednn_cache(shapes(tokens.lengths, recipe.batch_size))
    execution = Execution(options, threads, device)
    weights = None
    if recipe.class_weights is not None:
        of_classes = torch.from_numpy(balanced(tokens.labels, tokens.meta.labels))
        weights = of_classes.to(execution.device, torch.float32)
    objective = Classification(tokens, dev, weights, recipe.label_smoothing)
    steps = recipe.steps(len(tokens))
    with execution.running(module, tokens, seed, training_texts=objective.texts, steps=steps):
        measured = () if dev is None else (recipe.choose_by,) if until is None else EVERY_SCORE
        measure = None if dev is None else partial(scores, module, dev, execution, measured)
        return learn(
            module, objective, recipe, execution, seed,
            state=state, measured=measured, measure=measure, until=until,
        )  # fmt: skip


def learn(
    module: nn.Module,
    objective: Objective,
    recipe: Recipe,
    execution: Execution,
    seed: int,
    *,
    state: Path,
    measured: Sequence[str] = (),
    measure: Callable[[], dict[str, float]] | None = None,
    until: int | None = None,
) -> Training:
    """Train a module in place for any objective, inside a running execution.

    The run saves itself every `save_every` seconds and after each epoch. Called again with the same
    arguments it continues from there: bit by bit on the same CPU with as many threads; elsewhere
    the execution's notes say so. The caller removes the saved states once the outputs are written.

    Parameters
    ----------
    module
        Is on the execution's device.
    objective
        Examples and loss.
    recipe
        What is learned.
    execution
        How it is executed.
    seed
        Of the order of examples, and of dropout.
    state
        Folder for saved states and epochs' weights.
    measured, measure
        Names of the scores on other texts, and a function that measures them after every epoch.
    until
        Stop after so many of the recipe's epochs. No epoch's weights are kept, so that the module
        is what the last one left; called again with more epochs, the training goes on.

    Returns
    -------
    Training
        What happened.

    Raises
    ------
    UserError
        A loss is not finite, or epochs' weights were damaged on disk.
    """
    torch.manual_seed(derive(seed, "dropout"))
    rows = len(objective.lengths)
    steps = recipe.steps(rows)
    per_epoch = steps // recipe.epochs
    optimizer = adamw(module, recipe)
    fingerprint = saved_state.digest(
        module, recipe.as_dict(), execution.fingerprint(), seed, *objective.identity()
    )
    progress = Progress(
        state, fingerprint, module, optimizer, execution,
        per_epoch=per_epoch, steps=steps, dev=measured, keep_epochs=until is None,
    )  # fmt: skip
    progress.resume()

    order, last = None, steps if until is None else per_epoch * until
    while progress.done < last:
        epoch, position = divmod(progress.done, per_epoch)
        if order is None or position == 0:
            order = epoch_order(seed, epoch + 1, rows)
            module.train()
        batch = order[position * recipe.batch_size :][: recipe.batch_size]
        rate = recipe.rate(progress.done, steps)

        optimizer.zero_grad()
        result = gradients(module, objective, batch, execution)
        if recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(module.parameters(), recipe.clip_norm)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()

        progress.step_done([epoch + 1, rate, len(batch), objective.lengths[batch].sum()], result)
        if position + 1 == per_epoch:
            execution.decay_unused(recipe.decay(progress.done - per_epoch, progress.done, steps))
            progress.save_epoch(epoch + 1)
            if measure is not None:
                progress.dev_scores.append(measure())
            if until is None or progress.done < steps:  # else nothing is left to go on with
                progress.save()
        elif progress.save_is_due():
            progress.save()

    progress.history.flush()
    progress.check_epochs()
    by_choice = [found[recipe.choose_by] for found in progress.dev_scores]
    kept = last // per_epoch
    if recipe.choose_epoch == "dev" and until is None:
        kept = recipe.best(by_choice)
    if kept != last // per_epoch:
        load_model(module, weights(state, kept), device=str(execution.device))
    seconds = progress.history.column("seconds").sum()
    return Training(
        history=progress.history.table(),
        epochs=[weights(state, epoch) for epoch in range(1, recipe.epochs + 1)],
        dev_metrics=progress.dev_scores,
        kept_epoch=kept,
        dev_scores=by_choice if measure is not None else None,
        execution=execution.record(),
        rows=rows,
        steps=last,
        train_seconds=float(seconds),
        tokens_per_s=float(progress.history.column("tokens").sum() / seconds),
        seconds_per_32=progress.history.seconds_per_32(),
        peak_memory_bytes=devices.peak_memory(execution.device),
        resumed=progress.resumed,
    )
