"""From texts to the probabilities of classes, by the runs of one method.

A fine-tuned model runs in the engine, with the options it was trained and evaluated with; a
baseline through `load`, which all kinds have. Either way new texts get the logits that the rows of
the test split got.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from finetone.baselines import fit_predict
from finetone.cards.sections import cut_of
from finetone.errors import UserError
from finetone.labelling.choice import Choice, Run
from finetone.statistics.metrics import log_softmax
from finetone.statistics.scaling import scaled

Logits = npt.NDArray[np.float32]


class Classifier(Protocol):
    """The runs of one method. What `prepare` returns may be made while others are classified."""

    def prepare(self, texts: list[str]) -> Any:
        """Whatever `logits` reads of n texts, at least one."""
        ...

    def unknown(self, prepared: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None:
        """Of n texts, how many tokens [n] the tokenizer does not know, of how many [n].

        None where there is no such token.
        """
        ...

    def logits(self, prepared: Any) -> list[Logits]:
        """Of each run, logits [n, classes]."""
        ...


@contextmanager
def loaded(choice: Choice, threads: int) -> Iterator[Classifier]:
    """The runs of a method, ready to classify inside the block.

    Parameters
    ----------
    choice
        The method and its runs.
    threads
        CPU threads.
    """
    with ExitStack() as stack:
        if choice.runs[0].record.kind == "finetune":
            yield Models(choice.runs, threads, stack)
        else:
            yield Baselines(choice.runs, threads)


class Models:
    """Fine-tuned models with one tokenizer; they run in `stack`, from the first texts on."""

    def __init__(self, runs: Sequence[Run], threads: int, stack: ExitStack) -> None:
        from finetone.data import tokenization
        from finetone.engine.fast.memory import limit_onednn_cache
        from finetone.engine.predict import SHAPES

        limit_onednn_cache(SHAPES)
        self._runs, self._threads, self._stack = runs, threads, stack
        self._running: list[Any] = []
        checkpoint = runs[0].folder / "checkpoint"
        self._max_length = max_length(runs[0])
        self._tokenizer = tokenization.load_tokenizer(checkpoint)
        self._pad = tokenization.pad_token(self._tokenizer, checkpoint)

    def prepare(self, texts: list[str]) -> Any:
        """Token ids of the texts."""
        from finetone.data.tokenization import as_tokens

        labels = self._runs[0].record.labels
        return as_tokens(self._tokenizer, texts, labels, self._max_length, self._pad)

    def unknown(self, prepared: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None:
        token = self._tokenizer.unk_token_id
        if token is None:
            return None
        row = np.repeat(np.arange(len(prepared)), prepared.lengths)
        found = np.bincount(row[prepared.input_ids == token], minlength=len(prepared))
        return found, prepared.lengths

    def logits(self, prepared: Any) -> list[Logits]:
        from finetone.engine.predict import predict_module

        if not self._running:
            self._running = [self._run(run, prepared) for run in self._runs]
        return [
            predict_module(module, prepared, execution=execution)
            for module, execution in self._running
        ]

    def _run(self, run: Run, tokens: Any) -> tuple[Any, Any]:
        """A module and its execution, whose fast ways are tried on the first texts."""
        import torch
        from transformers import AutoModelForSequenceClassification

        from finetone.engine.execution import Execution
        from finetone.engine.recipe import EngineOptions
        from finetone.models.checkpoint import own_storage

        folder = run.folder / "checkpoint"
        module = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
        own_storage(module)
        execution = Execution(EngineOptions.of(run.record.engine), self._threads)
        self._stack.enter_context(execution.running(module, tokens, seed=run.record.seed))
        return module, execution


class Baselines:
    """Methods without pretraining, which read texts themselves."""

    def __init__(self, runs: Sequence[Run], threads: int) -> None:
        self._predictors = [fit_predict.predictor(run.folder / "model", threads) for run in runs]

    def prepare(self, texts: list[str]) -> list[str]:
        return texts

    def unknown(self, prepared: Any) -> None:
        return None

    def logits(self, prepared: list[str]) -> list[Logits]:
        step = fit_predict.CHUNK
        return [
            np.concatenate([of(prepared[i : i + step]) for i in range(0, len(prepared), step)])
            for of in self._predictors
        ]


def probabilities(choice: Choice, logits: Sequence[Logits]) -> npt.NDArray[np.float64]:
    """[n, classes], the mean over runs, of logits divided by the temperature if all have one."""
    found = [
        np.exp(log_softmax(scaled(each, run.temperature or 1.0) if choice.calibrated else each))
        for run, each in zip(choice.runs, logits, strict=True)
    ]
    return np.asarray(np.mean(found, axis=0))


def max_length(run: Run) -> int:
    """Tokens that the texts of a fine-tuned model were cut to.

    Raises
    ------
    UserError
        It is of an early version, and its card does not say so either.
    """
    if run.record.max_length is not None:
        return run.record.max_length
    card = run.folder / "checkpoint" / "README.md"
    stated = cut_of(card.read_text(encoding="utf-8")) if card.is_file() else None
    if stated is None:
        raise UserError(
            f"{run.folder / 'run.json'}: does not say how many tokens texts were cut to; delete it "
            "and train again"
        )
    return stated
