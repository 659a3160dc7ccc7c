"""Texts as vectors: what a frozen model makes of them, pooled over the tokens of each text.

The model runs as for prediction, with all fast ways: a pooled vector takes the place of the logits,
so that every way is tried against plain execution on it.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from finetone.engine.execution import Execution
from finetone.engine.fast.memory import limit_onednn_cache
from finetone.engine.finetune import classifier
from finetone.engine.hardware import devices, machine
from finetone.engine.predict import SHAPES, predict_module
from finetone.engine.recipe import EngineOptions
from finetone.errors import UserError, first_line
from finetone.files import sha256
from finetone.formats.embedding_file import EmbeddingMeta, Embeddings, write_embeddings
from finetone.formats.token_file import Tokens, read_tokens
from finetone.log import logger
from finetone.models import layers, parameters
from finetone.models.checkpoint import quiet
from finetone.provenance import Provenance

SEED = 0  # of weights that a checkpoint lacks
TRIED = 8  # tokens of the text on which a model is tried
SAME = 1e-5  # relative difference that rounding may make


@dataclass
class Output:
    logits: torch.Tensor  # [b, width]


class Encoder(nn.Module):
    """The body of a classifier, or its encoder; `logits` of a batch are one vector per text.

    All else that the engine asks of a transformers model is answered by the body.
    """

    def __init__(self, body: nn.Module, pooling: str) -> None:
        super().__init__()
        self.body, self.pooling = body, pooling

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("body"), name)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Output:
        """Vectors of padded texts; `input_ids`, `attention_mask` int64 [b, t]."""
        return Output(
            pool(states(self.body, input_ids, attention_mask), attention_mask, self.pooling)
        )


def states(body: nn.Module, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """The last layer's output for every token, fp32 [b, t, width]."""
    found: torch.Tensor = body(input_ids=input_ids, attention_mask=attention_mask)[0]
    if found.shape[:2] != input_ids.shape:
        raise ValueError(
            f"its last layer gives {tuple(found.shape)} for {tuple(input_ids.shape)} tokens"
        )
    return found.float()


