"""Ratios of times within rounds, and tables of them."""

from pathlib import Path

import numpy as np
import pytest

from finetone.formats import rounds
from finetone.formats.rounds import Rounds, Timed, TimedMethod
from finetone.tables.timings import ratio, timings
from tests.unit.timed import write_rounds


def two(a: Timed, b: Timed) -> Rounds:
    methods = {"a": TimedMethod({"predict": a}), "b": TimedMethod({"predict": b})}
    return Rounds(methods, 32, "cpu", "some CPU", 1)


def test_a_machine_that_slows_down_does_not_show_in_a_ratio() -> None:
    random = np.random.default_rng(0)
    speed, scatter = np.linspace(1, 1.29, 9), random.normal(1, 0.01, (2, 9))
    a, b = (Timed(s * speed * e, np.ones(9)) for s, e in zip((2.0, 1.0), scatter, strict=True))
    found = ratio(two(a, b), "a", "b", "predict")
    assert 1.95 < found.low <= found.value <= found.high < 2.05 and not found.doubtful
    back = ratio(two(a, b), "b", "a", "predict")
    assert (1 / back.value, 1 / back.high) == pytest.approx((found.value, found.low))


def test_a_ratio_takes_rounds_that_were_undisturbed_for_both() -> None:
    share = np.ones(9)
    a, b = Timed(np.ones(9), share.copy()), Timed(np.ones(9), share.copy())
    a.share[:2], b.share[2] = 0.5, 0.5
    a.seconds[:2], b.seconds[2] = 2.0, 3.0
    assert ratio(two(a, b), "a", "b", "predict") == (1, 1, 1, False)
    b.share[3] = 0.5  # five rounds are left
    assert ratio(two(a, b), "a", "b", "predict").doubtful


def test_the_table_of_times(tmp_path: Path) -> None:
    path = write_rounds(tmp_path / "r.json", {"big": (0.5, 0.01), "words": (None, 0.002)})
    table = timings(path, 0.95, "big")
    assert table.loc["big", "seconds_per_32"] == pytest.approx(0.5)
    assert table.loc["big", "train_tokens_per_s"] == pytest.approx(20 * 32 / 0.5)
    assert table.loc["words", "inference_examples_per_s"] == pytest.approx(500)
    low, high = table.loc[
        "words", ["inference_examples_per_s_low", "inference_examples_per_s_high"]
    ]
    assert 450 < low < 500 < high < 560
    assert table.loc["words", "seconds_per_million_texts"] == pytest.approx(2000)
    assert table.loc["words", "relative_prediction"] == pytest.approx(0.2)
    assert table.loc["big", "relative_training"] == 1
    assert table.loc["words"].isna().sum() == 3 + 1 + 3  # nothing of training
    assert not table["doubtful"].any()


def test_an_ensemble_takes_as_long_as_all_of_its_runs(tmp_path: Path) -> None:
    path = write_rounds(tmp_path / "r.json", {"big": (0.5, 0.01), "words": (None, 0.002)})
    table = timings(path, 0.95, "big", {"mean": ("big", 3), "words-mean": ("words", 2)})
    assert table.loc["mean", "relative_training"] == table.loc["mean", "relative_prediction"] == 3
    per_text = 1 / table["inference_examples_per_s"]
    assert per_text["mean"] == pytest.approx(3 * per_text["big"])
    assert per_text["words-mean"] == pytest.approx(2 * per_text["words"])
    assert table["doubtful"].to_dict() == dict.fromkeys(table.index, False)


def test_one_disturbed_method_alone_is_doubtful(tmp_path: Path) -> None:
    busy = Timed(np.ones(18), np.full(18, 0.3))
    rounds.write(tmp_path / "r.json", two(busy, Timed(np.ones(18), np.ones(18))))
    assert timings(tmp_path / "r.json", 0.95, "b")["doubtful"].to_dict() == {"a": True, "b": False}
