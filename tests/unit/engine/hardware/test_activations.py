"""A GPU gets no batch that does not fit into its memory, and the gradients are the same."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from finetone.engine.batches import collate
from finetone.engine.execution import NOTE, Execution
from finetone.engine.hardware.activations import Activations, measure, room
from finetone.engine.objective import Classification, gradients
from finetone.engine.recipe import EngineOptions
from tests.support.fake_gpu import MEMORY, Trace, on_fake_gpu
from tests.unit.engine.gpu_memory import needs
from tests.unit.engine.zoo import CONFIGS, model, texts

CPU = torch.device("cpu")
LONG = texts([64] * 8)


@pytest.mark.parametrize("architecture", ["bert", "gpt2", "modernbert", "squeezebert", "albert"])
def test_one_text_tells_what_a_batch_keeps(architecture: str) -> None:
    kept = []

    def count(x: torch.Tensor) -> torch.Tensor:
        if all(x.untyped_storage()._cdata != each._cdata for each in known + kept):
            kept.append(x.untyped_storage())
        return x

    with on_fake_gpu(CONFIGS[architecture](), LONG, like=model(architecture)) as (
        module,
        execution,
    ):
        found = measure(
            module,
            LONG,
            lambda text: execution.logits(module, execution.collate(text, np.arange(1))),
        )
        known = [weight.untyped_storage() for weight in module.parameters()]
        with torch.autograd.graph.saved_tensors_hooks(count, lambda x: x):
            Classification(LONG).loss(module, np.arange(8), 0, execution)
    copies = 2 * sum(weight.numel() for _, _, weight in execution.plan.casts.places)  # type: ignore[union-attr]
    assert found.bytes(LONG.lengths) + copies == pytest.approx(
        sum(each.nbytes() for each in kept), rel=0.1
    )


def test_a_batch_is_cut_where_the_next_text_does_not_fit() -> None:
    lengths = np.array([100, 50, 50, 10, 10, 10])

    def sizes(room: float, padded: bool = False) -> list[int]:
        return [len(part) for part in Activations(10, 0).parts(lengths, room, padded)]

    assert [sizes(room) for room in (2300, 2299, 1500, 1000, 1)] == [
        [6], [5, 1], [2, 4], [1, 2, 3], [1] * 6
    ]  # fmt: skip
    assert sizes(1500, padded=True) == [1, 3, 2]
    assert [len(part) for part in Activations(0, 1).parts(lengths[1:3], 2500, False)] == [1, 1]


@pytest.mark.parametrize("architecture", ["bert", "convbert"])
def test_gradients_in_parts_are_those_of_the_whole(architecture: str) -> None:
    tokens, rows = texts([30, 3, 12, 64, 9, 40]), np.arange(6)
    found = []
    for space in (np.inf, 700):
        module = model(architecture)
        execution = Execution(EngineOptions(precision="fp32"), 1, CPU)
        with execution.running(module, tokens, 0, training_texts=[tokens]):
            assert execution.activations is None, "on the CPU nothing is measured"
            execution.plan = replace(execution.plan, length_grouped=False)
            execution.activations, execution.room = Activations(10, 0), space
            module.eval()
            gradients(module, Classification(tokens), rows, execution)
            parts = execution.micro_batches(tokens.lengths)
        cut = 3 if architecture == "bert" else 6  # ConvBERT pads each part as the whole batch
        assert len(parts) == (1 if space == np.inf else cut)
        assert execution.notes.count(NOTE) == (space != np.inf)
        found.append(
            torch.cat([p.grad.flatten() for p in module.parameters() if p.grad is not None])
        )
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-6)


def test_a_gpu_knows_before_the_first_step_what_fits() -> None:
    with on_fake_gpu(CONFIGS["bert"](), LONG, like=model("bert")) as (module, execution), Trace():
        execution._measure(module, LONG)
        assert execution.activations is not None and not execution.notes
        assert 0.8 * MEMORY < execution.room == room(module, MEMORY) < 0.85 * MEMORY
        assert len(execution.micro_batches(LONG.lengths)) == 1
        execution.room = 3 * execution.activations.bytes(LONG.lengths[:1])
        assert len(execution.micro_batches(LONG.lengths)) == 3
        assert module.training and not any(p.grad is not None for p in module.parameters())


def test_what_cannot_be_measured_is_left_to_what_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    with on_fake_gpu(CONFIGS["bert"](), LONG, like=model("bert")) as (module, execution):
        monkeypatch.setattr(module, "forward", lambda **_: 1 / 0)
        execution._measure(module, LONG)
        assert execution.notes == [
            "memory of a batch is not known: ZeroDivisionError: division by zero"
        ]
        assert len(execution.micro_batches(LONG.lengths)) == 1
    assert collate(LONG, np.arange(2), CPU).lengths.tolist() == [64, 64]


@pytest.mark.parametrize(
    ("name", "gigabytes", "parts"),
    [("bert-base", 7.1, 1), ("bert-large", 21, 2), ("mpnet-base", 16, 1)],
)
def test_models_of_the_catalogue_at_32_times_512_tokens(
    name: str, gigabytes: float, parts: int
) -> None:
    found, cut = needs(name)
    assert found / 1e9 == pytest.approx(gigabytes, rel=0.05) and cut == parts
