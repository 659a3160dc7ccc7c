"""Checks before a run leave no trace, cannot end it, and find how a model is to be padded."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf

from finetone.engine import execution as executions
from finetone.engine.batches import collate
from finetone.engine.execution import Execution
from finetone.engine.predict import predict_module
from finetone.engine.recipe import EngineOptions
from finetone.formats.token_file import Tokens
from finetone.models.snapshot import untouched
from tests.unit.engine.zoo import EOS, PAD, SIZES, VOCABULARY, model, texts

CPU = torch.device("cpu")
FP32 = EngineOptions(precision="fp32")


def alone(module: Any, tokens: Tokens) -> np.ndarray:
    """Logits of plain transformers, one text at a time."""
    with torch.no_grad():
        batches = [collate(tokens, np.array([row]), CPU) for row in range(len(tokens))]
        logits = [module(input_ids=b.input_ids, attention_mask=b.attention_mask) for b in batches]
    return torch.cat([each.logits for each in logits]).numpy()


@pytest.mark.parametrize("padding_free", ["auto", "off"])
@pytest.mark.parametrize("architecture", ["gpt2", "bart"])
@pytest.mark.parametrize("token", [PAD, EOS])
def test_the_tokens_that_heads_look_for_may_be_words(
    architecture: str, token: int, padding_free: str
) -> None:
    """Anywhere in a text: GPT-2 skips pad tokens at the end, BART counts ends of text."""
    module, tokens = model(architecture), texts([30, 17, 3, 64, 9, 12])
    ends = tokens.offsets[1:] - 1
    tokens.input_ids[ends[0] - 4] = token
    tokens.input_ids[ends[3] - 9 : ends[3] - 6] = token
    if architecture == "gpt2":
        tokens.input_ids[[ends[1], ends[2], ends[2] - 1]] = token
    expected = alone(module, tokens)
    options = EngineOptions(precision="fp32", padding_free=padding_free)
    logits = predict_module(module, tokens, options=options, device=CPU)
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("padding_free", ["auto", "off"])
def test_padding_stands_on_the_side_that_the_head_reads(padding_free: str) -> None:
    torch.manual_seed(0)
    config = hf.XLNetConfig(
        vocab_size=VOCABULARY, d_model=48, n_layer=2, n_head=4, d_inner=96, pad_token_id=PAD
    )
    module = hf.XLNetForSequenceClassification(config).eval()
    for parameter in module.parameters():
        parameter.data *= 3 if parameter.ndim > 1 else 1
    tokens = texts([30, 17, 3, 64, 9, 12])
    expected = alone(module, tokens)
    options = EngineOptions(precision="fp32", padding_free=padding_free)
    execution = Execution(options, 1, CPU)
    with execution.running(module, tokens, 0):
        logits = predict_module(module, tokens, execution=execution)
        batch = execution.collate(tokens, np.array([0, 2]))
    assert execution.plan.padding_side == "left" and not execution.plan.padding_matters
    assert batch.attention_mask[1].tolist() == [0] * 27 + [1] * 3
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5)


def bigbird() -> Any:
    torch.manual_seed(0)
    sizes = SIZES | {"max_position_embeddings": 128, "block_size": 4, "num_random_blocks": 1}
    return hf.BigBirdForSequenceClassification(hf.BigBirdConfig(**sizes)).eval()


def test_bigbird_attends_alike_to_short_and_long_texts_and_stays_as_it_was() -> None:
    module, tokens = bigbird(), texts([100, 5, 60, 9, 90])
    before = copy.deepcopy(module)
    sparse = module.bert.attention_type
    full = copy.deepcopy(module)
    full.bert.set_attention_type("original_full")
    execution = Execution(FP32, 1, CPU)
    with execution.running(module, tokens, 0):
        logits = predict_module(module, tokens, execution=execution)
    np.testing.assert_allclose(logits, alone(full, tokens), rtol=1e-4, atol=1e-5)
    assert "full attention for all texts" in execution.record()["notes"][0]
    assert module.bert.attention_type == sparse == "block_sparse"
    for a, b in zip(module.modules(), before.modules(), strict=True):
        assert type(a) is type(b)
    batch = collate(tokens, np.array([0]), CPU)
    with torch.no_grad():
        torch.testing.assert_close(module(batch.input_ids).logits, before(batch.input_ids).logits)


def test_what_is_tried_leaves_no_trace() -> None:
    module = bigbird().train()
    module.register_buffer("seen", torch.zeros(1))
    types = [type(part) for part in module.modules()]
    config = copy.deepcopy(vars(module.config))
    torch.manual_seed(5)
    np.random.seed(5)
    drawn = torch.rand(1), np.random.rand()
    torch.manual_seed(5)
    np.random.seed(5)
    with untouched(module):
        module.eval()
        module(torch.full((1, 5), 7))  # exchanges its attention for good
        module.seen += 1
        module.config.num_labels = 9
        module.new = "attribute"
        torch.rand(3)
        np.random.rand(3)
    assert module.training and all(part.training for part in module.modules())
    assert [type(part) for part in module.modules()] == types
    assert module.bert.attention_type == "block_sparse"
    assert module.seen.item() == 0 and not hasattr(module, "new")
    assert vars(module.config) == config
    assert (torch.rand(1), np.random.rand()) == drawn


def test_a_check_that_fails_means_plain_execution(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise IndexError("out of range")

    monkeypatch.setattr(executions, "choose", broken)
    module, tokens = model("bert"), texts([5, 9, 30])
    execution = Execution(FP32, 1, CPU)
    with execution.running(module, tokens, 0):
        logits = predict_module(module, tokens, execution=execution)
    assert execution.notes == ["executed plainly, unchecked: IndexError: out of range"]
    assert execution.record()["padding_free"] is False
    np.testing.assert_allclose(logits, alone(module, tokens), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_what_does_not_run_in_bf16_runs_in_fp32(training: bool) -> None:
    torch.manual_seed(0)
    module = hf.DebertaForSequenceClassification(
        hf.DebertaConfig(**SIZES, relative_attention=True, pos_att_type=["c2p", "p2c"])
    )
    tokens = texts([5, 9, 30])
    execution = Execution(EngineOptions(precision="bf16"), 1, CPU)
    with execution.running(module, tokens, 0, training_texts=[tokens] if training else []):
        logits = predict_module(module, tokens, execution=execution)
    assert execution.precision == "fp32" and execution.record()["precision"] == "fp32"
    assert execution.notes[0].startswith("fp32, for it does not run in bf16: RuntimeError")
    np.testing.assert_allclose(logits, alone(module, tokens), rtol=1e-4, atol=1e-5)
    assert all(parameter.grad is None for parameter in module.parameters())
