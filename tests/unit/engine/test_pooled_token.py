"""The last layer works on the token that the head reads only, wherever there is just one."""

import numpy as np
import pytest
import torch
from torch import nn

from finetone.engine.batches import collate
from finetone.engine.execution import Execution
from finetone.engine.fast import pooled_token
from finetone.engine.fast.packing import FILL
from finetone.engine.fast.unpad import layer_stacks
from finetone.engine.predict import predict_module
from finetone.engine.recipe import EngineOptions
from tests.unit.engine.zoo import CONFIGS, UNPADDED, model, texts

CPU = torch.device("cpu")
LENGTHS = [30, 17, 1, 30, 5, 64]
POOLED = [name for name in UNPADDED if name != "eurobert"]  # its head reads the mean of all tokens
LAST = ("gpt2", "bart", "llama", "qwen3", "gemma3", "mistral", "gpt_neox")  # others read the first


def execution(padding_free: str = "auto") -> Execution:
    return Execution(EngineOptions(precision="fp32", padding_free=padding_free), 1, CPU)


def linear_rows(module: nn.Module, layer: nn.Module) -> tuple[list[int], np.ndarray, Execution]:
    """How many tokens each linear module of `layer` works on, and the logits."""
    tokens, ours, rows = texts(LENGTHS), execution(), []
    with ours.running(module, tokens, 0):
        hooks = [
            part.register_forward_pre_hook(lambda part, args: rows.append(args[0].shape[1]))
            for part in layer.modules()
            if type(part).__name__ in ("Linear", "Conv1D")
        ]
        with torch.no_grad():
            logits = ours.logits(module.eval(), collate(tokens, np.arange(len(tokens)), CPU))
        for hook in hooks:
            hook.remove()
    return rows, logits.numpy(), ours


@pytest.mark.parametrize("architecture", [name for name in POOLED if name != "albert"])
def test_behind_its_attention_the_last_layer_sees_one_token_per_text(architecture: str) -> None:
    module = model(architecture)
    *_, before, last = layer_stacks(module)[-1]
    everywhere, _, _ = linear_rows(module, before)
    rows, _, ours = linear_rows(module, last)
    packed = -(-sum(LENGTHS) // FILL) * FILL
    assert set(everywhere) == {packed}
    assert sorted(set(rows)) == [len(LENGTHS), packed]  # keys and values need all tokens
    # GPT-NeoX's second half reads what its attention reads, not what that returns
    assert rows.count(len(LENGTHS)) >= (1 if architecture == "gpt_neox" else 3)
    assert ours.record()["token_read"] == ("last" if architecture in LAST else "first")


def test_a_layer_that_is_gone_through_again_sees_one_token_per_text_at_the_end_only() -> None:
    module = model("albert")
    ((layer,),) = layer_stacks(module)
    rows, _, ours = linear_rows(module, layer)
    packed, linear = -(-sum(LENGTHS) // FILL) * FILL, len(rows) // module.config.num_hidden_layers
    assert set(rows[: 2 * linear]) == {packed}
    assert set(rows[2 * linear :]) == {len(LENGTHS), packed}
    assert ours.record()["token_read"] == "first"


@pytest.mark.parametrize("architecture", sorted(set(CONFIGS) - set(UNPADDED)))
def test_padded_models_work_on_everything(architecture: str) -> None:
    ours = execution()
    with ours.running(model(architecture), texts(LENGTHS), 0):
        assert ours.record()["token_read"] is None


@pytest.mark.parametrize("architecture", POOLED)
def test_no_shape_of_a_batch_is_mistaken_for_another(architecture: str) -> None:
    """Batches so small that numbers of rows, tokens and heads coincide."""
    module, random = model(architecture), np.random.default_rng(0)
    ours, plain = execution(), execution("off")
    batches = [
        collate(texts(random.integers(1, 9, rows).tolist()), np.arange(rows), CPU)
        for rows in random.integers(1, 9, 60)
    ]
    with torch.no_grad():
        expected = [plain.logits(module, batch) for batch in batches]
        with ours.running(module, texts(LENGTHS), 0):
            assert ours.plan.pooled_token
            found = [ours.logits(module, batch) for batch in batches]
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_a_head_that_reads_two_tokens_gets_all() -> None:
    module = model("bert")

    class FirstTwo(nn.Module):
        def forward(self, hidden: torch.Tensor) -> torch.Tensor:
            return hidden[:, 0] + hidden[:, min(1, hidden.shape[1] - 1)]

    module.bert.pooler = FirstTwo()
    tokens = texts([9, 4, 30])
    expected = predict_module(module, tokens, execution=execution("off"))
    ours = execution()
    with ours.running(module, tokens, 0):
        logits = predict_module(module, tokens, execution=ours)
    assert ours.plan.padding_free and ours.plan.pooled_token is None and not ours.notes
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


def test_a_wrong_token_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the wrong token taken for the one that is read, all would be worked on, and it be said."""
    module, tokens = model("bert"), texts(LENGTHS)
    expected = predict_module(module, tokens, execution=execution("off"))
    monkeypatch.setattr(pooled_token, "pooled_tokens", lambda m, stacks, batch: {stacks[0]: "last"})
    ours = execution()
    with ours.running(module, tokens, 0):
        logits = predict_module(module, tokens, execution=ours)
    assert ours.plan.padding_free and ours.plan.pooled_token is None
    assert ours.notes[0].startswith("the last layer works on all tokens: ArithmeticError")
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


def test_a_layer_that_fails_leaves_nothing_behind() -> None:
    module, tokens = model("bert"), texts(LENGTHS)
    batch = collate(tokens, np.arange(len(tokens)), CPU)
    expected = predict_module(module, tokens, execution=execution("off"))
    ours = execution()
    with ours.running(module, tokens, 0):
        dense = layer_stacks(module)[-1][-1].output.dense

        def fail(part: nn.Module, args: object) -> None:
            raise torch.OutOfMemoryError

        hook = dense.register_forward_pre_hook(fail)
        with pytest.raises(torch.OutOfMemoryError):
            ours.logits(module, batch)
        hook.remove()
        logits = predict_module(module, tokens, execution=ours)
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)
