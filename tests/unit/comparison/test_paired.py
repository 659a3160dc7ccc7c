"""Paired tests against independent implementations, slow literal ones and simulation."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.multitest import multipletests

from finetone.comparison import agreement, multiple_testing, paired
from finetone.comparison.panel import Panel
from finetone.comparison.scores import Scores, made_of, scores_of
from finetone.statistics.variance.mixture import Mixture
from finetone.statistics.variance.moderation import SeedVariance, varying_as
from finetone.statistics.variance.roles import apart


def panel(correct: dict[str, np.ndarray], dataset: str = "d") -> Panel:
    """A two-class panel whose runs are right where `correct` {method: bool [seeds, n]} says so."""
    right = np.concatenate(list(correct.values()))
    n = right.shape[1]
    label = np.arange(n) % 2
    chosen = np.where(right, label, 1 - label)
    logits = np.where(chosen[..., None] == [0, 1], 1.4, 0.0).astype(np.float32)
    seeds = {m: list(range(1, len(c) + 1)) if len(c) > 1 else [0] for m, c in correct.items()}
    return Panel(dataset, ("no", "yes"), np.arange(n), label, seeds, logits)


def draw(
    random: np.random.Generator, n: int, seeds: int, mean: float, rows: float, spread: float
) -> np.ndarray:
    """Runs of one method: each row has its own chance of being right, each seed its own effect."""
    ability = random.normal(0, 1, n) * rows + random.normal(0, spread, (seeds, 1))
    noise = random.normal(0, 0.4, (seeds, n))
    # P(ability + noise > threshold) averages to `mean` over rows, seeds and noise
    threshold = stats.norm.ppf(1 - mean) * np.sqrt(rows**2 + spread**2 + 0.4**2)
    return ability + noise > threshold


def accuracies(of: Panel, fixed: Sequence[str], seed_sd: float | None) -> Scores:
    points = None if seed_sd is None else 100 * seed_sd
    return scores_of(of, "accuracy", {"deterministic": fixed}, points)


def differences(runs: dict[str, np.ndarray], seed_sd: float | None = None) -> paired.Pairs:
    """All pairs; methods with one run draw no random numbers."""
    single = [method for method, correct in runs.items() if len(correct) == 1]
    return paired.compare(accuracies(panel(runs), single, seed_sd))


def test_variance_is_that_of_a_literal_two_way_bootstrap() -> None:
    random = np.random.default_rng(3)
    a = draw(random, 400, 3, 0.88, 1, 0.1)
    b = draw(random, 400, 4, 0.84, 1, 0.1)
    found = differences({"a": a, "b": b})
    observed = a.mean() - b.mean()
    resampled = np.empty(20_000)
    for i in range(len(resampled)):
        rows = random.integers(0, 400, 400)
        in_a, in_b = random.integers(0, 3, 2), random.integers(0, 4, 3)
        resampled[i] = a[in_a][:, rows].mean() - b[in_b][:, rows].mean()
    # unbiased variance components by ordinary two-way analysis of variance, with a library
    residual = 2 * sum(residual_mean_square(x) / x.size for x in (a, b))
    assert found.value[0] == pytest.approx(observed)
    # the pooled variance over seeds where the bootstrap has each method's own; two rows added
    own = sum(x.mean(axis=1).var(ddof=1) / len(x) for x in (a, b))
    error = np.sqrt(found.errors.rows[0] + own)
    assert error == pytest.approx(np.sqrt(resampled.var() - residual), rel=0.03)


def residual_mean_square(correct: np.ndarray) -> float:
    seeds, n = correct.shape
    design = np.hstack([np.kron(np.eye(seeds), np.ones((n, 1))), np.tile(np.eye(n), (seeds, 1))])
    fitted = design @ np.linalg.lstsq(design, correct.ravel().astype(float))[0]
    return float(((correct.ravel() - fitted) ** 2).sum() / ((seeds - 1) * (n - 1)))


def test_fixed_runs_agree_with_scipys_paired_bootstrap() -> None:
    random = np.random.default_rng(4)
    a, b = draw(random, 500, 1, 0.9, 1, 0), draw(random, 500, 1, 0.85, 1, 0)
    found = differences({"a": a, "b": b})
    expected = stats.bootstrap(
        (a[0] * 1.0, b[0] * 1.0),
        lambda x, y, axis: x.mean(axis) - y.mean(axis),
        paired=True,
        method="percentile",
        n_resamples=10_000,
        rng=random,
    )
    assert found.errors.error[0] == pytest.approx(expected.standard_error, rel=0.05)
    ends = expected.confidence_interval
    assert np.ravel(found.interval(0.95)) == pytest.approx((ends.low, ends.high), abs=4e-3)


def test_equal_methods_differ_by_nothing_and_p_is_one() -> None:
    a = draw(np.random.default_rng(5), 200, 1, 0.9, 1, 0)
    found = differences({"a": a, "b": a})
    low, high = np.ravel(found.interval(0.95))
    assert (found.value[0], found.p()[0]) == (0, 1) and low == -high
    assert 0 < high < 0.02  # another test set might still tell them apart


def test_two_rows_prove_nothing_and_many_do() -> None:
    """Without variance over rows there is still no certainty."""
    for n, significant in ((2, False), (6, True), (300, True)):
        found = differences({"a": np.ones((1, n), bool), "b": np.zeros((1, n), bool)})
        low, high = np.ravel(found.interval(0.95))
        assert (found.p()[0] < 0.05) == significant
        assert -1 <= low <= 1 == high


def test_a_clear_difference_survives_hundreds_of_pairs_and_p_is_never_zero() -> None:
    random = np.random.default_rng(6)
    runs = {f"m{i}": draw(random, 1000, 3, 0.9, 1, 0) for i in range(44)}
    found = differences(runs | {"poor": draw(random, 1000, 3, 0.6, 1, 0)})
    adjusted = dict(zip(found.names, found.p(found.methods), strict=True))
    assert 0 < adjusted["m0", "poor"] < 0.001


@pytest.mark.parametrize("methods", [2, 5])
def test_an_interval_excludes_nothing_exactly_when_the_test_rejects(methods: int) -> None:
    random = np.random.default_rng(8)
    verdicts = set()
    for mean in np.linspace(0.70, 0.95, 10):
        runs = {str(i): draw(random, 300, 2, mean if i else 0.9, 1, 0.05) for i in range(methods)}
        found = differences(runs)
        low, high = found.interval(0.95, found.methods)
        rejected = found.p(found.methods) < 0.05
        assert (((low > 0) | (high < 0)) == rejected).all()
        verdicts |= set(rejected.tolist())
    assert verdicts == {True, False}


@pytest.mark.parametrize("methods", [2, 3, 15, 45])
def test_without_doubt_about_seeds_the_test_is_tukeys(methods: int) -> None:
    known = Mixture(np.full(3, 0.5), np.full(3, 0.5), np.full(3, np.inf), 10_000)
    x = np.array([2.0, 3.0, 4.5])
    expected = stats.studentized_range.sf(np.sqrt(2) * x, methods, np.inf)
    assert known.p(x, methods) == pytest.approx(expected, rel=2e-3)


def test_with_seeds_alone_the_test_is_students() -> None:
    for df in (1.0, 2.0, 7.5):
        errors = Mixture(np.zeros(1), np.ones(1), np.array([df]), 10_000)
        assert errors.half_width(0.95)[0] == pytest.approx(stats.t.ppf(0.975, df), rel=0.02)
        assert errors.p(np.array([3.0]))[0] == pytest.approx(2 * stats.t.sf(3, df), rel=0.02)
    few = Mixture(np.ones(1), np.zeros(1), np.ones(1), 6)  # six rows, and seeds do not matter
    assert few.half_width(0.95)[0] == pytest.approx(stats.t.ppf(0.975, 5), rel=0.01)


def test_seeds_that_agree_by_chance_borrow_from_the_other_methods() -> None:
    own = np.array([0.0, 4.0, 2.0, 0.0])
    seeds, stochastic = np.array([2, 2, 2, 1]), np.array([True, True, True, False])
    variance = SeedVariance(own, seeds, stochastic)
    # three degrees of freedom in all, so the pooled 2.0 has weight 3 beside a method's own 1
    # and of what its own is larger by, half is kept
    assert variance.moderated == pytest.approx([1.5, 2.5 + 0.75, 2.0, 0.0])
    single = SeedVariance(own, np.array([2, 2, 1, 1]), stochastic)
    assert single.moderated == pytest.approx(
        [4 / 3, 8 / 3 + 2 / 3, 2.0, 0.0]
    )  # a lone run has the pooled
    assert not SeedVariance(own, np.ones(4, int), stochastic).known
    assert SeedVariance(own, np.ones(4, int), stochastic, stated=0.5).moderated[0] == 0.25
    assert SeedVariance(own, np.ones(4, int), np.zeros(4, bool)).known


def test_a_control_that_collapses_widens_no_other_interval() -> None:
    own = np.array([1.0, 3.0, 400.0])  # the last one learned nothing in one of its runs
    seeds, all_random = np.full(3, 3), np.ones(3, bool)
    alone = apart(["a", "b", "scratch"], {"controls": ["scratch", "gone"]})
    found = SeedVariance(own, seeds, all_random, apart=alone)
    without = SeedVariance(own[:2], seeds[:2], all_random[:2])
    pooled = SeedVariance(own, seeds, all_random)
    assert (
        found.moderated[:2] == pytest.approx(without.moderated) and found.pooled == without.pooled
    )
    assert found.of_means()[1][:2] == pytest.approx(without.of_means()[1])
    # its own is judged as ever: by the others alone it would be taken for calm where seeds agree
    assert found.moderated[2] == pooled.moderated[2] > 60 * found.moderated[:2].max()
    only = SeedVariance(np.array([0.0, 400.0]), np.array([1, 3]), all_random[:2], apart=alone[1:])
    assert only.known and only.moderated[0] == 400  # nobody else has a second run


def test_an_ensemble_goes_by_the_variance_of_its_runs() -> None:
    own, seeds = np.array([0.04, 0.0001, 0.0, 0.0]), np.array([3, 3, 1, 1])
    like = varying_as(["wild", "calm", "mean", "single"], {"mean": "wild", "other": "gone"})
    assert like.tolist() == [0, 1, 0, 3]
    found = SeedVariance(own, seeds, np.ones(4, bool), like=like).moderated
    assert found[2] == found[0] > found[3] == pytest.approx(own[:2].mean())
    alone = varying_as(["calm", "mean"], {"mean": "wild"})  # its runs are not there
    assert alone.tolist() == [0, 1]


def test_comparing_with_an_ensemble_of_a_method_that_varies_much_keeps_its_level() -> None:
    """Runs of one method vary tenfold more than those of the others; the ensemble is no better."""
    random, found = np.random.default_rng(5), []
    for _ in range(150):
        runs = {"wild": 0.5, "a": 0.05, "b": 0.05, "c": 0.05}
        margin = {
            name: 1.3 + random.normal(0, sd, (3, 1)) + random.normal(0, 1.7, (1, 800))
            for name, sd in runs.items()
        }
        margin["mean"] = margin["wild"].mean(axis=0, keepdims=True)
        blocks = {name: (each > 0).astype(float) for name, each in margin.items()}
        scores = made_of(
            "accuracy", blocks, np.ones(800, int), np.ones(5, bool), None, {"mean": "wild"}
        )
        pairs = paired.compare(scores)
        found.append(pairs.p()[pairs.names.index(("a", "mean"))])
    assert np.mean(np.array(found) < 0.05) <= 0.05


def test_nothing_is_said_of_methods_where_no_seed_was_repeated() -> None:
    random = np.random.default_rng(9)
    runs = {m: draw(random, 500, 1, mean, 1, 0) for m, mean in (("a", 0.95), ("b", 0.7))}
    scores = accuracies(panel(runs), ["b"], None)
    found = paired.compare(scores)
    assert found.value[0] > 0.15
    assert np.isnan(
        [found.p()[0], *np.ravel(found.interval(0.95)), found.detectable(0.95)[0]]
    ).all()
    stated = paired.compare(accuracies(panel(runs), ["b"], 0.01))
    assert stated.p()[0] < 0.001


def test_a_drop_pairs_the_seeds() -> None:
    random = np.random.default_rng(10)
    effect = random.normal(0, 0.05, (5, 1))
    home, away = (random.random((5, n)) < 0.85 + effect for n in (3000, 2000))
    others = {"x": random.random((5, 3000)) < 0.8}, {"x": random.random((5, 2000)) < 0.8}
    scores = [
        accuracies(panel({"m": correct} | other), [], None)
        for correct, other in zip((home, away), others, strict=True)
    ]
    found = paired.drops(*scores)
    assert found.value[0] == pytest.approx(home.mean() - away.mean())
    apart = np.sqrt(sum(each.variance.moderated[0] / 5 for each in scores))
    assert found.errors.error[0] < apart / 2
    assert found.interval(0.95)[0][0] < 0 < found.interval(0.95)[1][0]


def test_detectable_difference_is_found_four_times_in_five() -> None:
    random = np.random.default_rng(13)
    runs = {m: draw(random, 1000, 1, 0.85, 1, 0) for m in "ab"}
    shift = differences(runs).detectable(0.95)[0]
    found = 0
    for _ in range(300):
        runs = {
            "a": draw(random, 1000, 1, 0.85 + shift, 1, 0),
            "b": draw(random, 1000, 1, 0.85, 1, 0),
        }
        found += differences(runs).p()[0] <= 0.05
    assert 0.72 < found / 300 < 0.9


def test_mcnemar_agrees_with_statsmodels_for_all_pairs() -> None:
    correct = np.random.default_rng(14).random((5, 120)) < np.array(
        [[0.9], [0.9], [0.8], [0.5], [1.1]]
    )
    found = agreement.mcnemar(correct)
    for i, a in enumerate(correct):
        for j, b in enumerate(correct):
            table = [[(a & b).sum(), (a & ~b).sum()], [(~a & b).sum(), (~a & ~b).sum()]]
            expected = mcnemar(table, exact=True).pvalue if i != j else 1.0
            assert found[i, j] == pytest.approx(expected)


def test_mcnemar_worked_example() -> None:
    # 1 row for one method alone and 9 for the other: 2 · (1 + 10) / 2^10
    a, b = np.ones(50, bool), np.ones(50, bool)
    a[:9], b[9] = False, False
    assert agreement.mcnemar(np.array([a, b]))[0, 1] == pytest.approx(22 / 1024)


def test_holm_agrees_with_statsmodels_and_his_example() -> None:
    p = np.random.default_rng(15).random(40) ** 3
    assert multiple_testing.holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert multiple_testing.holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])
    assert multiple_testing.holm(np.array([])).tolist() == []


def test_letters_of_a_hand_example() -> None:
    # best to worst; 1-2, 2-3-4 and 4-5 do not differ significantly, all other pairs do
    differ = np.ones((5, 5), bool)
    for i, j in ((0, 1), (1, 2), (2, 3), (1, 3), (3, 4)):
        differ[i, j] = differ[j, i] = False
    np.fill_diagonal(differ, False)
    assert multiple_testing.letters(differ) == ["a", "ab", "b", "bc", "c"]
    assert multiple_testing.letters(np.zeros((3, 3), bool)) == ["a", "a", "a"]
    assert multiple_testing.letters(~np.eye(3, dtype=bool)) == ["a", "b", "c"]


@pytest.mark.parametrize("density", [0.1, 0.5, 0.9])
def test_methods_share_a_letter_if_and_only_if_they_do_not_differ(density: float) -> None:
    random = np.random.default_rng(16)
    for k in (1, 2, 6, 12):
        upper = np.triu(random.random((k, k)) < density, 1)
        differ = upper | upper.T
        groups = [set(g) for g in multiple_testing.letters(differ)]
        shared = np.array([[bool(a & b) for b in groups] for a in groups])
        assert (shared == ~differ).all()


def test_kappa_agrees_with_scikit_learn_and_its_error_with_statsmodels() -> None:
    predicted = np.random.default_rng(17).integers(0, 3, (4, 200)).astype(np.int8)
    predicted[1, :150] = predicted[0, :150]
    found, error = agreement.kappa(predicted, 3)
    for i, a in enumerate(predicted):
        for j, b in enumerate(predicted):
            assert found[i, j] == pytest.approx(cohen_kappa_score(a, b))
            table = np.bincount(3 * a.astype(int) + b, minlength=9).reshape(3, 3)
            assert error[i, j] == pytest.approx(cohens_kappa(table).std_kappa, abs=1e-6)


def test_kappa_is_the_same_counted_by_class_and_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(18)
    predicted = random.integers(0, 5, (4, 300)).astype(np.int16)
    predicted[1, :200] = predicted[0, :200]
    by_class = agreement.kappa(predicted, 5)
    monkeypatch.setattr(agreement, "FEW_CLASSES", 1)
    for one, other in zip(by_class, agreement.kappa(predicted, 5), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)


def test_one_class_for_all_rows_has_no_kappa() -> None:
    """It would be 0 whatever the other method does."""
    runs = np.array([[1, 1, 1, 1], [1, 1, 1, 1], [0, 1, 0, 1], [0, 1, 1, 1]], np.int8)
    found, error = agreement.kappa(runs, 2)
    without = np.isnan(found)
    assert without[:2].all() and without[:, :2].all() and not without[2:, 2:].any()
    assert np.array_equal(np.isnan(error), without)


def test_runs_are_paired_by_seed_and_a_single_run_with_all() -> None:
    assert agreement.seed_pairs([1, 2, 3], [2, 3, 4]) == [(1, 0), (2, 1)]
    assert agreement.seed_pairs([0], [1, 2]) == [(0, 0), (0, 1)]
    assert agreement.seed_pairs([0], [0, 1]) == [(0, 0), (0, 1)]
    assert agreement.seed_pairs([1, 2], [3, 4]) == [(0, 0), (0, 1), (1, 0), (1, 1)]
