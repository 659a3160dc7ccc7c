"""Standard errors of metrics: against the bootstrap, a textbook value, and by coverage."""

import numpy as np
import pytest

from finetone.statistics.evaluation import SCORES, Evaluation
from finetone.statistics.intervals import metric_over_seeds
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


def test_intervals_over_seeds_and_rows_cover():
    """A seed's skill and the rows are drawn anew 400 times; the loss of all seeds and rows is known."""
    random, truth = np.random.default_rng(8), []
    for _ in range(400):
        logits, label = draw(random, 2000, 2, 1 + 0.15 * random.normal())
        truth.append(evaluate(logits, label)["loss"])
    hits = 0
    for _ in range(400):
        runs = [draw(random, 300, 2, 1 + 0.15 * random.normal()) for _ in range(4)]
        values = np.array([evaluate(*run)["loss"] for run in runs])
        errors = np.array([standard_errors(*run)["loss"] for run in runs])
        low, high = metric_over_seeds(values, errors, 0.95, bounds=(0.0, np.inf))
        hits += low <= np.mean(truth) <= high
    assert hits / 400 > 0.93  # errs on the wide side: rows are not shared here


def test_one_seed_has_the_rows_alone_and_bounds_hold():
    low, high = metric_over_seeds(np.array([0.5]), np.array([0.1]), 0.95)
    assert (low, high) == pytest.approx((0.5 - 0.196, 0.5 + 0.196), abs=1e-3)
    assert metric_over_seeds(np.array([0.99]), np.array([0.1]), 0.95, bounds=(0.0, 1.0))[1] == 1.0
    assert np.isnan(
        metric_over_seeds(np.array([np.nan]), np.array([0.1]), 0.95, bounds=(0.0, 1.0))
    ).all()