def pool(found: torch.Tensor, attention_mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """One vector per text [b, width] of its tokens' [b, t, width].

    Parameters
    ----------
    found
        The last layer's output.
    attention_mask
        1 for real tokens, int64 [b, t]; on either side may be padding.
    pooling
        "mean" of all real tokens, or the "first" or the "last" of them.
    """
    if pooling == "mean":
        real = attention_mask[:, :, None].to(found.dtype)
        return (found * real).sum(1) / real.sum(1)
    place = torch.arange(found.shape[1], device=found.device)
    real = attention_mask.bool()
    if pooling == "first":
        chosen = place.where(real, found.shape[1]).amin(1)
    else:
        chosen = place.where(real, -1).amax(1)
    return found[torch.arange(len(found), device=found.device), chosen]


def encoder(model_dir: Path, tokens: Tokens, pooling: str) -> Encoder:
    """Load a model to embed texts with.

    Parameters
    ----------
    model_dir
        Folder of a pretrained model.
    tokens
        Texts to try it on.
    pooling
        "mean", "first", "last", or "auto": the last token if a token sees only those before it, as
        in GPT-2, so that the last one alone has seen the whole text; else the mean, which serves
        encoders best that were not trained to gather a text in one token (Reimers & Gurevych 2019).

    Raises
    ------
    UserError
        The texts do not fit the model, or it gives no vector per token.
    """
    with quiet():  # of its head, which is not used, nothing need be said
        module: Any = classifier(model_dir, tokens, SEED)
    module.eval()
    body = module.base_model
    if body is not module and module.config.is_encoder_decoder:
        body = body.get_encoder()
    try:
        if body is module:
            raise ValueError("it has no body of its own")
        causal = is_causal(body, tokens)
    except Exception as error:  # in as many ways as there are architectures
        raise UserError(
            f"models.{model_dir.name}: a {module.config.model_type} gives no vector per token that "
            f"a probe could read ({first_line(error)}); take it out of the probes"
        ) from None
    if pooling == "auto":
        pooling = "last" if causal else "mean"
    return Encoder(body, pooling)


def is_causal(body: nn.Module, tokens: Tokens) -> bool:
    """Whether the first token of a text does not see the last one.

    Parameters
    ----------
    body
        In eval mode.
    tokens
        Of these, the beginning of the longest is tried, once with another last token.
    """
    if not len(tokens) or tokens.lengths.max() < 2:
        return False
    row = int(tokens.lengths.argmax())
    start = tokens.offsets[row]
    ids = tokens.input_ids[start : start + min(TRIED, int(tokens.lengths[row]))].astype(np.int64)
    other = ids.copy()
    different = tokens.input_ids[tokens.input_ids != ids[-1]]
    if not len(different):
        return False
    other[-1] = different[0]
    with torch.inference_mode():
        first = [
            states(body, torch.from_numpy(each[None]), torch.ones(1, len(ids), dtype=torch.int64))
            for each in (ids, other)
        ]
    change = (first[0][0, 0] - first[1][0, 0]).abs().max()
    return bool(change <= SAME * first[0].abs().max())


def vectors(module: Encoder, tokens: Tokens, execution: Execution) -> npt.NDArray[np.float32]:
    """The vectors of all texts inside a running execution, [n, width]."""
    if len(tokens) == 0:
        config: Any = module.config
        return np.zeros((0, config.get_text_config().hidden_size), dtype=np.float32)
    return predict_module(module, tokens, execution=execution)


class Embedder:
    """A function from texts, as tokens, to their vectors [n, width].

    Parameters
    ----------
    model_dir, pooling
        As of `encoder`.
    engine
        The config's `engine:` block.
    threads
        CPU threads.
    """

    def __init__(self, model_dir: Path, pooling: str, engine: dict[str, Any], threads: int) -> None:
        self.model_dir, self.pooling, self.engine, self.threads = (
            model_dir,
            pooling,
            engine,
            threads,
        )
        self.module: Encoder | None = None  # is loaded with the first texts, which it must fit

    def __call__(self, tokens: Tokens) -> npt.NDArray[np.float32]:
        self.module = self.module or encoder(self.model_dir, tokens, self.pooling)
        execution = Execution(EngineOptions.of(self.engine), self.threads)
        with execution.running(self.module, tokens, SEED):
            return vectors(self.module, tokens, execution)


def embed(
    model_dir: Path,
    tokens: Path,
    pooling: str,
    *,
    engine: dict[str, Any],
    threads: int,
    target: Path,
    provenance: Provenance | None = None,
) -> None:
    """Write the embeddings of a token file.

    Parameters
    ----------
    model_dir
        Folder of the pretrained model.
    tokens
        Token file of the texts.
    pooling
        As of `encoder`.
    engine
        The config's `engine:` block.
    threads
        CPU threads.
    target
        Embedding file to write.
    provenance
        Is recorded.

    Raises
    ------
    UserError
        As of `encoder`.
    """
    limit_onednn_cache(SHAPES)
    data = read_tokens(tokens)
    module = encoder(model_dir, data, pooling)
    execution = Execution(EngineOptions.of(engine), threads)
    with execution.running(module, data, SEED):
        start = time.perf_counter()
        found = vectors(module, data, execution)
        seconds = time.perf_counter() - start
    meta = EmbeddingMeta(
        labels=data.meta.labels,
        pooling=module.pooling,
        layer=layers.count(module.config),
        max_length=data.meta.max_length,
        engine=engine,
        parameters=parameters.count(module),
        seconds=seconds,
        tokens_per_s=int(data.lengths.sum()) / seconds,
        peak_memory_bytes=devices.peak_memory(execution.device),
        execution=execution.record(),
        versions=machine.versions("torch", "transformers", "numpy"),
        made_from={"tokens": sha256(tokens), "model": sha256(model_dir / "manifest.json")},
    )
    write_embeddings(target, Embeddings(data.ids, data.labels, found, meta), provenance)
    logger.info("%s: %d texts, %s of layer %d", target.name, len(data), meta.pooling, meta.layer)
