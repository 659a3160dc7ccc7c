"""Compiled layers compute what plain ones do, and only long trainings are compiled."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from finetone.engine import loop
from finetone.engine.batches import collate
from finetone.engine.execution import Execution
from finetone.engine.fast import plan
from finetone.engine.fast.unpad import layer_stacks
from finetone.engine.recipe import EngineOptions, Recipe
from tests.unit.engine.zoo import model, texts

CPU = torch.device("cpu")
LENGTHS = np.random.default_rng(1).integers(2, 60, 24).tolist()
compiler = pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs a C++ compiler")


@pytest.fixture
def on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if compiling paid on the CPU, from three steps on."""
    monkeypatch.setitem(plan.COMPILING_PAYS, "cpu", 3)


def gradients(architecture: str, option: str, steps: int = 3) -> tuple[torch.Tensor, Execution]:
    """Of a batch without dropout, flattened."""
    module, tokens = model(architecture).eval(), texts(LENGTHS)
    execution = Execution(EngineOptions(precision="fp32", compile=option), 1, CPU)
    with execution.running(module, tokens, 0, steps=steps):
        batch = collate(tokens, np.arange(len(tokens)), CPU)
        F.cross_entropy(execution.logits(module, batch), batch.labels).backward()
    grads = [p.grad.flatten() for p in module.parameters() if p.grad is not None]
    assert not any("forward" in vars(layer) for stack in layer_stacks(module) for layer in stack)
    return torch.cat(grads), execution


@compiler
@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
@pytest.mark.usefixtures("on_the_cpu")
def test_gradients_are_those_of_plain_layers(architecture: str) -> None:
    torchs = F.dropout
    plain, without = gradients(architecture, "off")
    compiled, execution = gradients(architecture, "auto")
    assert execution.record()["compiled"] and not without.record()["compiled"]
    assert execution.plan.padding_free and not execution.notes
    torch.testing.assert_close(compiled, plain, rtol=1e-5, atol=1e-6)
    assert F.dropout is torchs


@compiler
@pytest.mark.usefixtures("on_the_cpu")
def test_a_killed_run_goes_on_bit_by_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = loop.gradients, 0

    def dies(*arguments: object) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    def run(state: Path) -> tuple[dict[str, torch.Tensor], loop.Training]:
        module = model("bert")
        recipe, options = Recipe(epochs=2, batch_size=8), EngineOptions(save_every=1e-9)
        training = loop.train(module, texts(LENGTHS), recipe, options, 3, state=state, device=CPU)
        return module.state_dict(), training

    whole, first = run(tmp_path / "whole")
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(loop, "gradients", dies)
        run(tmp_path / "killed")
    again, second = run(tmp_path / "killed")
    assert first.execution["compiled"] and second.resumed == 1
    assert first.history["loss"].equals(second.history["loss"])
    for name, weight in whole.items():
        assert torch.equal(weight, again[name]), name


@pytest.mark.usefixtures("on_the_cpu")
def test_layers_that_do_not_compile_stay_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    expected, _ = gradients("bert", "off")

    def broken(*arguments: object, **more: object) -> object:
        raise RuntimeError("no C++ compiler")

    monkeypatch.setattr(torch, "compile", lambda *_, **__: broken)
    got, execution = gradients("bert", "auto")
    assert not execution.plan.compiled and execution.plan.padding_free
    assert execution.notes == ["layers are not compiled: RuntimeError: no C++ compiler"]
    assert torch.equal(got, expected)


@pytest.mark.usefixtures("on_the_cpu")
def test_short_trainings_and_predictions_are_not_compiled() -> None:
    for steps in (0, 2):
        _, execution = gradients("bert", "auto", steps)
        assert not execution.plan.compiled and not execution.notes


def test_on_the_cpu_compiling_never_pays() -> None:
    _, execution = gradients("bert", "auto", 10**9)
    assert not execution.plan.compiled
