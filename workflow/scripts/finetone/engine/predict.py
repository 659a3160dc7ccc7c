"""From weights and token files to logits and prediction files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from finetone.countdown import Countdown
from finetone.engine.execution import Execution
from finetone.engine.fast.memory import limit_onednn_cache
from finetone.engine.recipe import EngineOptions
from finetone.files import sha256
from finetone.formats import predictions, row_subset
from finetone.formats.token_file import Tokens, read_tokens
from finetone.log import logger
from finetone.models.checkpoint import own_storage
from finetone.provenance import Provenance
from finetone.statistics.evaluation import Evaluation

SHAPES = 32  # of matrix products that one batch meets, generously


def predict_module(
    module: nn.Module,
    tokens: Tokens,
    *,
    options: EngineOptions | None = None,
    threads: int = 1,
    device: torch.device | None = None,
    execution: Execution | None = None,
) -> np.ndarray:
    """Compute the logits of every text; leaves `module` in eval mode.

    Rows are batched by length, so almost nothing is padding. Which rows share a batch changes
    logits by rounding only.

    Parameters
    ----------
    module
        `module(input_ids=, attention_mask=)` returns an object with `.logits` [b, classes].
    tokens
        n texts.
    options, threads, device
        Of a new execution.
    execution
        One that is running already, as in a training loop, instead of a new one.

    Returns
    -------
    array
        float32 [n, classes], in the order of the token file.
    """
    if execution is None:
        execution = Execution(options or EngineOptions(), threads, device)
        with execution.running(module, tokens, seed=0):
            return predict_module(module, tokens, execution=execution)
    module.eval()
    if len(tokens) == 0:
        return np.zeros((0, len(tokens.meta.labels)), dtype=np.float32)
    batches = execution.prediction_batches(tokens.lengths)
    parts, done, countdown = [], 0, Countdown("texts", len(tokens))
    with torch.inference_mode():
        for rows in batches:
            parts.append(execution.logits(module, execution.collate(tokens, rows)))
            done += len(rows)
            countdown.at(done)
        in_length_order = torch.cat(parts).cpu().numpy()
    logits = np.empty_like(in_length_order)
    logits[np.concatenate(batches)] = in_length_order
    return logits


def scores(
    module: nn.Module, tokens: Tokens, execution: Execution, names: Sequence[str]
) -> dict[str, float]:
    """Some of `evaluation.EVERY_SCORE` inside a running execution.

    NaN where one is undefined; all of them are where a logit is not finite.
    """
    logits = predict_module(module, tokens, execution=execution)
    if not len(tokens) or not np.isfinite(logits).all():
        return dict.fromkeys(names, float("nan"))
    return Evaluation(logits, tokens.labels).values(names)


def predict(
    model_dir: Path,
    weights: Mapping[int, Path | None],
    tokens: Path,
    *,
    dataset: str,
    method: str,
    seed: int,
    kept_epoch: int,
    engine: dict[str, Any],
    threads: int,
    target: Path,
    split: str = "test",
    held_out_by: Path | None = None,
    provenance: Provenance | None = None,
) -> None:
    """Write the prediction file of a checkpoint folder for one or several epochs' weights.

    Parameters
    ----------
    model_dir
        The checkpoint folder.
    weights
        Each epoch's safetensors file, or None for the folder's own weights.
    tokens
        Token file to predict.
    dataset, method, seed, kept_epoch
        Are recorded.
    engine
        The config's `engine:` block.
    threads
        CPU threads.
    target
        Prediction file to write.
    split
        That the tokens are of; is recorded where it is not the test split.
    held_out_by
        Row subset; only the rows that it leaves out are predicted.
    provenance
        Is recorded, too.
    """
    from safetensors.torch import load_model
    from transformers import AutoModelForSequenceClassification

    limit_onednn_cache(SHAPES)
    data = read_tokens(tokens)
    if held_out_by is not None:
        data = data.take(row_subset.read(held_out_by, len(data)).held_out)
    module = AutoModelForSequenceClassification.from_pretrained(model_dir, dtype=torch.float32)
    own_storage(module)
    execution = Execution(EngineOptions.of(engine), threads)
    # the folder's own weights first: they are loaded already, the others replace them
    epochs = sorted(weights, key=lambda epoch: weights[epoch] is not None)
    logits: dict[int, np.ndarray] = {}
    with execution.running(module, data, seed=seed):
        for epoch in epochs:
            if (path := weights[epoch]) is not None:
                load_model(module, path, device=str(execution.device))
            logger.info("%s: weights of epoch %d", dataset, epoch)
            logits[epoch] = predict_module(module, data, execution=execution)
    meta = {
        "dataset": dataset, "method": method, "seed": seed,
        "labels": data.meta.labels, "kept_epoch": kept_epoch,
        "made_from": {"tokens": sha256(tokens)} | {
            f"epoch {epoch}": sha256(weights[epoch] or model_dir / "model.safetensors")
            for epoch in epochs
        },
    } | predictions.of_split(split)  # fmt: skip
    predictions.write(target, data.ids, data.labels, logits, meta, provenance)
