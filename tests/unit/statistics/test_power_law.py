"""Power laws are found again, and none rises above what is possible."""

import numpy as np
import pytest

from finetone.statistics.power_law import excess, fit

ROWS = np.array([100.0, 300.0, 1000.0, 3000.0])
EVEN = np.ones(4)


def law_of(limit: float, scale: float, exponent: float) -> np.ndarray:
    return limit - scale * ROWS**-exponent


@pytest.mark.parametrize("truth", [(0.92, 1.5, 0.4), (0.8, 4.0, 0.7), (0.95, 0.6, 0.15)])
def test_an_exact_law_is_found(truth: tuple[float, float, float]) -> None:
    found = fit(ROWS, law_of(*truth)[None, :], EVEN, 1.0)
    assert found.exponent[0] == pytest.approx(truth[2], rel=0.06)  # to the grid
    assert found.limit[0] == pytest.approx(truth[0], abs=0.01)
    for rows in (100, 3000, 6000):
        expected = truth[0] - truth[1] * rows ** -truth[2]
        assert found.at(rows)[0] == pytest.approx(expected, abs=0.002)
    gain = truth[1] * (3000 ** -truth[2] - 4000 ** -truth[2])
    assert found.gain(3000, 1000)[0] == pytest.approx(gain, rel=0.1)


def test_many_curves_at_once_are_as_one_by_one() -> None:
    scores = 0.8 + 0.1 * np.random.default_rng(3).random((450, 4)).cumsum(axis=1) / 4
    weights = np.array([1.0, 2.0, 5.0, 9.0])
    together = fit(ROWS, scores, weights, 1.0)
    for place in (0, 210, 449):
        alone = fit(ROWS, scores[place : place + 1], weights, 1.0)
        assert alone.at(5000)[0] == pytest.approx(together.at(5000)[place])


def test_no_law_falls_or_rises_above_the_best_score() -> None:
    scores = np.array([[0.9, 0.8, 0.7, 0.6], [0.7, 0.8, 0.9, 1.0], [0.5, 0.5, 0.5, 0.5]])
    found = fit(ROWS, scores, EVEN, 1.0)
    assert (found.limit <= 1).all() and (found.scale >= 0).all()
    assert (found.gain(3000, 1e9) >= 0).all() and found.gain(3000, 1000)[0] == 0
    losses = fit(ROWS, -np.array([[0.9, 0.6, 0.4, 0.3]]), EVEN, 0.0)
    assert losses.limit[0] <= 0 and losses.gain(3000, 1000)[0] > 0


def test_weights_decide_where_points_contradict_each_other() -> None:
    scores = np.array([[0.6, 0.9, 0.7, 0.8]])
    trusted = np.array([1.0, 1e-6, 1.0, 1.0])
    assert abs(fit(ROWS, scores, trusted, 1.0).at(300)[0] - 0.9) > 0.1
    assert fit(ROWS, scores, np.array([1, 1e6, 1, 1.0]), 1.0).at(300)[0] == pytest.approx(0.9, abs=0.01)  # fmt: skip


def test_a_misfit_widens_and_a_fit_does_not() -> None:
    exact, off = law_of(0.9, 1.5, 0.4), np.array([0.6, 0.9, 0.7, 0.8])
    variances = np.full(4, 1e-4)
    for scores, wider in ((exact, False), (off, True)):
        law = fit(ROWS, scores[None, :], EVEN, 1.0)
        assert (excess(ROWS, scores, variances, law) > 1) is wider
    three = fit(ROWS[:3], off[None, :3], EVEN[:3], 1.0)
    assert excess(ROWS[:3], off[:3], variances[:3], three) == 1.0
