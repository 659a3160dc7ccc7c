"""Medians over rounds: their intervals hold, and too few rounds are said."""

import numpy as np
import pytest

from finetone.statistics.variance.order_statistics import over_rounds, rounds_for


@pytest.mark.parametrize(("n", "exact"), [(6, 0.96875), (9, 0.9609375), (18, 0.9691162)])
def test_the_interval_holds_for_skewed_times(n: int, exact: float) -> None:
    random = np.random.default_rng(n)
    median, all_of_them = np.log(2), np.ones(n, dtype=bool)
    found = [over_rounds(random.exponential(size=n), all_of_them, 0.95) for _ in range(4000)]
    covered = np.mean([each.low <= median <= each.high for each in found])
    assert covered == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 4000))


def test_one_odd_round_of_nine_does_not_stretch_the_interval() -> None:
    values = np.array([1.0, 1.01, 1.02, 1.03, 1.04, 1.05, 1.06, 1.07, 9.0])
    assert over_rounds(values, np.ones(9, dtype=bool), 0.95) == (1.04, 1.01, 1.07, False)


def test_disturbed_rounds_are_left_out_while_enough_are_left() -> None:
    values = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 5.0, 6.0, 7.0])
    assert over_rounds(values, values < 2, 0.95) == (1.0, 1.0, 1.0, False)
    few = np.array([True] * 5 + [False] * 4)
    assert over_rounds(values, few, 0.95) == (1.0, 1.0, 6.0, True)  # of all nine


@pytest.mark.parametrize(("confidence", "least"), [(0.5, 2), (0.9, 5), (0.95, 6), (0.99, 8)])
def test_rounds_that_a_confidence_takes(confidence: float, least: int) -> None:
    assert rounds_for(confidence) == least
    assert 1 - 2 * 0.5**least >= confidence > 1 - 2 * 0.5 ** (least - 1)
