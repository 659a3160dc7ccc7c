"""Weights of classes and smoothed labels: plain torch's loss, while the history shows the plain one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from finetone.engine import batches, loop
from finetone.engine.execution import Execution
from finetone.engine.objective import Classification, gradients
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.errors import UserError
from tests.unit.engine.test_loop import CPU, Bag, toy_tokens
from tests.unit.engine.zoo import model, texts

PLAIN = {"epochs": 1, "batch_size": 12, "learning_rate": 0.1}


@pytest.mark.parametrize(
    ("recipe", "smoothing", "balanced"),
    [
        ({"class_weights": "balanced"}, 0.0, True),
        ({"label_smoothing": 0.1}, 0.1, False),
        ({"class_weights": "balanced", "label_smoothing": 0.3}, 0.3, True),
    ],
)
def test_a_step_is_plain_torchs_and_the_history_shows_the_plain_loss(
    tmp_path: Path, recipe: dict[str, Any], smoothing: float, balanced: bool
) -> None:
    ours, theirs = Bag(), Bag()
    ours.dropout.p = 0.0
    tokens = toy_tokens(12, seed=3)
    training = loop.train(
        ours, tokens, Recipe.of(PLAIN | recipe), EngineOptions(precision="fp32"), 3,
        state=tmp_path, device=CPU,
    )  # fmt: skip
    counts = np.bincount(tokens.labels)
    assert counts[0] != counts[1] and counts.sum() == 12
    weight = torch.tensor(12 / (2 * counts), dtype=torch.float32) if balanced else None
    batch = batches.collate(tokens, np.arange(12), CPU)
    theirs.eval()
    logits = theirs(batch.input_ids, batch.attention_mask).logits
    given = {"weight": weight, "label_smoothing": smoothing, "reduction": "sum"}
    (F.cross_entropy(logits, batch.labels, **given) / 12).backward()
    torch.optim.AdamW(theirs.parameters(), lr=0.1, weight_decay=0.01).step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b)
    shown = training.history.column("loss").to_pylist()
    assert shown == [pytest.approx(F.cross_entropy(logits, batch.labels).item(), rel=1e-5)]


@pytest.mark.parametrize("architecture", ["bert", "convbert"])  # unpadded; padded in micro-batches
def test_the_gradient_is_the_same_however_a_batch_is_executed(architecture: str) -> None:
    lengths = np.random.default_rng(0).integers(2, 80, 24).tolist()
    module, tokens, rows = model(architecture), texts(lengths), np.arange(24)
    weight = torch.tensor([0.4, 1.7, 2.0])[: len(tokens.meta.labels)]
    execution = Execution(EngineOptions(precision="fp32"), 1, CPU)
    with execution.running(module, tokens, 0):
        loss, _ = gradients(module, Classification(tokens, None, weight, 0.2), rows, execution)
    ours = [p.grad.clone() for p in module.parameters() if p.grad is not None]
    module.zero_grad()
    batch = batches.collate(tokens, rows, CPU)
    logits = module(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
    given = {"weight": weight, "label_smoothing": 0.2, "reduction": "sum"}
    (F.cross_entropy(logits, batch.labels, **given) / 24).backward()
    theirs = [p.grad for p in module.parameters() if p.grad is not None]
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
    assert loss.item() == pytest.approx(F.cross_entropy(logits, batch.labels).item(), rel=1e-5)


def test_a_class_without_a_row_has_no_weight(tmp_path: Path) -> None:
    tokens = toy_tokens(12)
    tokens.labels[:] = 1
    with pytest.raises(UserError, match=r"class_weights: balanced needs .* none of no; leave"):
        loop.train(
            Bag(), tokens, Recipe(class_weights="balanced"), EngineOptions(), 1, state=tmp_path
        )


def test_settings_that_change_nothing_are_left_out_of_the_record() -> None:
    assert {"class_weights", "label_smoothing"}.isdisjoint(Recipe().as_dict())
    assert Recipe(label_smoothing=0.1).as_dict()["label_smoothing"] == 0.1


@pytest.mark.parametrize("recipe", [{"class_weights": "equal"}, {"label_smoothing": 1.0}])
def test_other_values_are_refused(recipe: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f"recipe: {next(iter(recipe))} is"):
        Recipe.of(recipe)
