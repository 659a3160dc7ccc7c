"""Both estimators against drawing, and against what is known of them."""

from itertools import combinations, product

import numpy as np
import pytest

from finetone.statistics.best_of_trials import expected_best, expected_best_of_different

SCORES = np.array([0.7, 0.9, 0.6, 0.85, 0.7])


def test_dodge_is_the_mean_over_all_draws_with_replacement() -> None:
    found = expected_best(SCORES)
    for k in (1, 2, 3):
        every = [max(draw) for draw in product(SCORES, repeat=k)]
        assert found[k - 1] == pytest.approx(np.mean(every))


def test_tang_is_the_mean_over_all_choices_of_different_trials() -> None:
    found = expected_best_of_different(SCORES)
    for k in range(1, 6):
        every = [max(chosen) for chosen in combinations(SCORES, k)]
        assert found[k - 1] == pytest.approx(np.mean(every))


def test_more_trials_are_never_worse_and_one_is_the_mean() -> None:
    for found in (expected_best(SCORES), expected_best_of_different(SCORES)):
        assert found[0] == pytest.approx(SCORES.mean()) and (np.diff(found) > 0).all()
    assert expected_best_of_different(SCORES)[-1] == SCORES.max() > expected_best(SCORES)[-1]
    assert expected_best(np.empty(0)).size == expected_best_of_different(np.empty(0)).size == 0


def test_many_trials_overflow_nothing() -> None:
    scores = np.random.default_rng(1).random(400)
    for found in (expected_best(scores), expected_best_of_different(scores)):
        assert np.isfinite(found).all() and (np.diff(found) >= -1e-12).all()
