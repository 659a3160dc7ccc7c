"""A small network without pretraining over the words of the training rows.

It is called as the engine calls every module and sees real tokens only, so that the padding of a
batch changes nothing. Weights are kept as safetensors, words as JSON.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from finetone import files
from finetone.baselines import word_index
from finetone.baselines.baseline import Learned, Predictor, Task
from finetone.config.checking import LOSS
from finetone.engine import loop
from finetone.engine.predict import predict_module
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.formats.token_file import Tokens, TokensMeta
from finetone.models import parameters
from finetone.seeds import derive

WEIGHTS = "model.safetensors"
WORDS = "words.json"
SIZES = ("embedding", "hidden", "dropout")
RECIPE = ("epochs", "batch_size", "learning_rate", "weight_decay", "clip_norm", *LOSS)
PARTS = 4  # of a batch, by length: more make the matrices too small to be fast


@dataclass
class Output:
    logits: torch.Tensor  # [b, classes]


class Network(nn.Module):
    """Word vectors, `pool` to one vector per text, dropout, one layer."""

    libraries = ("torch",)

    def __init__(
        self, words: int, classes: int, *, embedding: int, pooled: int, dropout: float
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, embedding, padding_idx=word_index.PAD)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(pooled, classes)
        with torch.no_grad():  # torch's unit variance drowns what rare words can learn
            nn.init.normal_(self.embedding.weight, std=0.1)
            self.embedding.weight[word_index.PAD].zero_()

    def pool(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """One vector [b, pooled] per text; must not depend on what is where the mask is 0."""
        raise NotImplementedError

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Output:
        """Logits of texts padded on the right; `input_ids`, `attention_mask` int64 [b, t].

        On a CPU, where padding costs time, texts of like length are pooled together.
        """
        if input_ids.device.type != "cpu":
            pooled = self.pool(input_ids, attention_mask)
        else:
            lengths = attention_mask.sum(1)
            order = lengths.argsort(descending=True, stable=True)
            parts = []
            for rows in order.chunk(PARTS):
                longest = int(lengths[rows[0]])
                parts.append(self.pool(input_ids[rows, :longest], attention_mask[rows, :longest]))
            pooled = torch.cat(parts)[order.argsort()]
        return Output(self.classifier(self.dropout(pooled)))

    @classmethod
    def begin(cls, task: Task) -> "Start":
        """Build the vocabulary from the texts, and draw the first weights."""
        words = word_index.build(task.texts, task.settings["vocabulary"])
        sizes = {key: task.settings[key] for key in SIZES}
        facts = {
            "kind": task.kind,
            "sizes": sizes,
            "max_length": task.max_length,
            "labels": task.names,
            "engine": task.engine,
        }
        torch.manual_seed(derive(task.seed, "init"))
        module = cls(len(words), len(task.names), **sizes)
        given = {key: task.settings[key] for key in RECIPE if key in task.settings}
        return Start(module, words, facts, Recipe.of(given))

    @classmethod
    def fit(cls, task: Task, folder: Path) -> Learned:
        """Train with the engine's loop, write words and weights."""
        start = cls.begin(task)
        module, recipe = start.module, start.recipe
        training = loop.train(
            module,
            start.tokens(task),
            recipe,
            EngineOptions.of(task.engine),
            task.seed,
            state=task.state,
            threads=task.threads,
        )
        files.write_json(folder / WORDS, {"words": start.words})
        weights = {name: tensor.cpu().contiguous() for name, tensor in module.state_dict().items()}
        save_file(weights, folder / WEIGHTS)
        counts = parameters.count(module)
        measured = training.measured() | {
            "recipe": task.settings | recipe.as_dict(),
            "epochs": recipe.epochs,
            "parameters": counts,
        }
        return Learned(start.facts, counts["total"], measured, training.history)

    @classmethod
    def load(cls, folder: Path, facts: dict[str, Any], threads: int) -> Predictor:
        words = files.read_json(folder / WORDS)["words"]
        module = cls(len(words), len(facts["labels"]), **facts["sizes"])
        module.load_state_dict(load_file(folder / WEIGHTS))

        def logits(texts: Sequence[str]) -> npt.NDArray[np.float32]:
            nothing = np.zeros(len(texts), dtype=np.int64)
            tokens = _tokens(texts, words, facts, nothing, nothing)
            return predict_module(
                module, tokens, options=EngineOptions.of(facts["engine"]), threads=threads
            )

        return logits


@dataclass(frozen=True)
class Start:
    """A network before its first step."""

    module: Network
    words: list[str]
    facts: dict[str, Any]
    recipe: Recipe

    def tokens(self, task: Task) -> Tokens:
        """The rows of a task as the network reads them."""
        return _tokens(task.texts, self.words, self.facts, task.ids, task.labels)


def _tokens(
    texts: Sequence[str],
    words: Sequence[str],
    facts: dict[str, Any],
    ids: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
) -> Tokens:
    """Texts as the engine reads them, in memory."""
    numbers, offsets, cut = word_index.encode(texts, words, facts["max_length"])
    meta = TokensMeta(facts["labels"], facts["max_length"], word_index.PAD, cut, len(texts))
    return Tokens(ids, labels, offsets, numbers, meta)
