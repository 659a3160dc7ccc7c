"""Two small networks without pretraining: BiLSTM and TextCNN, over words of the training rows.

Both are called as the engine calls every module and see real tokens only, so that the padding of
a batch changes nothing. Weights are kept as safetensors, words as JSON.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from finetone import files
from finetone.baselines import word_index
from finetone.engine import loop
from finetone.engine import state as states
from finetone.engine.predict import predict_module
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.formats.token_file import Tokens
from finetone.models import parameters
from finetone.seeds import derive

WEIGHTS = "model.safetensors"
WORDS = "words.json"
RECIPE = ("epochs", "batch_size", "learning_rate", "weight_decay", "clip_norm")
PARTS = 4  # of a batch, by length: more make the matrices too small to be fast


@dataclass
class Output:
    logits: torch.Tensor  # [b, classes]


class Net(nn.Module):
    """What both have in common: word vectors, `pool` to one vector per text, dropout, one layer."""

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
        """One vector [b, pooled] per text; must not depend on what stands where the mask is 0."""
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


class BiLSTM(Net):
    """One LSTM per direction, each unit's maximum over time (Conneau et al. 2017).

    Word vectors pass through dropout first. The right-to-left LSTM reads each text mirrored within
    its own length instead of through packed sequences: the same numbers, five times faster on a
    CPU.
    """

    def __init__(
        self, words: int, classes: int, *, embedding: int, hidden: int, dropout: float
    ) -> None:
        super().__init__(words, classes, embedding=embedding, pooled=2 * hidden, dropout=dropout)
        self.rightward = nn.LSTM(embedding, hidden, batch_first=True)
        self.leftward = nn.LSTM(embedding, hidden, batch_first=True)

    def pool(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        real = attention_mask.bool()
        place = torch.arange(input_ids.shape[1], device=input_ids.device)
        mirror = torch.where(real, attention_mask.sum(1, keepdim=True) - 1 - place, place)
        vectors = self.dropout(self.embedding(input_ids))
        mirrored = vectors.gather(1, mirror[:, :, None].expand_as(vectors))
        # a maximum over time does not ask for the order, so nothing is mirrored back
        states = torch.cat([self.rightward(vectors)[0], self.leftward(mirrored)[0]], dim=2)
        return states.masked_fill(~real[:, :, None], -torch.inf).amax(1)


class TextCNN(Net):
    """Convolutions over 3, 4 and 5 words, ReLU, and each filter's maximum over time (Kim 2014).

    A window lies wholly inside the text; a text shorter than the window has one, filled with zeros.
    """

    WIDTHS = (3, 4, 5)

    def __init__(
        self, words: int, classes: int, *, embedding: int, hidden: int, dropout: float
    ) -> None:
        pooled = hidden * len(self.WIDTHS)
        super().__init__(words, classes, embedding=embedding, pooled=pooled, dropout=dropout)
        self.convolutions = nn.ModuleList(nn.Conv1d(embedding, hidden, w) for w in self.WIDTHS)

    def pool(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        lengths = attention_mask.sum(1, keepdim=True)
        place = torch.arange(input_ids.shape[1], device=input_ids.device)
        vectors = self.embedding(input_ids) * attention_mask[:, :, None]
        vectors = F.pad(vectors.transpose(1, 2), (0, max(self.WIDTHS) - 1))
        highest = []
        for width, convolution in zip(self.WIDTHS, self.convolutions, strict=True):
            outside = place > (lengths - width).clamp(min=0)  # [b, t], by a window's first word
            windows = convolution(vectors)[:, :, : len(place)]
            highest.append(windows.masked_fill(outside[:, None, :], -torch.inf).amax(2))
        return torch.cat(highest, dim=1).relu()


KINDS: dict[str, type[BiLSTM] | type[TextCNN]] = {"bilstm": BiLSTM, "textcnn": TextCNN}


def fit(
    folder: Path,
    kind: str,
    block: dict[str, Any],
    *,
    texts: Sequence[str],
    ids: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    names: Sequence[str],
    max_length: int,
    seed: int,
    threads: int,
    engine: dict[str, Any],
    state: Path | None,
) -> tuple[dict[str, Any], dict[str, int], Recipe, loop.Training]:
    """Build the vocabulary, train with the engine's loop, write words and weights to `folder`.

    `state` is where a killed run finds itself again; without it nothing is kept in between.
    Returns (facts for `load`, parameters, recipe, what the loop says).
    """
    words = word_index.build(texts, block["vocabulary"])
    sizes = {key: block[key] for key in ("embedding", "hidden", "dropout")}
    facts = {
        "kind": kind,
        "sizes": sizes,
        "max_length": max_length,
        "labels": list(names),
        "engine": engine,
    }
    torch.manual_seed(derive(seed, "init"))
    module = KINDS[kind](len(words), len(names), **sizes)
    recipe = Recipe.of({key: block[key] for key in RECIPE})
    tokens = _tokens(texts, words, facts, ids, labels)
    with tempfile.TemporaryDirectory(prefix="finetone-") as scratchpad:
        training = loop.train(
            module,
            tokens,
            recipe,
            EngineOptions.of(engine),
            seed,
            state=state or Path(scratchpad),
            threads=threads,
        )
    files.write_json(folder / WORDS, {"words": words})
    weights = {name: tensor.cpu().contiguous() for name, tensor in module.state_dict().items()}
    save_file(weights, folder / WEIGHTS)
    return facts, parameters.count(module), recipe, training


def discard(state: Path) -> None:
    """Forget the saved state of a run whose outputs are written."""
    states.discard(state)


def load(
    folder: Path, facts: dict[str, Any], threads: int
) -> Callable[[Sequence[str]], npt.NDArray[np.float32]]:
    """The function from n texts to their logits [n, classes]."""
    words = files.read_json(folder / WORDS)["words"]
    module = KINDS[facts["kind"]](len(words), len(facts["labels"]), **facts["sizes"])
    module.load_state_dict(load_file(folder / WEIGHTS))

    def logits(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        nothing = np.zeros(len(texts), dtype=np.int64)
        tokens = _tokens(texts, words, facts, nothing, nothing)
        return predict_module(
            module, tokens, options=EngineOptions.of(facts["engine"]), threads=threads
        )

    return logits


def _tokens(
    texts: Sequence[str],
    words: Sequence[str],
    facts: dict[str, Any],
    ids: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
) -> Tokens:
    """Texts as the engine reads them, in memory."""
    numbers, offsets, cut = word_index.encode(texts, words, facts["max_length"])
    meta = {
        "labels": facts["labels"],
        "max_length": facts["max_length"],
        "pad_token_id": word_index.PAD,
        "truncated": cut,
        "rows": len(texts),
    }
    return Tokens(ids, labels, offsets, numbers, meta)
