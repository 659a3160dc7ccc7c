"""How long methods train and predict here: the same texts, engine and threads for all."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import torch

from finetone.engine.embed import encoder
from finetone.engine.execution import Execution
from finetone.engine.fast.memory import limit_onednn_cache
from finetone.engine.fast.packing import shapes
from finetone.engine.finetune import classifier
from finetone.engine.hardware import devices
from finetone.engine.objective import Classification, gradients
from finetone.engine.recipe import EngineOptions, Recipe, adamw
from finetone.engine.timing import Method, Run, in_turn
from finetone.formats import rounds
from finetone.formats.rounds import Rounds, TimedMethod
from finetone.formats.token_file import Tokens, read_tokens
from finetone.provenance import Provenance

SEED = 0  # of new weights
TASKS = ("train", "predict")
BATCH_SIZE = 32  # of rows where no model says how many

Predict = Callable[[Sequence[str]], Any]  # from texts to logits


@dataclass(frozen=True)
class Model:
    """A model to time."""

    folder: Path
    tokens: Path  # token file of the rows
    batch_size: int  # of training


@dataclass(frozen=True)
class Probe:
    """A probe to time: its frozen model, and its classifier."""

    model: str  # one of the timed models
    pooling: str
    classify: Callable[[npt.NDArray[np.float32]], Any]  # from embeddings [n, width]


def measure(
    models: Mapping[str, Model],
    baselines: Mapping[str, Callable[[], Predict]],
    train: Path,
    *,
    probes: Mapping[str, Probe] | None = None,
    engine: dict[str, Any],
    threads: int,
    tasks: Collection[str] = TASKS,
    target: Path,
    provenance: Provenance | None = None,
) -> None:
    """Time all methods in turn and write speed/rounds.json.

    Parameters
    ----------
    models
        By name; their training and prediction are timed.
    baselines
        By name, what loads the function from texts to logits; only prediction is timed.
    probes
        By name; only prediction is timed, from tokens on as that of models.
    train
        The split to take rows from; the token files have the same rows in the same order.
    engine
        The config's `engine:` block.
    threads
        CPU threads.
    tasks
        Those of TASKS to time.
    target
        File to write.
    provenance
        Is recorded.
    """
    texts = pq.read_table(train, columns=["text"])["text"].to_pylist()
    tokens = {name: read_tokens(model.tokens) for name, model in models.items()}
    kernels = [shapes(tokens[name].lengths, each.batch_size) for name, each in models.items()]
    limit_onednn_cache(max(kernels, default=1024))
    options, device = EngineOptions.of(engine), devices.pick()
    precision = Execution(options, threads).precision  # sets the threads of all others, too
    methods: dict[str, Method] = {
        name: partial(_model, model, tokens[name], options, threads, tasks)
        for name, model in models.items()
    }
    methods |= {name: partial(_baseline, load, texts) for name, load in baselines.items()}
    for name, probe in (probes or {}).items():
        folder, of_model = models[probe.model].folder, tokens[probe.model]
        methods[name] = partial(_probe, probe, folder, of_model, options, threads)
    lengths = next((each.lengths for each in tokens.values()), np.array([*map(len, texts)]))
    batch_size = max((model.batch_size for model in models.values()), default=BATCH_SIZE)
    rows, timed = in_turn(methods, lengths, batch_size, device)
    found = {name: TimedMethod(timed[name]) for name in [*baselines, *(probes or {})]} | {
        name: TimedMethod(
            timed[name],
            tokens=np.array([tokens[name].lengths[each].sum() for each in rows]),
            batch_size=model.batch_size,
            precision=precision,
        )
        for name, model in models.items()
    }
    about = (len(rows[0]), device.type, devices.name(device), threads)
    rounds.write(target, Rounds(found, *about), provenance)


@contextmanager
def _model(
    model: Model, data: Tokens, options: EngineOptions, threads: int, tasks: Collection[str]
) -> Iterator[dict[str, Run]]:
    """A model, running in the fast ways that its training takes."""
    module = classifier(model.folder, data, SEED)
    execution = Execution(options, threads)
    with execution.running(module, data, SEED, training_texts=[data]):
        optimizer, objective = adamw(module, Recipe()), Classification(data)

        def train(rows: np.ndarray) -> None:
            module.train()
            for start in range(0, len(rows), model.batch_size):
                optimizer.zero_grad()
                gradients(module, objective, rows[start : start + model.batch_size], execution)
                optimizer.step()

        def predict(rows: np.ndarray) -> None:
            optimizer.zero_grad()
            module.eval()
            with torch.inference_mode():
                for batch in execution.prediction_batches(data.lengths[rows]):
                    execution.logits(module, execution.collate(data, rows[batch]))

        both = {"train": train, "predict": predict}
        yield {task: both[task] for task in tasks}


@contextmanager
def _probe(
    probe: Probe, folder: Path, data: Tokens, options: EngineOptions, threads: int
) -> Iterator[dict[str, Run]]:
    """A frozen model and the classifier on what it makes of texts."""
    module = encoder(folder, data, probe.pooling)
    execution = Execution(options, threads)
    with execution.running(module, data, SEED):

        def predict(rows: np.ndarray) -> None:
            with torch.inference_mode():
                found = [
                    execution.logits(module, execution.collate(data, rows[batch]))
                    for batch in execution.prediction_batches(data.lengths[rows])
                ]
                probe.classify(torch.cat(found).cpu().numpy())

        yield {"predict": predict}


@contextmanager
def _baseline(load: Callable[[], Predict], texts: Sequence[str]) -> Iterator[dict[str, Run]]:
    """A method without pretraining."""
    predictor = load()
    yield {"predict": lambda rows: predictor([texts[row] for row in rows])}
