"""Logistic regression with weights and smoothed labels is what plain torch minimises to."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import sparse

from finetone.baselines import logistic
from finetone.data.class_weights import balanced

DRAW = np.random.default_rng(2)
FEATURES = DRAW.normal(size=(80, 5))
LABELS = {
    2: (FEATURES[:, 0] + DRAW.normal(size=80) > 1).astype(np.int64),
    3: np.digitize(FEATURES[:, 0] + DRAW.normal(size=80), [0.3, 1.5]),
}
C = 2.0


def by_torch(classes: int, weights: np.ndarray | None, smoothing: float) -> np.ndarray:
    """Logits [80, classes], centred, of the minimum that torch's L-BFGS finds in double precision."""
    matrix = torch.zeros(classes, 6, dtype=torch.float64, requires_grad=True)
    x, y = torch.from_numpy(FEATURES), torch.from_numpy(LABELS[classes])
    weight = None if weights is None else torch.from_numpy(weights)
    optimizer = torch.optim.LBFGS([matrix], max_iter=500, tolerance_grad=1e-10, line_search_fn="strong_wolfe")  # fmt: skip

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        logits = x @ matrix[:, :-1].T + matrix[:, -1]
        loss = F.cross_entropy(logits, y, weight=weight, label_smoothing=smoothing, reduction="sum")
        # scikit-learn's convention: one vector of log odds is penalised where there are two classes
        square = matrix[:, :-1].square().sum() * (2 if classes == 2 else 1)
        total = C * loss + square / 2
        total.backward()
        return total

    optimizer.step(closure)
    logits = x @ matrix[:, :-1].T + matrix[:, -1]
    return (logits - logits.mean(1, keepdim=True)).detach().numpy()


def fit(features: Any, labels: np.ndarray, **more: Any) -> logistic.Linear:
    return logistic.fit(features, labels, int(labels.max()) + 1, C, 1, "baselines.x", **more)


def centred(fit: logistic.Linear) -> np.ndarray:
    logits = FEATURES @ fit.coefficients.T + fit.intercepts
    return logits - logits.mean(axis=1, keepdims=True)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("classes", [2, 3])
def test_equals_plain_torch(classes: int, weighted: bool, smoothing: float) -> None:
    weights = balanced(LABELS[classes], list("abc")[:classes]) if weighted else None
    for features in (FEATURES, sparse.csr_matrix(FEATURES)):
        found = fit(features, LABELS[classes], class_weights=weights, label_smoothing=smoothing)
        assert found.present.tolist() == list(range(classes))
        expected = by_torch(classes, weights, smoothing)
        np.testing.assert_allclose(centred(found), expected, atol=2e-4)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_least_smoothing_changes_the_least(classes: int) -> None:
    plain = fit(FEATURES, LABELS[classes])
    smooth = fit(FEATURES, LABELS[classes], label_smoothing=1e-9)
    np.testing.assert_allclose(centred(smooth), centred(plain), atol=1e-3)


def test_classes_count_by_their_number_also_where_one_is_absent() -> None:
    labels = np.where(LABELS[3] == 1, 2, LABELS[3])
    for smoothing in (0.0, 0.1):
        found = fit(FEATURES, labels, label_smoothing=smoothing)
        assert found.present.tolist() == [0, 2] and found.coefficients.shape == (2, 5)


def test_balanced_weights_have_the_mean_one() -> None:
    weights = balanced(LABELS[3], list("abc"))
    assert weights[LABELS[3]].mean() == pytest.approx(1)
    sums = [weights[label] * (LABELS[3] == label).sum() for label in range(3)]
    np.testing.assert_allclose(sums, sums[0])
