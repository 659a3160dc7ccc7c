"""Padding-free execution gives the numbers of padded execution, for every architecture."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from finetone.engine.batches import cheapest_cut, collate
from finetone.engine.execution import Execution
from finetone.engine.fast import attention, grouped_attention
from finetone.engine.fast.attention import packed
from finetone.engine.fast.groups import Seen
from finetone.engine.fast.packing import Packing
from finetone.engine.fast.unpad import unpadded
from finetone.engine.objective import Classification, gradients
from finetone.engine.predict import predict_module
from finetone.engine.recipe import EngineOptions
from tests.unit.engine.zoo import CONFIGS, EOS, PAD, UNPADDED, WINDOWED, model, texts

CPU = torch.device("cpu")
TORCHS_DROPOUT = F.dropout
BATCHES = {
    "mixed": [30, 17, 1, 30, 5, 64, 29, 28, 27],
    "equal": [12, 12, 12, 12],
    "one row": [23],
    "one token": [1],
    "one row of as many tokens as heads": [4],
    "as many rows as heads": [9, 5, 7, 3],
    "one-token text among others": [1, 9],
    "long": [78, 77, 41, 40],
}


def run(
    module: nn.Module, lengths: list[int], padding_free: str, precision: str = "fp32"
) -> tuple[torch.Tensor, torch.Tensor, Execution]:
    """Eval-mode logits and all gradients of the mean loss, flattened."""
    tokens = texts(lengths)
    execution = Execution(EngineOptions(precision=precision, padding_free=padding_free), 1, CPU)
    with execution.running(module, tokens, 0):
        module.eval()
        module.zero_grad()
        batch = collate(tokens, np.arange(len(tokens)), CPU)
        logits = execution.logits(module, batch)
        F.cross_entropy(logits, batch.labels).backward()
    grads = [p.grad.flatten() for p in module.parameters() if p.grad is not None]
    return logits.detach(), torch.cat(grads), execution


def distance(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).norm() / b.norm())


@pytest.mark.parametrize("name", BATCHES)
@pytest.mark.parametrize("architecture", UNPADDED)
def test_logits_and_gradients_agree(architecture: str, name: str) -> None:
    module = model(architecture)
    expected, slope, _ = run(module, BATCHES[name], "off")
    before = attention.calls
    logits, gradient, execution = run(module, BATCHES[name], "auto")
    assert execution.plan.padding_free and not execution.notes
    assert attention.calls > before
    assert distance(logits, expected) < 1e-5
    assert distance(gradient, slope) < 1e-5


@pytest.mark.parametrize("architecture", WINDOWED)
def test_windows_are_those_of_the_configuration(architecture: str) -> None:
    """Texts are longer than the window, so that without it the logits would be others."""
    lengths, logits = [78, 40, 70, 9], {}
    for window in (12, 1000):
        module = model(architecture)
        module.config.sliding_window = window
        expected, _, _ = run(module, lengths, "off")
        logits[window], _, execution = run(module, lengths, "auto")
        assert execution.plan.padding_free
        assert distance(logits[window], expected) < 1e-5
    assert distance(logits[12][[0, 1, 2]], logits[1000][[0, 1, 2]]) > 1e-3


def test_a_layer_that_does_not_attend_is_padded() -> None:
    """It would mix the tokens of texts that lie behind one another."""
    module = model("bert")

    module.bert.encoder.layer[1].attention.self.forward = lambda hidden, *a, **m: (hidden, None)
    _, _, execution = run(module, [9, 5], "auto")
    assert not execution.plan.padding_free
    assert "BertLayer does not attend" in execution.notes[0]


@pytest.mark.parametrize("longest", [0, 1000], ids=["fused", "by products"])
@pytest.mark.parametrize("architecture", UNPADDED)
def test_predictions_agree(
    architecture: str, longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without gradients long rows take torch's fused attention, short ones plain products."""
    monkeypatch.setattr(grouped_attention, "FUSED", longest)
    module, tokens = model(architecture), texts(BATCHES["mixed"])
    expected, _, _ = run(module, BATCHES["mixed"], "off")
    logits = predict_module(module, tokens, options=EngineOptions(precision="fp32"), device=CPU)
    assert distance(torch.from_numpy(logits), expected) < 1e-5


