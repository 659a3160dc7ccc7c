"""Temperatures against a plain minimisation, and where there is none."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from finetone.statistics import scaling
from finetone.statistics.metrics import log_softmax


def draw(classes: int, too_sure: float, n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are `too_sure` times those that the labels were drawn from."""
    random = np.random.default_rng(classes)
    logits = random.normal(0, 1.5, (n, classes))
    noise = random.gumbel(size=(n, classes))
    return logits * too_sure, (logits + noise).argmax(axis=1)


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("too_sure", [0.5, 1.0, 3.0])
def test_it_is_the_minimum_of_the_loss(classes: int, too_sure: float) -> None:
    logits, label = draw(classes, too_sure)

    def loss(log_t: float) -> float:
        return -log_softmax(logits / np.exp(log_t))[np.arange(len(label)), label].mean()

    wanted = float(np.exp(minimize_scalar(loss, bounds=(-5, 5), method="bounded").x))
    found, reason = scaling.fit(logits, label)
    assert found == pytest.approx(wanted, rel=1e-3) and reason == ""
    assert found == pytest.approx(too_sure, rel=0.15)


@pytest.mark.parametrize(
    ("logits", "label", "reason"),
    [
        ([[2.0, 1.0], [0.0, 3.0]], [0, 1], "no row is predicted wrongly"),
        ([[2.0, 1.0], [0.0, 3.0]], [1, 0], "logits say nothing about the labels"),
        ([[0.7, 0.7], [0.7, 0.7]], [0, 1], "no row is predicted wrongly"),
        ([[0.5, 0.0], [0.5, 0.0]], [0, 1], "logits say nothing about the labels"),
        ([[0.0, -np.inf], [0.0, 1.0]], [1, 1], "a true class has probability 0"),
    ],
)
def test_where_there_is_none_it_says_why(logits: list, label: list, reason: str) -> None:
    assert scaling.fit(np.array(logits), np.array(label)) == (None, reason)


def test_an_excluded_class_does_not_matter() -> None:
    logits, label = draw(2, 2.0)
    third = np.column_stack([logits, np.full(len(label), -np.inf)])
    assert scaling.fit(third, label)[0] == pytest.approx(scaling.fit(logits, label)[0], rel=1e-6)


def test_predicted_classes_stay() -> None:
    logits, _ = draw(5, 1.0)
    assert (
        scaling.scaled(logits.astype(np.float32), 3.7).argmax(1)
        == logits.astype(np.float32).argmax(1)
    ).all()
