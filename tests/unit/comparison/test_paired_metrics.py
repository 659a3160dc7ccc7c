"""Differences of any metric: against the bootstrap, against the accuracy's, and where undefined."""

import numpy as np
import pytest
from scipy.special import expit

from finetone.comparison import paired
from finetone.comparison.panel import Panel
from finetone.comparison.scores import scores_of, unit
from finetone.statistics.evaluation import SCORES, Evaluation

OTHERS = [name for name in SCORES if name not in ("accuracy", "ece")]


def panel(logits: dict[str, np.ndarray], label: np.ndarray) -> Panel:
    """Of `logits` {method: [seeds, n, classes]}."""
    seeds = {method: list(range(1, len(runs) + 1)) for method, runs in logits.items()}
    labels = tuple("abcdef"[: next(iter(logits.values())).shape[2]])
    runs = np.concatenate(list(logits.values())).astype(np.float32)
    return Panel("d", labels, np.arange(len(label)), label, seeds, runs)


def draw(
    random: np.random.Generator, n: int, seeds: int, spread: float, skills: dict[str, float]
) -> Panel:
    """Runs of methods that find the same rows hard; `skills` in logits."""
    label = (random.random(n) < 0.3).astype(int)
    hard = random.normal(0, 1, n)
    runs = {}
    for method, skill in skills.items():
        own = hard + random.normal(0, 0.7, n)
        margin = skill + random.normal(0, spread, (seeds, 1)) + own
        margin = margin + random.normal(0, 0.5, (seeds, n))
        away = np.where(label, margin, -margin)
        runs[method] = np.stack([np.zeros_like(away), away], axis=2)
    return panel(runs, label)


@pytest.mark.parametrize("metric", SCORES)
@pytest.mark.parametrize("classes", [2, 4])
def test_a_metric_is_the_mean_of_its_contributions(metric: str, classes: int) -> None:
    random = np.random.default_rng(1)
    label = random.integers(0, classes, 300)
    logits = random.normal(0, 1, (300, classes))
    run = Evaluation(logits, label)
    assert run.contributions(metric).mean() == pytest.approx(run.value(metric), abs=1e-12)


def test_variance_over_rows_is_that_of_a_paired_bootstrap() -> None:
    random = np.random.default_rng(2)
    data = draw(random, 600, 1, 0, {"a": 1.2, "b": 1.0})
    resampled: dict[str, list[float]] = {metric: [] for metric in OTHERS}
    for _ in range(800):
        rows = random.integers(0, 600, 600)
        a, b = (Evaluation(logits[rows], data.label[rows]) for logits in data.logits)
        for metric, values in resampled.items():
            values.append(a.value(metric) - b.value(metric))
    for metric, values in resampled.items():
        scores = scores_of(data, metric, {"deterministic": ["a", "b"]}, None)
        error = paired.compare(scores).errors.error[0]
        # two rows are added; the bootstrap of 800 has an error of 2.5 %
        added = 2 * scores.unit**2 / 602**2
        assert np.sqrt(error**2 - added) == pytest.approx(np.std(values), rel=0.1), metric
        apart = np.sqrt(scores.rows_variance.sum())
        assert error < 0.85 * apart, metric  # which is what pairing gains


@pytest.mark.parametrize("metric", OTHERS)
def test_intervals_of_differences_cover_over_seeds_and_rows(metric: str) -> None:
    random = np.random.default_rng(3)
    hits = 0
    for _ in range(150):
        data = draw(random, 400, 2, 0.15, dict.fromkeys("abcd", 1.2))
        pairs = paired.compare(scores_of(data, metric, {}, None))
        low, high = pairs.interval(0.95, pairs.methods)
        hits += ((low <= 0) & (high >= 0)).all()
    assert hits / 150 > 0.95 - 3 * 0.018


def test_one_function_compares_two_methods() -> None:
    data = draw(np.random.default_rng(4), 2000, 3, 0.05, {"a": 2.0, "b": 1.0, "c": 1.9})
    for metric in SCORES:
        scores = scores_of(data, metric, {}, None)
        found = paired.difference(scores, "a", "b", 0.95)
        turned = paired.difference(scores, "b", "a", 0.95)
        a, b = (
            np.mean([Evaluation(x, data.label).value(metric) for x in data.logits[data.columns[m]]])
            for m in "ab"
        )
        assert found.estimate == pytest.approx(a - b)
        assert (turned.low, turned.high) == (-found.high, -found.low)
        assert found.low < found.estimate < found.high
        assert found.p == turned.p and found.df == pytest.approx(turned.df)
        if metric != "ece":
            assert found.p < 0.01


def test_an_undefined_or_infinite_score_takes_only_its_own_method_out() -> None:
    data = draw(np.random.default_rng(6), 300, 2, 0.1, {"a": 1.0, "b": 1.3})
    constant = np.tile(np.float32([1, 0]), (2, 300, 1))
    certain = np.tile(np.float32([0, -np.inf]), (2, 300, 1))
    for metric, odd, value in (("mcc", constant, np.nan), ("loss", certain, np.inf)):
        runs = {m: data.logits[own] for m, own in data.columns.items()}
        alone = scores_of(data, metric, {}, None)
        scores = scores_of(panel({**runs, "odd": odd}, data.label), metric, {}, None)
        np.testing.assert_equal(scores.mean[2], value)
        assert np.isnan(np.stack(scores.interval(0.95))[:, 2]).all()
        assert np.stack(scores.interval(0.95))[:, :2] == pytest.approx(
            np.stack(alone.interval(0.95))
        )
        pairs = paired.compare(scores)
        assert pairs.methods == 2
        p = dict(zip(pairs.names, pairs.p(pairs.methods), strict=True))
        assert np.isnan([p["a", "odd"], p["b", "odd"]]).all()
        assert p["a", "b"] == pytest.approx(paired.compare(alone).p()[0])


def test_perfect_methods_may_differ_in_other_rows() -> None:
    """No metric is certain of a difference of 0, or beyond what there can be."""
    label = np.arange(40) % 2
    right = np.where(label[:, None] == [0, 1], 8.0, 0.0)[None]
    wrong = right[:, :, ::-1]
    for metric in OTHERS:
        equal = scores_of(
            panel({"a": right, "b": right}, label), metric, {"deterministic": ["a", "b"]}, None
        )
        found = paired.difference(equal, "a", "b", 0.95)
        assert found.estimate == 0 and found.low <= 0 <= found.high
        if metric not in ("loss", "brier"):
            assert found.low < 0 < found.high
        far = scores_of(
            panel({"a": right, "b": wrong}, label), metric, {"deterministic": ["a", "b"]}, None
        )
        found = paired.difference(far, "a", "b", 0.95)
        most = {"mcc": 2.0, "loss": np.inf}.get(metric, 1.0)
        assert -most <= found.low < found.high <= most


def test_fewer_rows_of_a_class_weigh_more() -> None:
    label = (np.arange(1000) < 100).astype(int)
    of_rows = expit(np.zeros((2, 1000)))
    even = unit("balanced_accuracy", of_rows, np.arange(1000) % 2)
    assert even == pytest.approx(1.0)
    assert unit("accuracy", of_rows, label) == 1.0
    # a row of the small class is worth 5 rows, one of the other 5/9
    expected = np.sqrt(0.1 * 5**2 + 0.9 * (5 / 9) ** 2)
    assert unit("balanced_accuracy", of_rows, label) == pytest.approx(expected)
    assert unit("mcc", of_rows, label) == pytest.approx(2 * expected)
