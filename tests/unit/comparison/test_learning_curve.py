"""Gains and crossings, and how sure they are."""

import numpy as np
import pytest

from finetone.comparison.learning_curve import Curves, curves_of
from finetone.comparison.scores import Scores, made_of

ROWS = [100, 300, 1000, 3000]
LAWS = {"slow": (0.95, 2.0, 0.35), "quick": (0.85, 1.0, 0.4)}


def expected(method: str, rows: float) -> float:
    limit, scale, exponent = LAWS[method]
    return limit - scale * rows**-exponent


def drawn(
    random: np.random.Generator, seeds: int = 3, n: int = 600, sd: float = 0.015
) -> list[Scores]:
    """Scores of two methods whose rows are hard or easy for both."""
    easy = random.random(n)
    found = []
    for rows in ROWS:
        blocks = {}
        for method in LAWS:
            accuracies = expected(method, rows) + sd * (100 / rows) ** 0.5 * random.normal(
                size=seeds
            )
            own = np.where(random.random((seeds, n)) < 0.6, easy, random.random((seeds, n)))
            blocks[method] = (own < accuracies[:, None]).astype(float)
        found.append(made_of("accuracy", blocks, np.arange(n) % 2, np.array([True, True])))
    return found


@pytest.fixture(scope="module")
def curves() -> Curves:
    return curves_of(drawn(np.random.default_rng(4), seeds=5, n=4000), ROWS, 0)


def test_the_gain_of_more_rows_and_the_score_that_they_lead_to(curves: Curves) -> None:
    law = curves.law("slow")
    assert law is not None
    gain, low, high = law.gain(1000, 0.95)
    assert low < expected("slow", 4000) - expected("slow", 3000) < high
    assert 0 <= low < gain < high < 0.03
    score, low, high = law.score(6000, 0.95)
    assert low < score < high and low < expected("slow", 6000) < high
    assert law.limit(0.95)[2] <= 1 and law.exponent(0.95)[0] > 0


def test_a_higher_confidence_is_a_wider_interval(curves: Curves) -> None:
    law = curves.law("quick")
    assert law is not None
    widths = [np.ptp(law.gain(1000, level)[1:]) for level in (0.5, 0.9, 0.99)]
    assert widths == sorted(widths) and widths[0] < widths[-1]


def test_where_curves_cross(curves: Curves) -> None:
    crossing = curves.crossing("slow", "quick")
    assert crossing is not None
    assert (crossing.few, crossing.many) == ("quick", "slow")
    grid = np.geomspace(100, 3000, 2000)
    true = grid[np.argmin(np.abs([expected("slow", n) - expected("quick", n) for n in grid]))]
    low, high = crossing.interval(0.95)
    assert low < true < high and low < crossing.rows < high
    assert crossing.share > 0.95
    other = curves.crossing("quick", "slow")
    assert other is not None and (other.few, other.rows) == (crossing.few, crossing.rows)


def scores_at(*accuracies: float) -> Scores:
    """Two methods of these accuracies on 200 rows."""
    blocks = {
        method: (np.arange(200) < 200 * accuracy)[None].astype(float)
        for method, accuracy in zip(LAWS, accuracies, strict=True)
    }
    return made_of("accuracy", blocks, np.arange(200) % 2, np.array([False, False]))


def test_curves_that_meet_at_a_point_cross_there() -> None:
    found = [scores_at(0.6, 0.7), scores_at(0.75, 0.75), scores_at(0.75, 0.75), scores_at(0.9, 0.8)]
    crossing = curves_of(found, ROWS, 0).crossing("slow", "quick")
    assert crossing is not None
    assert (crossing.few, crossing.many) == ("quick", "slow")
    assert crossing.rows == pytest.approx(1000), "the last number of rows at which they are equal"
    parting = [found[1], scores_at(0.9, 0.8), scores_at(0.9, 0.85)]
    assert curves_of(parting, ROWS[:3], 0).crossing("slow", "quick") is None
    touching = [found[0], found[1], scores_at(0.75, 0.8)]
    assert curves_of(touching, ROWS[:3], 0).crossing("slow", "quick") is None


def test_one_number_of_rows_twice_is_one_point_of_a_law() -> None:
    found = drawn(np.random.default_rng(1))[:3]
    assert curves_of(found, [100, 300, 300], 0).law("slow") is None
    assert curves_of(found, [100, 300, 1000], 0).law("slow") is not None


def test_curves_that_do_not_cross_and_points_that_are_missing() -> None:
    found = drawn(np.random.default_rng(1))
    alone = [each.of([0]) for each in found[:3]] + found[3:]
    curves = curves_of(alone, ROWS, 0)
    assert np.isnan(curves.scores[1]).tolist() == [True, True, True, False]
    assert curves.law("quick") is None and curves.law("slow") is not None
    assert curves.crossing("slow", "quick") is None
    assert curves_of(found[:2], ROWS[:2], 0).crossing("slow", "quick") is None


def test_draws_are_seeded_and_share_the_test_rows(curves: Curves) -> None:
    found = drawn(np.random.default_rng(4), seeds=5, n=4000)
    again, other = curves_of(found, ROWS, 0), curves_of(found, ROWS, 1)
    assert np.array_equal(again.draws, curves.draws) and not np.array_equal(
        other.draws, again.draws
    )
    errors = curves.draws - curves.scores
    both = np.corrcoef(errors[:, 0, 3], errors[:, 1, 3])[0, 1]
    assert both > 0.3, "what is hard for one method is hard for the other"
    assert errors.var(axis=0) == pytest.approx(curves.variances, rel=0.6)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    random, inside = np.random.default_rng(7), []
    for experiment in range(60):
        law = curves_of(drawn(random), ROWS, experiment).law("slow")
        assert law is not None
        _, low, high = law.gain(1000, 0.9)
        inside.append(low <= expected("slow", 4000) - expected("slow", 3000) <= high)
    assert np.mean(inside) > 0.85


def test_of_a_loss_less_is_a_gain() -> None:
    random = np.random.default_rng(2)
    found = []
    for rows in ROWS:
        block = 0.3 + 3 * rows**-0.5 + 0.2 * random.random((3, 500))
        found.append(made_of("loss", {"m": block}, np.arange(500) % 2, np.array([True])))
    law = curves_of(found, ROWS, 0).law("m")
    assert law is not None
    gain, low, high = law.gain(1000, 0.95)
    assert 0 <= low <= gain <= high and gain == pytest.approx(
        3 * (3000**-0.5 - 4000**-0.5), abs=0.005
    )
    score, low, high = law.score(3000, 0.95)
    assert low < score < high and score == pytest.approx(0.4 + 3 * 3000**-0.5, abs=0.01)
