"""Metrics and intervals against scikit-learn, scipy and statsmodels, and worked examples."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import softmax
from sklearn import metrics as reference
from sklearn.calibration import calibration_curve
from statsmodels.stats.proportion import proportion_confint

from finetone.statistics import intervals, metrics
from finetone.statistics.evaluation import SCORES, Evaluation
from finetone.statistics.variance.mixture import Mixture


def evaluate(logits: np.ndarray, label: np.ndarray) -> dict[str, float]:
    run = Evaluation(logits, label)
    return {name: run.value(name) for name in SCORES}


def invent(n: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    label = random.integers(0, classes, n)
    logits = random.normal(0, 1.5, (n, classes))
    logits[np.arange(n), label] += 1
    return logits.astype(np.float32), label


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_metrics_agree_with_scikit_learn(classes: int) -> None:
    logits, label = invent(700, classes)
    p = softmax(logits.astype(float), axis=1)
    predicted = p.argmax(axis=1)
    score = p[:, 1] if classes == 2 else p
    expected = {
        "accuracy": reference.accuracy_score(label, predicted),
        "loss": reference.log_loss(label, p),
        "balanced_accuracy": reference.balanced_accuracy_score(label, predicted),
        "macro_f1": reference.f1_score(label, predicted, average="macro"),
        "mcc": reference.matthews_corrcoef(label, predicted),
        "auc": reference.roc_auc_score(label, score, multi_class="ovr"),
        "brier": reference.brier_score_loss(label, score, scale_by_half=True),
    }
    found = evaluate(logits, label)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("classes", [2, 4])
def test_calibration_agrees_with_scikit_learns_quantile_bins(classes: int) -> None:
    logits, label = invent(1500, classes)
    p = softmax(logits.astype(float), axis=1)
    correct, confidence = p.argmax(axis=1) == label, p.max(axis=1)
    accuracy, mean = calibration_curve(correct, confidence, n_bins=15, strategy="quantile")
    found = metrics.reliability(confidence, correct)
    assert found.n.tolist() == [100] * 15
    assert found.accuracy == pytest.approx(accuracy)
    assert found.confidence == pytest.approx(mean)
    assert evaluate(logits, label)["ece"] == pytest.approx(np.abs(accuracy - mean).mean())


def test_calibration_error_of_one_confidence_does_not_depend_on_the_order_of_rows() -> None:
    correct = np.array([True] * 30 + [False] * 70)
    confidence = np.full(100, 0.6)
    for order in (np.arange(100), np.random.default_rng(0).permutation(100)):
        found = metrics.reliability(confidence[order], correct[order])
        assert found.n.tolist() == [100]
        assert metrics.gaps(confidence[order], correct[order]).mean() == pytest.approx(0.3)


def test_calibration_with_fewer_rows_than_bins() -> None:
    rows = np.array([0.9, 0.6, 0.7]), np.array([True, False, True])
    assert metrics.reliability(*rows).n.tolist() == [1, 1, 1]
    assert metrics.gaps(*rows).mean() == pytest.approx((0.1 + 0.6 + 0.3) / 3)


def test_mcc_worked_example_of_gorodkins_formula() -> None:
    # tp 90, fn 10, fp 5, tn 95: (90·95 - 5·10) / sqrt(95·100·100·105)
    counts = metrics.Margins(np.array([100, 100]), np.array([105, 95]), np.array([95, 90]))
    assert metrics.mcc(counts) == pytest.approx((90 * 95 - 50) / np.sqrt(95 * 100 * 100 * 105))


def test_a_constant_method_has_no_mcc_and_an_even_auc() -> None:
    found = evaluate(np.tile(np.log([0.4, 0.6]), (10, 1)), np.arange(10) % 2)
    assert np.isnan(found["mcc"])
    assert found["auc"] == 0.5
    assert found["balanced_accuracy"] == 0.5
    assert found["macro_f1"] == pytest.approx(1 / 3)


def test_one_class_of_labels_has_no_auc() -> None:
    found = evaluate(invent(20, 2)[0], np.ones(20, dtype=int))
    assert np.isnan(found["auc"]) and np.isnan(found["mcc"])
    assert found["balanced_accuracy"] == found["accuracy"]


def test_a_class_that_never_occurs_is_left_out() -> None:
    logits, label = invent(300, 3)
    label = label % 2  # class 2 is still predicted, so it counts for F1 alone
    predicted = logits.argmax(axis=1)
    found = evaluate(logits, label)
    assert found["macro_f1"] == pytest.approx(reference.f1_score(label, predicted, average="macro"))
    recall = [(predicted[label == c] == c).mean() for c in (0, 1)]
    assert found["balanced_accuracy"] == pytest.approx(np.mean(recall))
    assert np.isfinite(found["auc"])


def test_ties_go_to_the_first_class_and_saturated_logits_still_rank() -> None:
    found = evaluate(np.array([[0.0, 0.0], [0.0, 0.0]]), np.array([0, 1]))
    assert (found["accuracy"], found["auc"]) == (0.5, 0.5)
    # both probabilities round to 1, the logits do not tie
    far = np.array([[0.0, 100.0], [0.0, 200.0]])
    assert evaluate(far, np.array([0, 1]))["auc"] == 1.0


def test_a_ruled_out_class_gives_infinite_loss_and_no_nan() -> None:
    found = evaluate(np.array([[-np.inf, 0.0], [1.0, 0.0]]), np.array([0, 0]))
    assert found["loss"] == np.inf
    assert found["brier"] == pytest.approx((1 + (1 - 1 / (1 + np.exp(-1))) ** 2) / 2)


@pytest.mark.parametrize("n", [1, 10, 263, 25_000])
@pytest.mark.parametrize("share", [0.0, 0.308, 0.9, 1.0])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_intervals_of_a_proportion_agree_with_statsmodels(
    n: int, share: float, confidence: float
) -> None:
    correct = round(share * n)
    for mine, method in ((intervals.wilson, "wilson"), (intervals.clopper_pearson, "beta")):
        expected = proportion_confint(correct, n, 1 - confidence, method)
        assert mine(correct, n, confidence) == pytest.approx(expected, abs=1e-9)


def test_newcombes_worked_examples() -> None:
    # Newcombe 1998 (Stat. Med. 17, 857-872), table I: 81 of 263 and 0 of 20
    assert intervals.wilson(81, 263, 0.95) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert intervals.clopper_pearson(81, 263, 0.95) == pytest.approx((0.2527, 0.3676), abs=5e-5)
    assert intervals.wilson(0, 20, 0.95) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert intervals.clopper_pearson(0, 20, 0.95) == pytest.approx((0.0, 0.1684), abs=5e-5)


def test_t_interval_agrees_with_scipy_and_needs_two_values() -> None:
    values = np.array([0.91, 0.92, 0.905, 0.93])
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert intervals.student(values, 0.9) == pytest.approx(tuple(expected))
    assert np.isnan(intervals.student(values[:1], 0.95)).all()


def test_wilson_covers_the_truth_as_often_as_it_says() -> None:
    # exact coverage: sum of the binomial probabilities of the counts whose interval holds p
    for n, p in ((50, 0.9), (200, 0.7), (872, 0.95)):
        holds = [
            low <= p <= high for low, high in (intervals.wilson(k, n, 0.95) for k in range(n + 1))
        ]
        coverage = stats.binom.pmf(np.arange(n + 1), n, p)[holds].sum()
        assert 0.93 < coverage < 0.975


def errors(rows: float, seeds: float = 0.0, df: float = np.inf) -> Mixture:
    return Mixture(np.array([rows]), np.array([seeds]), np.array([df]), 500)


def test_the_interval_of_a_mean_is_wilsons_without_seeds_and_wider_with() -> None:
    mean, rows = np.array([0.9]), 0.9 * 0.1 / 500
    alone = np.concatenate(intervals.around(mean, errors(rows), 0.95))
    assert alone == pytest.approx(intervals.wilson(450, 500, 0.95), abs=1e-4)
    low, high = intervals.around(mean, errors(rows, 2e-4, 3), 0.95)
    assert low < alone[0] and high > alone[1]
    perfect = np.concatenate(intervals.around(np.ones(1), errors(0.0), 0.95))
    assert perfect == pytest.approx(intervals.wilson(500, 500, 0.95))


def test_the_interval_of_other_means_is_symmetric_or_scaled_and_inside_its_bounds() -> None:
    low, high = intervals.around(np.array([0.3]), errors(0.04), 0.95, (0.0, np.inf), "symmetric")
    assert (low[0], high[0]) == (0.0, pytest.approx(0.3 + 1.96 * 0.2, abs=1e-3))
    whole = intervals.around(np.array([0.5]), errors(0.01), 0.95, (-1.0, 1.0))
    half = intervals.around(np.array([0.75]), errors(0.0025), 0.95)
    assert np.concatenate(whole) == pytest.approx(2 * np.concatenate(half) - 1)