@pytest.mark.parametrize("architecture", UNPADDED)
def test_bf16_differs_from_fp32_by_rounding_only(architecture: str) -> None:
    module = model(architecture)
    expected, slope, _ = run(module, BATCHES["mixed"], "off")
    padded, padded_slope, _ = run(module, BATCHES["mixed"], "off", "bf16")
    logits, gradient, execution = run(module, BATCHES["mixed"], "auto", "bf16")
    assert execution.plan.padding_free
    # no further from the truth than autocast on padded batches, give or take noise
    assert distance(logits, expected) < max(0.02, 2 * distance(padded, expected))
    assert distance(gradient, slope) < max(0.05, 2 * distance(padded_slope, slope))


@pytest.mark.parametrize("architecture", [a for a in UNPADDED if a != "bart"])
def test_padding_may_stand_on_the_left(architecture: str) -> None:
    """Our batches never have it, but the mask decides where tokens are, not a convention."""
    module = model(architecture)
    ids = torch.tensor([[PAD, PAD, PAD, 7, 9, EOS], [5, 6, 7, 8, 9, EOS], [PAD, 4, 5, 6, 7, EOS]])
    mask = ids != PAD
    packing = Packing(mask.sum(1).numpy(), mask.shape[1], mask.flatten().nonzero().squeeze(1))
    with torch.no_grad():
        expected = module.base_model(input_ids=ids, attention_mask=mask.long())[0]
        with unpadded(module), packed(packing, None):
            hidden = module.base_model(input_ids=ids, attention_mask=mask.long())[0]
    torch.testing.assert_close(hidden[mask], expected[mask], rtol=1e-5, atol=1e-5)


def test_gpt2_reads_the_last_real_token_and_bart_its_eos() -> None:
    for architecture in ("gpt2", "bart"):
        module = model(architecture)
        tokens = texts([6, 20])
        changed = texts([6, 20])
        changed.input_ids[4] = 3 if tokens.input_ids[4] != 3 else 4  # just before the last of row 0
        first, second = (predict_module(module, t, device=CPU) for t in (tokens, changed))
        assert not np.allclose(first[0], second[0], atol=1e-4)
        np.testing.assert_allclose(first[1], second[1], atol=1e-5)


@pytest.mark.parametrize("architecture", CONFIGS)
def test_predictions_do_not_depend_on_who_shares_the_batch(architecture: str) -> None:
    module = model(architecture)
    tokens = texts(BATCHES["mixed"])
    options = EngineOptions(precision="fp32")
    together = predict_module(module, tokens, options=options, device=CPU)
    for row in range(len(tokens)):
        ids = tokens.input_ids[tokens.offsets[row] : tokens.offsets[row + 1]].astype(np.int64)
        with torch.no_grad():
            alone = module(
                input_ids=torch.from_numpy(ids)[None],
                attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            ).logits
        np.testing.assert_allclose(together[row], alone[0], rtol=1e-4, atol=1e-5)


def test_a_batch_is_cut_where_that_saves_padding() -> None:
    assert cheapest_cut(np.full(16, 256)) == 1  # nothing to save, and weights would be passed again
    assert cheapest_cut(np.array([512] * 8 + [16] * 8)) == 2
    assert cheapest_cut(np.array([60, 12, 9])) == cheapest_cut(np.array([7])) == 1
    assert cheapest_cut(np.geomspace(8, 512, 64).astype(int)) > 2


