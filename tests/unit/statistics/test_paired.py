"""Paired tests against independent implementations, slow literal ones and simulation."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.multitest import multipletests

from finetone.statistics import agreement, multiple_testing, paired
from finetone.statistics.panel import Panel


def panel(correct: dict[str, np.ndarray], dataset: str = "d") -> Panel:
    """A two-class panel whose runs are right where `correct` {method: bool [seeds, n]} says so."""
    right = np.concatenate(list(correct.values()))
    n = right.shape[1]
    label = np.arange(n) % 2
    chosen = np.where(right, label, 1 - label)
    probabilities = np.where(chosen[..., None] == [0, 1], 0.8, 0.2).astype(np.float32)
    seeds = {m: list(range(1, len(c) + 1)) if len(c) > 1 else [0] for m, c in correct.items()}
    return Panel(dataset, ("no", "yes"), np.arange(n), label, seeds, probabilities)


def draw(
    random: np.random.Generator, n: int, seeds: int, mean: float, rows: float, spread: float
) -> np.ndarray:
    """Runs of one method: each row has its own chance of being right, each seed its own luck."""
    ability = random.normal(0, 1, n) * rows + random.normal(0, spread, (seeds, 1))
    noise = random.normal(0, 0.4, (seeds, n))
    # P(ability + noise > threshold) averages to `mean` over rows, seeds and noise
    threshold = stats.norm.ppf(1 - mean) * np.sqrt(rows**2 + spread**2 + 0.4**2)
    return ability + noise > threshold


def test_resampled_rows_equal_a_literal_bootstrap_of_the_same_draws() -> None:
    correct = np.random.default_rng(1).random((7, 301)) < 0.8
    found = paired.resample_rows(correct, 500, seed=9)
    draws = np.random.default_rng(9).integers(0, 301, size=(500, 301), dtype=np.int32)
    literal = np.array([[run[rows].mean() for run in correct] for rows in draws])
    assert found == pytest.approx(literal, abs=1e-12)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    correct = np.random.default_rng(1).random((3, 64)) < 0.8
    whole = paired.resample_rows(correct, 100, seed=9)
    monkeypatch.setattr(paired, "CELLS", 64 * 8)
    assert (paired.resample_rows(correct, 100, seed=9) == whole).all()


def test_seed_weights_give_the_variance_of_a_mean_over_seeds() -> None:
    for seeds in (2, 3, 5):
        values = np.random.default_rng(seeds).normal(0, 1, seeds)
        means = paired.seed_weights(seeds, 200_000, seed=1) @ values
        assert means.mean() == pytest.approx(values.mean(), abs=0.01)
        assert means.var() == pytest.approx(values.var(ddof=1) / seeds, rel=0.03)
    assert (paired.seed_weights(1, 4, seed=1) == 1).all()


def test_difference_agrees_with_a_literal_two_way_bootstrap() -> None:
    random = np.random.default_rng(3)
    a = draw(random, 400, 3, 0.88, 1, 0.1)
    b = draw(random, 400, 4, 0.84, 1, 0.1)
    found = paired.compare(panel({"a": a, "b": b}), 0.95, 20_000, seed=0)["a", "b"]
    observed = a.mean() - b.mean()
    resampled = np.empty(20_000)
    for i in range(len(resampled)):
        rows = random.integers(0, 400, 400)
        in_a, in_b = random.integers(0, 3, 2), random.integers(0, 4, 3)
        resampled[i] = a[in_a][:, rows].mean() - b[in_b][:, rows].mean()
    # unbiased variance components by ordinary two-way analysis of variance, with a library
    surplus = 2 * sum(residual_mean_square(x) / x.size for x in (a, b))
    kept = np.sqrt(1 - surplus / resampled.var())
    resampled = observed + kept * (resampled - observed)
    error = resampled.std()
    assert found.value == pytest.approx(observed)
    assert found.error == pytest.approx(error, rel=0.03)
    seeds = [x.mean(axis=1).var(ddof=1) / len(x) for x in (a, b)]
    doubt = seeds[0] ** 2 / 2 + seeds[1] ** 2 / 3 + (error**2 - sum(seeds)) ** 2 / 399
    assert found.freedom == pytest.approx(error**4 / doubt, rel=0.1)
    student = stats.t(error**4 / doubt, loc=observed, scale=error)
    assert (found.low, found.high) == pytest.approx(student.interval(0.95), abs=1.5e-3)
    assert found.p == pytest.approx(2 * min(student.cdf(0), student.sf(0)), abs=0.012)


def test_degrees_of_freedom_are_welchs_where_rows_do_not_matter() -> None:
    random = np.random.default_rng(2)
    a, b = random.normal(0, 1, 2), random.normal(0, 3, 5)
    variance = a.var(ddof=1) / 2 + b.var(ddof=1) / 5
    expected = stats.ttest_ind(a, b, equal_var=False).df
    assert paired.satterthwaite(variance, 1000, [a, b]) == pytest.approx(expected)
    # single runs leave the rows alone
    assert paired.satterthwaite(0.1, 1000, [a[:1], b[:1]]) == pytest.approx(999)


def residual_mean_square(correct: np.ndarray) -> float:
    seeds, n = correct.shape
    design = np.hstack([np.kron(np.eye(seeds), np.ones((n, 1))), np.tile(np.eye(n), (seeds, 1))])
    fitted = design @ np.linalg.lstsq(design, correct.ravel().astype(float))[0]
    return float(((correct.ravel() - fitted) ** 2).sum() / ((seeds - 1) * (n - 1)))


def test_fixed_runs_agree_with_scipys_paired_bootstrap() -> None:
    random = np.random.default_rng(4)
    a, b = draw(random, 500, 1, 0.9, 1, 0), draw(random, 500, 1, 0.85, 1, 0)
    found = paired.compare(panel({"a": a, "b": b}), 0.95, 10_000, seed=0)["a", "b"]
    expected = stats.bootstrap(
        (a[0] * 1.0, b[0] * 1.0), lambda x, y, axis: x.mean(axis) - y.mean(axis), paired=True,
        method="percentile", n_resamples=10_000, rng=random,
    )  # fmt: skip
    assert found.error == pytest.approx(expected.standard_error, rel=0.05)
    interval = expected.confidence_interval
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=4e-3)


def test_equal_methods_differ_by_nothing_and_p_is_one() -> None:
    a = draw(np.random.default_rng(5), 200, 1, 0.9, 1, 0)
    found = paired.compare(panel({"a": a, "b": a}), 0.95, 500, seed=0)["a", "b"]
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_a_clear_difference_survives_hundreds_of_pairs_and_p_is_never_zero() -> None:
    random = np.random.default_rng(6)
    good, poor = draw(random, 1000, 3, 0.95, 1, 0), draw(random, 1000, 3, 0.6, 1, 0)
    found = paired.compare(panel({"a": good, "b": poor}), 0.95, 999, seed=0)["a", "b"]
    assert 0 < multiple_testing.holm(np.array([found.p] * 990))[0] < 0.05
    right, wrong = np.ones((1, 6), bool), np.zeros((1, 6), bool)
    found = paired.compare(panel({"a": right, "b": wrong}), 0.95, 999, seed=0)["a", "b"]
    assert (found.low, found.high, found.p) == (1, 1, 1 / 1000)


def test_interval_excludes_nothing_exactly_when_the_test_rejects() -> None:
    random = np.random.default_rng(8)
    verdicts = set()
    for mean in np.linspace(0.80, 0.90, 12):
        runs = {m: draw(random, 300, 2, x, 1, 0.05) for m, x in (("a", 0.9), ("b", mean))}
        found = paired.compare(panel(runs), 0.95, 1999, seed=0)["a", "b"]
        assert (found.low > 0 or found.high < 0) == (found.p < 0.05)
        verdicts.add(found.p < 0.05)
    assert verdicts == {True, False}


def simulate(seeds: int, rows: float, spread: float, runs: int = 500) -> float:
    """How often two methods of the same true accuracy are called different at 5 %."""
    random = np.random.default_rng(11)
    rejected = 0
    for i in range(runs):
        a, b = (draw(random, 300, seeds, 0.85, rows, spread) for _ in "ab")
        found = paired.compare(panel({"a": a, "b": b}), 0.95, 199, seed=i)["a", "b"]
        rejected += found.p < 0.05
    return rejected / runs


@pytest.mark.parametrize(
    ("seeds", "rows", "spread", "least", "most"),
    [
        (1, 1.0, 0.0, 0.03, 0.075),  # single runs: rows are the only chance
        (2, 1.0, 0.0, 0.03, 0.075),
        (5, 1.0, 0.0, 0.03, 0.075),
        (5, 1.0, 0.1, 0.03, 0.075),  # seeds matter as much as rows
        (5, 0.0, 0.0, 0.03, 0.075),  # equal on every row: nothing but seed-by-row noise
    ],
)
def test_equal_methods_are_rarely_called_different(
    seeds: int, rows: float, spread: float, least: float, most: float
) -> None:
    assert least <= simulate(seeds, rows, spread) <= most


@pytest.mark.parametrize("spread", [0.0, 0.02, 0.06])
@pytest.mark.parametrize("seeds", [2, 3])
def test_few_seeds_with_a_spread_do_not_make_false_discoveries(seeds: int, spread: float) -> None:
    # `spread`: standard deviation over seeds of the accuracy itself, beside 1000 rows
    random = np.random.default_rng(21)
    runs, n, rejected = 800, 1000, 0
    for i in range(runs):
        chance = {
            m: 0.85 * (random.random(n) < 0.95) + random.normal(0, spread, (seeds, 1)) for m in "ab"
        }
        found = paired.compare(
            panel({m: random.random((seeds, n)) < p for m, p in chance.items()}), 0.95, 100, seed=i
        )["a", "b"]
        rejected += found.p < 0.05
    # at most 6.5 %, and the noise of the simulation; a normal quantile gives 8 to 17 % with a spread
    assert 0.025 <= rejected / runs <= 0.075


def test_interval_of_a_difference_covers_the_true_one() -> None:
    random = np.random.default_rng(12)
    held = 0
    for i in range(500):
        a, b = draw(random, 300, 4, 0.90, 1, 0.05), draw(random, 300, 4, 0.85, 1, 0.05)
        found = paired.compare(panel({"a": a, "b": b}), 0.95, 399, seed=i)["a", "b"]
        held += found.low <= 0.05 <= found.high
    assert 0.92 < held / 500 < 0.985


def test_detectable_difference_is_found_four_times_in_five() -> None:
    random = np.random.default_rng(13)
    runs = {m: draw(random, 1000, 1, 0.85, 1, 0) for m in "ab"}
    design = paired.compare(panel(runs), 0.95, 2000, seed=0)["a", "b"]
    shift = design.detectable(0.95)
    found = 0
    for i in range(300):
        runs = {
            "a": draw(random, 1000, 1, 0.85 + shift, 1, 0),
            "b": draw(random, 1000, 1, 0.85, 1, 0),
        }
        found += paired.compare(panel(runs), 0.95, 199, seed=i)["a", "b"].p <= 0.05
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
    # best to worst; 1-2, 2-3-4 and 4-5 cannot be told apart, all other pairs can
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


def test_kappa_of_constant_methods() -> None:
    found, _ = agreement.kappa(np.array([[1, 1, 1, 1], [1, 1, 1, 1], [0, 1, 0, 1]], np.int8), 2)
    assert np.isnan(found[0, 1])
    assert found[0, 2] == 0


def test_runs_are_paired_by_seed_and_a_single_run_with_all() -> None:
    assert agreement.seed_pairs([1, 2, 3], [2, 3, 4]) == [(1, 0), (2, 1)]
    assert agreement.seed_pairs([0], [1, 2]) == [(0, 0), (0, 1)]
    assert agreement.seed_pairs([0], [0, 1]) == [(0, 0), (0, 1)]
    assert agreement.seed_pairs([1, 2], [3, 4]) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_adding_a_method_changes_no_other_pair() -> None:
    random = np.random.default_rng(18)
    runs = {m: draw(random, 200, 3, 0.85, 1, 0.1) for m in "abc"}
    three = paired.compare(panel(runs), 0.95, 300, seed=5)
    two = paired.compare(panel({m: runs[m] for m in "ac"}), 0.95, 300, seed=5)
    assert three["a", "c"] == two["a", "c"]
