"""How fast this machine trains and predicts, measured in seconds with the engine itself."""

import time
from collections.abc import Callable

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification

from finetone.engine.execution import Execution
from finetone.engine.hardware import devices
from finetone.engine.objective import Classification, gradients
from finetone.engine.recipe import EngineOptions, Recipe, adamw
from finetone.formats.token_file import Tokens, TokensMeta
from finetone.proposal.cost import BACKWARD, Machine, Rates, Shape

SEED = 0
# Matrices of small and of base models: narrow ones use a processor less well than wide ones.
SHAPES = (Shape(layers=3, hidden=384), Shape(layers=2, hidden=768))
VOCABULARY = 2000  # tables of embeddings cost next to nothing, however large
TOKENS, MOST_TEXTS = 1024, 64  # that are read at once
SECONDS = 0.8  # of each of four measurements, or one step
LATEST = 4.0  # seconds after which the wider shape is not begun
SEVERAL = 0.85  # what a thread of several does of what one alone does


def measure(lengths: np.ndarray, batch_size: int, cores: int) -> Machine:
    """Time training and prediction of small encoders with random weights, in a few seconds.

    On a CPU one thread is timed, in its own time: what others do at the same moment hardly matters.

    Parameters
    ----------
    lengths
        Tokens of texts like those to come, int64 [n].
    batch_size
        Texts of a training step.
    cores
        That there will be.
    """
    device = devices.pick()
    several = 1 if device.type == "cuda" or cores == 1 else SEVERAL * cores
    began = time.perf_counter()
    texts = _texts(lengths, batch_size)
    train: dict[int, float] = {}
    predict: dict[int, float] = {}
    shares = []
    for shape in SHAPES:
        if train and time.perf_counter() - began > LATEST:
            break
        work = shape.flops(texts.lengths)
        seconds, share = _seconds(shape, texts)
        train[shape.hidden] = several * BACKWARD * work / seconds[0]
        predict[shape.hidden] = several * work / seconds[1]
        shares.append(share)
    return Machine(devices.name(device), Rates(train, predict), min(shares))


def _texts(lengths: np.ndarray, batch_size: int) -> Tokens:
    """Random tokens in texts of all lengths."""
    count = int(np.clip(TOKENS / lengths.mean(), 1, min(batch_size, MOST_TEXTS)))
    chosen = np.quantile(lengths, (np.arange(count) + 0.5) / count).astype(np.int64)
    chosen = np.maximum(chosen, 3)
    random = np.random.default_rng(SEED)
    return Tokens(
        np.arange(count),
        random.integers(0, 2, count),
        np.concatenate([[0], np.cumsum(chosen)]),
        random.integers(5, VOCABULARY, int(chosen.sum()), dtype=np.int32),
        TokensMeta(["0", "1"], int(chosen.max()), 0),
    )


def _seconds(shape: Shape, texts: Tokens) -> tuple[list[float], float]:
    """Seconds to learn from all texts once and to predict them, and the least share of a processor."""
    torch.manual_seed(SEED)
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=shape.hidden,
        intermediate_size=4 * shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=12,
        max_position_embeddings=max(16, int(texts.lengths.max())),
    )
    module = BertForSequenceClassification(config)
    execution, rows = Execution(EngineOptions(), 1), np.arange(len(texts))
    with execution.running(module, texts, SEED, training_texts=[texts]):
        optimizer, objective = adamw(module, Recipe()), Classification(texts)

        def train() -> None:
            module.train()
            optimizer.zero_grad()
            gradients(module, objective, rows, execution)
            optimizer.step()

        def predict() -> None:
            module.eval()
            with torch.inference_mode():
                execution.logits(module, execution.collate(texts, rows))

        timed = [_time(task, execution.device) for task in (train, predict)]
    return [seconds for seconds, _ in timed], min(share for _, share in timed)


def _time(task: Callable[[], None], device: torch.device) -> tuple[float, float]:
    """Seconds that a task takes with a processor of its own, and the share in which it had one."""
    task()  # pays for memory and kernels
    clock = time.thread_time if device.type == "cpu" else time.process_time
    _wait(device)
    steps, start, processor = 0, time.perf_counter(), clock()
    while not steps or time.perf_counter() - start < SECONDS:
        task()
        _wait(device)
        steps += 1
    taken = time.perf_counter() - start
    share = min(1.0, (clock() - processor) / taken)
    return share * taken / steps, share


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
