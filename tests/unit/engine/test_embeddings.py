"""Only the embeddings of tokens that occur are trained, and nobody can tell from the outside."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from finetone.engine import loop, saved_state
from finetone.engine.execution import Execution
from finetone.engine.fast import embeddings
from finetone.engine.fast.embeddings import only_used_embeddings
from finetone.engine.recipe import EngineOptions, Recipe
from tests.unit.engine.zoo import CONFIGS, EOS, PAD, USED_TOKENS, VOCABULARY, model, texts

TEXTS = texts([3, 17, 9, 30, 1, 12, 25, 8, 14, 6])
UNSEEN = slice(USED_TOKENS, VOCABULARY)


def learned(architecture: str, state: Path, weight_decay: float) -> tuple[nn.Module, dict]:
    module = model(architecture)
    recipe = Recipe(epochs=2, batch_size=4, learning_rate=1e-3, weight_decay=weight_decay)
    options = EngineOptions(precision="fp32")
    training = loop.train(
        module, TEXTS, recipe, options, 1, state=state, device=torch.device("cpu")
    )
    return module, training.execution


@pytest.mark.parametrize("architecture", CONFIGS)
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_the_same_is_learned_as_with_all_embeddings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, architecture: str, weight_decay: float
) -> None:
    cut, execution = learned(architecture, tmp_path / "cut", weight_decay)
    assert execution["notes"] == ([] if execution["padding_free"] else execution["notes"][:1])
    assert execution["embeddings_trained"] <= USED_TOKENS
    monkeypatch.setattr(embeddings, "WORTH", 0)
    whole, execution = learned(architecture, tmp_path / "whole", weight_decay)
    assert execution["embeddings_trained"] is None
    expected = whole.state_dict()
    for name, weights in cut.state_dict().items():
        if weight_decay == 0:
            assert torch.equal(weights, expected[name]), name
        else:  # one factor instead of one at every step: rounding alone differs
            torch.testing.assert_close(weights, expected[name], rtol=1e-5, atol=1e-7)
    before = model(architecture).get_input_embeddings().weight[UNSEEN]
    after = cut.get_input_embeddings().weight[UNSEEN]
    torch.testing.assert_close(after, before * (1 - 1e-3 * weight_decay) ** 6)


@pytest.mark.parametrize("architecture", ["bert", "gpt2", "bart"])
def test_the_state_dict_is_the_whole_models_inside_and_outside(architecture: str) -> None:
    module, other = model(architecture), model(architecture, seed=1)
    layer = module.get_input_embeddings()
    weight, padding, names = layer.weight, layer.padding_idx, list(module.state_dict())
    with only_used_embeddings(module, [TEXTS]) as used:
        assert used is not None and len(used.trained) < VOCABULARY
        assert sum(p.shape == used.trained.shape for p in module.parameters()) == 1  # ties hold
        module.load_state_dict(other.state_dict())
        with torch.no_grad():
            used.trained += 1
        inside = {name: value.clone() for name, value in module.state_dict().items()}
    assert layer.weight is weight and layer.padding_idx == padding
    assert list(inside) == names == list(module.state_dict())
    ids = torch.arange(VOCABULARY)
    expected = other.get_input_embeddings().weight + (torch.isin(ids, used.used))[:, None]
    torch.testing.assert_close(layer.weight, expected)
    for name, value in module.state_dict().items():
        assert torch.equal(value, inside[name]), name
    with torch.no_grad():  # knows every token again
        module(input_ids=torch.tensor([[VOCABULARY - 1, EOS]]))


def test_a_token_that_was_not_announced_is_an_error_not_another_token() -> None:
    module = model("bert")
    with only_used_embeddings(module, [TEXTS]), pytest.raises(IndexError):
        module(input_ids=torch.tensor([[3, VOCABULARY - 1]]))


def test_weights_that_do_more_than_look_up_stay_whole() -> None:
    module = model("bert")
    module.decoder = nn.Linear(48, VOCABULARY, bias=False)
    module.decoder.weight = module.get_input_embeddings().weight
    with only_used_embeddings(module, [TEXTS]) as used:
        assert used is None
    del module.decoder
    module.get_input_embeddings().weight.requires_grad_(False)
    with only_used_embeddings(module, [TEXTS]) as used:
        assert used is None


def test_a_torch_that_refuses_leaves_the_module_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AttributeError("no such hook")

    module, ids = model("bert"), torch.tensor([[5, 30, VOCABULARY - 1]])
    before = module(input_ids=ids).logits
    monkeypatch.setattr(nn.Embedding, "register_state_dict_post_hook", refuse)
    execution = Execution(EngineOptions(precision="fp32"), 1, torch.device("cpu"))
    with execution.running(module, TEXTS, 0, training_texts=[TEXTS]):
        assert execution.notes == ["all embeddings are trained: AttributeError: no such hook"]
        assert execution.record()["embeddings_trained"] is None
    assert torch.equal(module(input_ids=ids).logits, before)
    assert module.get_input_embeddings().weight.shape[0] == VOCABULARY


def test_a_state_with_other_embeddings_is_not_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another version of transformers puts other tokens into a model's configuration."""
    real, calls = loop.gradients, 0

    def dies(*arguments: object) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    def run(module: nn.Module, state: Path) -> loop.Training:
        options = EngineOptions(precision="fp32", save_every=1e-9)
        recipe = Recipe(epochs=2, batch_size=4)
        return loop.train(
            module, TEXTS, recipe, options, 1, state=state, device=torch.device("cpu")
        )

    monkeypatch.setattr(loop, "gradients", dies)
    with pytest.raises(KeyboardInterrupt):
        run(model("bert"), tmp_path / "state")
    monkeypatch.setattr(loop, "gradients", real)
    module, anew = model("bert"), model("bert")
    module.config.mask_token_id = anew.config.mask_token_id = VOCABULARY - 1
    assert run(module, tmp_path / "state").resumed == 0
    run(anew, tmp_path / "anew")
    assert saved_state.digest(module) == saved_state.digest(anew)


def test_ids_from_elsewhere_are_left_out_and_what_pads_is_kept() -> None:
    module, padded = model("bert"), replace(TEXTS, meta=replace(TEXTS.meta, pad_token_id=60))
    module.config.bos_token_id, module.config.eos_token_id = 50256, -1
    with only_used_embeddings(module, [padded]) as used:
        assert used is not None
        assert {PAD, 60} <= set(used.used.tolist()) <= {*range(USED_TOKENS), 60}


def test_padding_learns_nothing() -> None:
    module = model("bert")
    before = module.get_input_embeddings().weight[PAD].clone()
    with only_used_embeddings(module, [TEXTS]):
        ids = torch.tensor([[5, 6, PAD], [7, PAD, PAD]])
        logits = module(input_ids=ids, attention_mask=(ids != PAD).long()).logits
        logits.sum().backward()
        torch.optim.AdamW(module.parameters(), weight_decay=0).step()
    assert torch.equal(module.get_input_embeddings().weight[PAD], before)
