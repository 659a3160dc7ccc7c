"""Trials of what the training loop trains: models and networks."""

from pathlib import Path
from typing import Any

from torch import nn

from finetone.baselines.baseline import Task
from finetone.engine import loop
from finetone.engine.finetune import check_memory, classifier
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.engine.step_log import Diverged
from finetone.formats import row_subset
from finetone.formats.token_file import Tokens, read_tokens
from finetone.log import logger
from finetone.tuning.trying import Attempt


def try_model(
    attempt: Attempt,
    model_dir: Path,
    train: Path,
    dev: Path,
    *,
    recipe: Recipe,
    options: EngineOptions,
    threads: int,
    rows: Path | None = None,
) -> None:
    """Try a setting of a model and write its trial.

    Parameters
    ----------
    model_dir
        Folder of a pretrained model.
    train, dev
        Token files to learn from, and to measure on.
    recipe
        With the values to try.
    rows
        Row subset of `train` to learn from, instead of all of it. Random numbers then depend on its
        name as well.
    """
    if attempt.ends():
        return
    data = read_tokens(train)
    chosen, draws = row_subset.for_training(rows, len(data), attempt.seed)
    data = data if chosen is None else data.take(chosen)
    check_memory(model_dir, data, recipe.batch_size, options)
    module = classifier(model_dir, data, draws)
    _train(attempt, module, data, read_tokens(dev), recipe, options, threads, draws)


def try_network(attempt: Attempt, kind: Any, task: Task, dev: Task) -> None:
    """Try a setting of a network and write its trial; as `try_baseline`."""
    start = kind.begin(task)
    tokens, measured = (start.tokens(each) for each in (task, dev))
    options = EngineOptions.of(task.engine)
    _train(attempt, start.module, tokens, measured, start.recipe, options, task.threads, task.seed)


def _train(
    attempt: Attempt,
    module: nn.Module,
    tokens: Tokens,
    dev: Tokens,
    recipe: Recipe,
    options: EngineOptions,
    threads: int,
    seed: int,
) -> None:
    """Train up to the epoch of the attempt, from the saved state of the epochs before if it is there."""
    try:
        training = loop.train(
            module, tokens, recipe, options, seed,
            state=attempt.state, dev=dev, threads=threads, until=attempt.until,
        )  # fmt: skip
    except Diverged as error:
        logger.warning("%s: %s: %s", attempt.method, attempt.name, error)
        found = attempt.outcome([], len(tokens), len(dev), 0.0, diverged=True)
    else:
        seconds = training.train_seconds
        found = attempt.outcome(training.dev_metrics, len(tokens), len(dev), seconds)
    attempt.write(found)
