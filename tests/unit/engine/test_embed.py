"""Frozen models: vectors are plain transformers', pooled as asked, on either side of the padding."""

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers as hf
from torch import nn

from finetone.engine import embed as embedding
from finetone.engine.embed import Embedder, encoder, pool
from finetone.engine.execution import Execution
from finetone.engine.recipe import EngineOptions
from finetone.errors import UserError
from finetone.files import write_json
from finetone.formats.embedding_file import read_embeddings
from tests.unit.engine import zoo
from tests.unit.engine.test_finetune import write_tokens

LENGTHS = [3, 9, 30, 2, 17, 8, 8]
FP32 = {"precision": "fp32"}
POOLINGS = ("mean", "first", "last")


def xlnet() -> nn.Module:
    """A model that is padded on the left."""
    torch.manual_seed(0)
    config = hf.XLNetConfig(
        vocab_size=zoo.VOCABULARY, d_model=32, n_layer=2, n_head=4, d_inner=48, num_labels=2,
        pad_token_id=zoo.PAD,
    )  # fmt: skip
    module: nn.Module = hf.AutoModelForSequenceClassification.from_config(config)
    return module.eval()


def model(architecture: str) -> nn.Module:
    return xlnet() if architecture == "xlnet" else zoo.model(architecture)


def alone(body: nn.Module, tokens: zoo.Tokens, pooling: str) -> np.ndarray:
    """Plain transformers, one text at a time: there is no padding to be on any side."""
    found = []
    for start, end in zip(tokens.offsets, tokens.offsets[1:], strict=False):
        ids = torch.from_numpy(tokens.input_ids[start:end].astype(np.int64))[None]
        with torch.inference_mode():
            states = body(input_ids=ids).last_hidden_state[0]
        chosen = {"mean": states.mean(0), "first": states[0], "last": states[-1]}
        found.append(chosen[pooling].numpy())
    return np.stack(found)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize(
    "architecture", ["bert", "gpt2", "bart", "modernbert", "xlnet", "convbert"]
)
def test_vectors_are_those_of_plain_transformers(
    monkeypatch: pytest.MonkeyPatch, architecture: str, pooling: str
) -> None:
    tokens, whole = zoo.texts(LENGTHS), model(architecture)
    monkeypatch.setattr(embedding, "classifier", lambda *given: whole)
    module = encoder(Path("model"), tokens, pooling)
    execution = Execution(EngineOptions.of(FP32), 1)
    with execution.running(module, tokens, 0):
        found = embedding.vectors(module, tokens, execution)
    body: nn.Module = whole.base_model
    expected = alone(body.get_encoder() if architecture == "bart" else body, tokens, pooling)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    if architecture == "xlnet":
        assert not execution.plan.padding_matters
    elif architecture != "convbert":
        assert execution.plan.padding_free


@pytest.mark.parametrize(
    ("architecture", "pooling"),
    [("bert", "mean"), ("bart", "mean"), ("xlnet", "mean"), ("gpt2", "last"), ("llama", "last")],
)
def test_auto_is_the_last_token_where_it_alone_has_seen_the_text(
    monkeypatch: pytest.MonkeyPatch, architecture: str, pooling: str
) -> None:
    whole = model(architecture)
    monkeypatch.setattr(embedding, "classifier", lambda *given: whole)
    assert encoder(Path("model"), zoo.texts(LENGTHS), "auto").pooling == pooling


def test_of_the_last_layer_only_the_pooled_token_is_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens = zoo.texts(LENGTHS)
    monkeypatch.setattr(embedding, "classifier", lambda *given: zoo.model("bert"))
    seen = []
    for pooling in POOLINGS:
        module, execution = (
            encoder(Path("m"), tokens, pooling),
            Execution(EngineOptions.of(FP32), 1),
        )
        with execution.running(module, tokens, 0):
            seen.append(execution.plan.pooled_token)
    assert seen == [None, "first", "last"]


@pytest.mark.parametrize("pooling", POOLINGS)
def test_padding_on_either_side_is_not_pooled(pooling: str) -> None:
    states = torch.randn(2, 5, 3)
    right = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    left, moved = right.flip(1), torch.stack([states[0].roll(2, 0), states[1]])
    found = pool(states, right, pooling)
    torch.testing.assert_close(pool(moved, left, pooling), found)
    expected = {"mean": states[0, :3].mean(0), "first": states[0, 0], "last": states[0, 2]}
    torch.testing.assert_close(found[0], expected[pooling])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    hf.BertModel(hf.BertConfig(**zoo.SIZES)).save_pretrained(tmp_path / "bert")
    write_json(tmp_path / "bert/manifest.json", {})
    write_tokens(tmp_path / "texts.arrow", zoo.texts(LENGTHS))
    return tmp_path


def test_a_file_says_how_it_was_made(folder: Path) -> None:
    target = folder / "out.arrow"
    embedding.embed(
        folder / "bert", folder / "texts.arrow", "auto", engine=FP32, threads=1, target=target
    )
    found, tokens = read_embeddings(target), zoo.texts(LENGTHS)
    assert (found.meta.pooling, found.meta.layer) == ("mean", 2)
    assert found.meta.labels == ["no", "yes"] and found.meta.seconds > 0
    assert found.meta.execution["padding_free"] is True
    assert found.meta.parameters["total"] == sum(
        each.numel() for each in hf.BertModel.from_pretrained(folder / "bert").parameters()
    )
    np.testing.assert_array_equal(found.ids, tokens.ids)
    np.testing.assert_array_equal(found.labels, tokens.labels)
    again = Embedder(folder / "bert", "mean", FP32, 1)(tokens)
    np.testing.assert_allclose(again, found.vectors, atol=1e-6)


def test_no_texts_have_no_vectors(folder: Path) -> None:
    assert Embedder(folder / "bert", "mean", FP32, 1)(zoo.texts([])).shape == (0, 48)


def test_a_model_without_a_vector_per_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    config = hf.FunnelConfig(
        vocab_size=zoo.VOCABULARY, d_model=32, n_head=4, d_head=8, d_inner=48, block_sizes=[1, 1]
    )
    whole = hf.FunnelForSequenceClassification(config)
    monkeypatch.setattr(embedding, "classifier", lambda *given: whole)
    with pytest.raises(UserError, match=r"models\.funnel: a funnel gives no vector per token"):
        encoder(Path("funnel"), zoo.texts(LENGTHS), "auto")
