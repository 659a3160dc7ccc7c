"""Bias of the calibration error, its test and its interval, against known truths."""

import numpy as np
import pytest
from benchmarks.calibration import Design, outcomes
from scipy import stats

from finetone.statistics import calibration, hypotheses
from finetone.statistics.calibration import Runs
from finetone.statistics.hypotheses import Bins, Hypotheses

ALWAYS = np.array([True])


def one(
    confidence: np.ndarray, correct: np.ndarray, level: float = 0.95
) -> calibration.Calibration:
    return calibration.assess([Runs.of(confidence[None], correct[None])], ALWAYS, level)[0]


def test_what_a_calibrated_model_shows_is_the_mean_over_redrawn_labels() -> None:
    random = np.random.default_rng(0)
    confidence = random.uniform(0.5, 1.0, 300)
    redrawn = [Bins.of(confidence, random.random(300) < confidence).error for _ in range(4000)]
    tried = Hypotheses.about(Bins.of(confidence, random.random(300) < confidence))
    assert tried.error[0] == 0
    assert tried.expected[0] == pytest.approx(np.mean(redrawn), abs=1e-3)
    assert tried.variance[0] == pytest.approx(np.var(redrawn), rel=0.1)
    assert tried.skewness[0] == pytest.approx(stats.skew(redrawn), abs=0.15)


def test_mean_distance_of_a_binomial() -> None:
    n, stated, p = np.array([7, 20]), np.array([0.8, 0.35]), np.array([0.6, 0.35])
    found_all = hypotheses._mean_distance(n, stated, p)
    for found, size, at, chance in zip(found_all, n, stated, p, strict=True):
        k = np.arange(size + 1)
        wanted = (np.abs(k / size - at) * stats.binom.pmf(k, size, chance)).sum()
        assert found == pytest.approx(wanted, rel=1e-12)


# a table of calibrated and miscalibrated models; the standard error of 95 % is 1.5 points
@pytest.mark.parametrize(
    "design",
    [
        Design("medium", 1.0, 300),
        Design("sure", 1.0, 5000),
        Design("medium", 0.6, 300),
        Design("medium", 0.6, 5000),
        Design("medium", 0.6, 300, seeds=3, sd=0.1),
    ],
    ids=str,
)
def test_intervals_cover_and_the_bias_is_taken_off(design: Design) -> None:
    rows = list(outcomes(design, 120))
    mean = {name: np.mean([row[name] for row in rows]) for name in rows[0]}
    assert mean["covers"] >= 0.91
    if design.slope == 1.0:
        assert mean["truth"] == 0 and mean["rejected"] <= 0.1 and mean["covers"] <= 0.99
        assert abs(mean["less_expected"]) < 0.0025 < mean["plain"]
        assert mean["debiased"] < mean["plain"] / 2
    elif design.seeds == 1:
        assert abs(mean["debiased"] - mean["truth"]) < 0.2 * mean["truth"]


def test_the_interval_holds_zero_just_where_the_test_does_not_reject() -> None:
    random = np.random.default_rng(3)
    for slope in np.linspace(0.5, 1.2, 30):
        odds = np.abs(random.normal(1.5, 1.5, 400))
        right = random.random(400) < 1 / (1 + np.exp(-slope * odds))
        found = one(1 / (1 + np.exp(-odds)), right)
        assert (found.low > 0) == (found.p < 0.05)
        assert 0 <= found.low <= found.debiased <= found.high <= 1
        wider = one(1 / (1 + np.exp(-odds)), right, 0.99)
        assert wider.low <= found.low and wider.high >= found.high


@pytest.mark.parametrize(
    ("confidence", "correct"),
    [
        (np.ones(50), np.ones(50, bool)),
        (np.ones(50), np.zeros(50, bool)),
        (np.full(50, 0.5), np.arange(50) % 2 == 0),
        (np.array([0.9, 0.6]), np.array([True, False])),
        (np.array([0.9]), np.array([True])),
    ],
    ids=["all right", "all wrong", "constant", "two rows", "one row"],
)
def test_degenerate_runs_give_numbers_inside_their_range(
    confidence: np.ndarray, correct: np.ndarray
) -> None:
    found = one(confidence, correct)
    assert 0 <= found.low <= found.debiased <= found.high <= 1
    assert 0 <= found.p <= 1 and np.isfinite([found.ece, found.expected]).all()


def test_certainty_that_is_wrong_is_rejected() -> None:
    found = one(np.full(300, 0.99), np.arange(300) % 2 == 0)
    assert found.p < 1e-6 and found.low > 0.4 and found.high < 0.56


def test_rows_shared_by_seeds_are_counted_once() -> None:
    """Five seeds that say the same are worth one."""
    random = np.random.default_rng(5)
    odds = np.abs(random.normal(1.5, 1.5, 2000))
    confidence, right = 1 / (1 + np.exp(-odds)), random.random(2000) < 1 / (1 + np.exp(-0.6 * odds))
    alone = one(confidence, right)
    five = calibration.assess(
        [Runs.of(np.tile(confidence, (5, 1)), np.tile(right, (5, 1)))], ALWAYS, 0.95
    )[0]
    assert five.p == pytest.approx(alone.p, rel=0.05)
    assert five.low == pytest.approx(alone.low, abs=2e-3)
    assert five.high == pytest.approx(alone.high, abs=2e-3)


def test_seeds_that_differ_little_by_luck_are_not_believed() -> None:
    """One seed is right where the other is wrong: their errors are alike, as if nothing was chance."""
    random = np.random.default_rng(6)
    label, confidence = random.random(64) < 0.5, random.uniform(0.8, 0.9, (2, 64))
    both = calibration.assess([Runs.of(confidence, np.stack([label, ~label]))], ALWAYS, 0.95)[0]
    alone = one(confidence[0], label)
    assert both.high - both.low > 0.6 * (alone.high - alone.low) > 0.1
    assert both.low < 0.35 < both.high