@pytest.mark.parametrize("architecture", sorted(set(CONFIGS) - set(UNPADDED)))
def test_padded_models_take_micro_batches_of_similar_length_with_the_same_gradients(
    architecture: str,
) -> None:
    """Also ConvBERT, whose logits depend on padding: each part has all that the batch has."""
    lengths = np.random.default_rng(0).integers(2, 80, 64).tolist()
    module, tokens, rows = model(architecture), texts(lengths), np.arange(64)
    execution = Execution(EngineOptions(precision="fp32"), 1, CPU)
    with execution.running(module, tokens, 0):
        cut = [part for part, _ in execution.micro_batches(tokens.lengths)]
        loss, correct = gradients(module, Classification(tokens), rows, execution).tolist()
    ours = [p.grad.clone() for p in module.parameters() if p.grad is not None]
    assert not execution.plan.padding_free
    assert execution.plan.padding_matters is (architecture == "convbert")
    assert "padding stays" in execution.notes[0]
    assert len(cut) > 1 and sorted(np.concatenate(cut)) == list(range(64))
    module.zero_grad()
    batch = collate(tokens, rows, CPU)
    logits = module(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
    expected = F.cross_entropy(logits, batch.labels)
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    assert correct == (logits.argmax(1) == batch.labels).sum()
    theirs = [p.grad for p in module.parameters() if p.grad is not None]
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_what_does_not_agree_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should transformers change under us, the engine pads and says so."""
    module = model("bert")
    tokens = texts(BATCHES["mixed"])
    expected = predict_module(
        module, tokens, options=EngineOptions(precision="fp32", padding_free="off"), device=CPU
    )

    def wrong(*arguments: object, **more: object) -> tuple[torch.Tensor, None]:
        out, weights = attention.attention(*arguments, **more)  # type: ignore[arg-type]
        return (out * 1.01, weights) if attention.current() else (out, weights)

    def broken(*arguments: object, **more: object) -> tuple[torch.Tensor, None]:
        if attention.current():
            raise TypeError("unexpected argument")
        return attention.attention(*arguments, **more)  # type: ignore[arg-type]

    for replacement, reason in ((wrong, "logits differ"), (broken, "unexpected argument")):
        attention.AttentionInterface.register(attention.NAME, replacement)
        try:
            execution = Execution(EngineOptions(precision="fp32"), 1, CPU)
            with execution.running(module, tokens, 0):
                logits = predict_module(module, tokens, execution=execution)
        finally:
            attention.AttentionInterface.register(attention.NAME, attention.attention)
        assert not execution.plan.padding_free and reason in execution.notes[0]
        np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


def test_a_transformers_without_our_hooks_place_means_padding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "finetone.engine.fast.unpad", None)  # its import fails
    module, tokens = model("bert"), texts([5, 9])
    execution = Execution(EngineOptions(precision="fp32"), 1, CPU)
    with execution.running(module, tokens, 0):
        assert predict_module(module, tokens, execution=execution).shape == (2, 2)
    assert (
        not execution.plan.padding_free
        and "padding stays: ModuleNotFoundError" in execution.notes[0]
    )


def test_models_that_drop_layers_are_padded() -> None:
    module = model("bart")
    module.config.encoder_layerdrop = 0.1
    execution = Execution(EngineOptions(precision="fp32"), 1, CPU)
    with execution.running(module, texts([5, 9]), 0):
        assert not execution.plan.padding_free


def test_a_model_is_left_as_it_was() -> None:
    module = model("gpt2")
    before = (module.config.to_dict(), module.config._attn_implementation)
    run(module, [5, 9], "auto")
    assert (module.config.to_dict(), module.config._attn_implementation) == before
    hooks = [m for m in module.modules() if m._forward_pre_hooks or m._forward_hooks]
    assert hooks == []


@contextmanager
def no_dropout_but_attention(module: nn.Module, p: float) -> Iterator[None]:
    for layer in module.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    for layer in module.modules():
        if isinstance(getattr(layer, "dropout", None), nn.Dropout) and hasattr(layer, "query"):
            layer.dropout.p = p
    module.train()
    yield
    module.eval()


@pytest.mark.parametrize(("causal", "biased"), [(True, False), (False, False), (False, True)])
@pytest.mark.parametrize("lengths", [[7, 5, 5], [32, 30], [90, 80, 4]])
def test_gradients_with_dropout_are_those_of_the_masks_drawn(
    lengths: list[int], causal: bool, biased: bool
) -> None:
    """The hand-written backward against torch's, through the very same dropout masks."""
    torch.manual_seed(0)
    heads, d, p, scale = 2, 4, 0.4, 0.5
    packing = Packing.right_padded(np.array(lengths), max(lengths), CPU)
    tokens = packing.tokens
    q, k, v = (torch.randn(tokens, heads, d, requires_grad=True) for _ in range(3))
    slope = torch.randn(tokens, heads, d)
    bias = torch.randn(heads, max(lengths), max(lengths), requires_grad=True) if biased else None
    learned = [q, k, v, *([bias] if bias is not None else [])]

    class Fixed:
        """Hands out fixed masks, and remembers them."""

        def __init__(self) -> None:
            self.masks: list[torch.Tensor] = []

        def drop_sign(self, x: torch.Tensor, p: float) -> torch.Tensor:
            self.masks.append((torch.rand(x.shape) >= p).to(x.dtype))
            return x.mul_(2 * self.masks[-1] - 1)

    stream = Fixed()
    apply = grouped_attention.GroupedAttention.apply
    out = apply(q, k, v, bias, packing, scale, Seen(causal), p, stream)
    ours = torch.autograd.grad(out, learned, slope)
    expected, row = torch.zeros_like(out), 0
    ends = np.cumsum(lengths)
    for group, mask in zip(packing.groups, stream.masks, strict=True):
        drawn = mask.view(group.texts, heads, *mask.shape[1:])
        for own in drawn:  # groups hold the texts from long to short, as these are
            length, end = lengths[row], ends[row]
            text = slice(end - length, end)
            Q, K, V = (x[text].transpose(0, 1) for x in (q, k, v))
            scores = scale * Q @ K.transpose(1, 2)
            if bias is not None:
                scores = scores + bias[:, :length, :length]
            if causal:
                later = torch.ones(length, length).triu(1).bool()
                scores = scores.masked_fill(later, float("-inf"))
            P = scores.softmax(-1) * own[:, :length, :length] / (1 - p)
            expected[text] = (P @ V).transpose(0, 1)
            row += 1
    theirs = torch.autograd.grad(expected, learned, slope)
    torch.testing.assert_close(out, expected)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b)


def test_losses_with_dropout_are_distributed_as_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mean and spread of the training loss over many draws, padded torch against ours."""
    module = model("bert", seed=3)
    tokens = texts([20, 11, 6, 17], seed=1)
    batch = collate(tokens, np.arange(4), CPU)
    draws: dict[str, list[float]] = {"off": [], "auto": []}
    for padding_free, losses in draws.items():
        execution = Execution(EngineOptions(precision="fp32", padding_free=padding_free), 1, CPU)
        torch.manual_seed(1)
        with execution.running(module, tokens, 5), monkeypatch.context() as patched:
            if padding_free == "off":
                patched.setattr(F, "dropout", TORCHS_DROPOUT)
            module.train()
            for _ in range(200):
                with torch.no_grad():
                    logits = execution.logits(module, batch)
                losses.append(float(F.cross_entropy(logits, batch.labels)))
    a, b = np.array(draws["off"]), np.array(draws["auto"])
    error = np.sqrt(a.var() / len(a) + b.var() / len(b))
    assert a.std() > 0
    assert abs(a.mean() - b.mean()) < 4 * error
    assert 0.8 < a.std() / b.std() < 1.25
