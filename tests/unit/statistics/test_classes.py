"""Precision, recall and F1 of classes, against scikit-learn and against redrawn rows."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from finetone.statistics.classes import RATIOS, ratios
from finetone.statistics.variance.covariance import shared

CLASSES = 4


def draw(n: int, seeds: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    label = random.choice(CLASSES, n, p=[0.5, 0.3, 0.15, 0.05])
    hard = random.random(n)  # hard for all seeds
    wrong = hard + 0.2 * random.normal(size=(seeds, n)) > 0.7
    return label, np.where(wrong, random.choice(CLASSES, (seeds, n)), label)


def test_values_are_scikit_learns() -> None:
    label, predicted = draw(500, 3)
    for c in range(CLASSES):
        found = ratios(label, predicted, c)
        for run, own in enumerate(predicted):
            wanted = precision_recall_fscore_support(label, own, labels=[c])[:3]
            assert [found[name].values[run] for name in RATIOS] == pytest.approx(np.ravel(wanted))


def test_the_error_over_rows_is_that_of_redrawn_rows() -> None:
    """Of the mean of two seeds, whose chance beside the rows is taken off."""
    n, repeats = 400, 2000
    label, predicted = draw(40_000, 2, seed=1)
    random = np.random.default_rng(2)
    sums: dict[str, list[np.ndarray]] = {name: [] for name in RATIOS}
    stated: dict[str, list[float]] = {name: [] for name in RATIOS}
    for _ in range(repeats):
        rows = random.integers(0, len(label), n)
        for name, found in ratios(label[rows], predicted[:, rows], 1).items():
            sums[name].append(found.values)
            stated[name].append(found.rows)
    for name, values in sums.items():
        common = np.cov(np.array(values).T)[0, 1]  # of two seeds on the same rows
        assert np.mean(stated[name]) == pytest.approx(common, rel=0.2), name


def test_what_is_undefined_is_missing() -> None:
    label, predicted = np.array([0, 0, 1]), np.array([[0, 0, 0], [0, 0, 0]])
    one = ratios(label, predicted, 1)
    assert np.isnan(one["precision"].mean) and one["recall"].mean == 0 and one["f1"].mean == 0
    two = ratios(label, predicted, 2)
    assert all(np.isnan(two[name].mean) for name in RATIOS)


def test_shared_variance() -> None:
    covariance = np.array([[4.0, 1.0], [1.0, 6.0]])
    assert shared(covariance) == 1.0 and shared(covariance[:1, :1]) == 4.0
    assert shared(np.array([[4.0, -1.0], [-1.0, 6.0]])) == 0.0
