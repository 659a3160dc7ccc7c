"""Standard errors of metrics: against the bootstrap, a textbook value, and by coverage."""

import numpy as np
import pytest
from scipy.special import logsumexp

from finetone.statistics import metrics
from finetone.statistics.evaluation import OF_CONFUSION, SCORES, Evaluation
from finetone.statistics.standard_errors import standard_error

OTHERS = [name for name in SCORES if name != "accuracy"]


def evaluate(logits, label):
    run = Evaluation(logits, label)
    return {name: run.value(name) for name in OTHERS}


def standard_errors(logits, label):
    run = Evaluation(logits, label)
    return {name: standard_error(run.influence(name)) for name in OTHERS}


def draw(random, n, classes, skill=1.0):
    label = random.choice(
        classes, n, p=np.linspace(1, 2, classes) / np.linspace(1, 2, classes).sum()
    )
    logits = random.normal(size=(n, classes))
    logits[np.arange(n), label] += skill
    return logits, label


@pytest.mark.parametrize("classes", [2, 3])
def test_they_agree_with_the_bootstrap(classes):
    random = np.random.default_rng(classes)
    logits, label = draw(random, 900, classes)
    found = standard_errors(logits, label)
    again = []
    for _ in range(1500):
        rows = random.integers(0, 900, 900)
        values = evaluate(logits[rows], label[rows])
        again.append([values[name] for name in found])
    for (name, error), spread in zip(found.items(), np.std(again, axis=0), strict=True):
        # the bootstrap's own error is 2 %; bins that move with the rows make ECE's the roughest
        assert error == pytest.approx(spread, rel=0.25 if name == "ece" else 0.1), name


def test_auc_is_delongs():
    """By the definition, pair by pair: placements of every positive and negative row, with ties."""
    random = np.random.default_rng(5)
    logits, label = draw(random, 60, 2)
    logits = logits.round(1)
    odds = (logits[:, 1] - logits[:, 0]).round(6)
    positive, negative = odds[label == 1], odds[label == 0]
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    v10, v01 = wins.mean(axis=1), wins.mean(axis=0)
    delong = np.sqrt(v10.var(ddof=1) / len(positive) + v01.var(ddof=1) / len(negative))
    logits = np.c_[np.zeros(60), odds]
    assert standard_errors(logits, label)["auc"] == pytest.approx(delong, rel=0.02)


def test_undefined_metrics_have_none():
    label = np.array([0, 1, 1, 0])
    same = np.tile([1.0, 0.0], (4, 1))  # always the first class
    assert np.isnan(standard_errors(same, label)["mcc"])
    certain = np.array([[0.0, -np.inf]] * 4)
    assert np.isnan(standard_errors(certain, label)["loss"])
    one = standard_errors(np.array([[1.0, 0.0]]), np.array([0]))
    assert all(np.isnan(error) for error in one.values())


@pytest.mark.parametrize("classes", [2, 3, 6])
@pytest.mark.parametrize("metric", list(OF_CONFUSION))
def test_metrics_of_a_confusion_have_their_derivatives_as_influences(metric, classes):
    random = np.random.default_rng(classes)
    logits, label = draw(random, 3000, classes + 1)
    logits[:, -1] -= 2
    label = label % classes  # the last class is predicted only
    run = Evaluation(logits, label)
    table = metrics.confusion(label, run.predicted, classes + 1)
    value, step = OF_CONFUSION[metric][0], 1e-2

    def moved(cell, by):
        changed = table.astype(float)
        changed.flat[cell] += by
        margins = metrics.Margins(changed.sum(axis=1), changed.sum(axis=0), changed.diagonal())
        return value(margins)

    def slope(cell, step):
        return (moved(cell, step) - moved(cell, -step)) / (2 * step)

    for row in range(100):
        cell = label[row] * (classes + 1) + run.predicted[row]
        wanted = (4 * slope(cell, step) - slope(cell, 2 * step)) / 3 * 3000  # Richardson 1911
        assert run.influence(metric)[row] == pytest.approx(wanted, abs=1e-9)


def test_auc_of_many_classes_ranks_exact_log_odds():
    """Against each class's odds by definition, with ruled-out, equal and very sure classes."""
    random = np.random.default_rng(3)
    logits, label = draw(random, 400, 7, 3.0)
    logits = logits.round(1)
    logits[:40, 2] += 60
    logits[40:60, 4] = -np.inf
    found = dict(metrics.log_odds(logits))
    for c, odds in found.items():
        wanted = logits[:, c] - logsumexp(np.delete(logits, c, axis=1), axis=1)
        np.testing.assert_allclose(odds, wanted, rtol=1e-12, atol=1e-12)
