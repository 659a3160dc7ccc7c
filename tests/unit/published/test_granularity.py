from decimal import ROUND_DOWN, ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetone.published.granularity import (
    candidates,
    chance,
    correct_counts,
    examine,
    possible,
    share_possible,
)
from finetone.published.reading import Printed


def prints(k, n, decimals, scale, rounding):
    """All ways to print k/n, by decimal arithmetic, which the code does not use."""
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(scale * k) / Decimal(n)
        modes = [ROUND_DOWN] if rounding == "cut" else [ROUND_HALF_UP, ROUND_HALF_DOWN]
        return {exact.quantize(Decimal(1).scaleb(-decimals), rounding=mode) for mode in modes}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    n=st.integers(1, 400),
    decimals=st.integers(0, 3),
    scale=st.sampled_from([1, 100]),
    rounding=st.sampled_from(["nearest", "cut"]),
    share=st.floats(0, 1),
)
def test_counts_agree_with_printing_every_k(n, decimals, scale, rounding, share):
    text = f"{Decimal(round(share * scale * 10**decimals)).scaleb(-decimals):f}"
    expected = [k for k in range(n + 1) if Decimal(text) in prints(k, n, decimals, scale, rounding)]
    assert list(correct_counts(Printed.parse(text), n, scale, rounding)) == expected


@pytest.mark.parametrize("rounding", ["nearest", "cut"])
@pytest.mark.parametrize(("n", "decimals"), [(7, 0), (60, 1), (160, 1), (333, 2), (999, 1)])
def test_share_is_the_share_of_possible_prints(n, decimals, rounding):
    steps = 100 * 10**decimals
    grid = [f"{Decimal(i).scaleb(-decimals):f}" for i in range(steps + 1)]
    allowed = sum(possible(Printed.parse(text), n, 100, rounding) for text in grid)
    assert share_possible(decimals, n, 100, rounding) == pytest.approx(allowed / (steps + 1))


def test_chance_is_the_binomial_tail():
    from scipy import stats

    assert chance([0.3] * 10, 7) == pytest.approx(stats.binom.sf(6, 10, 0.3))
    assert chance([0.2, 0.9], 0) == 1.0


def column(n, size, seed, decimals=2):
    random = np.random.default_rng(seed)
    return [
        Printed.parse(f"{100 * k / n:.{decimals}f}") for k in random.integers(n // 2, n, size=size)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_honest_columns_raise_no_flag(seed):
    found = examine(column(5000, 42, seed), 5000, [16, 32])
    assert (found["verdict"], found["impossible"]) == ("consistent", 0)


@pytest.mark.parametrize(("stated", "batch"), [(5000, 32), (2000, 64), (1821, 16)])
def test_dropped_batches_are_found(stated, batch):
    kept = stated // batch * batch
    found = examine(column(kept, 40, seed=1), stated, [batch])
    assert found["explained_by"] == kept
    assert found["best"][0]["drop_last_of_batch_sizes"] == [batch]


def test_another_test_size_is_found_without_a_batch_size():
    assert examine(column(4870, 60, seed=2), 5000)["explained_by"] == 4870


def test_stray_values_are_not_explained_away():
    random = np.random.default_rng(0)
    verdicts = []
    for _ in range(40):
        stray = [Printed.parse(f"{v:.2f}") for v in random.uniform(80, 99, 42)]
        verdicts.append(examine(stray, 5000, [16, 32])["verdict"])
    assert verdicts.count("unexplained") >= 39


def test_too_many_rows_for_the_digits_is_said():
    assert examine(column(25000, 10, seed=3, decimals=1), 25000)["verdict"] == "powerless"


def test_whole_batches_far_from_the_stated_size_are_tried():
    tried = {c.n for c in candidates([Printed.parse("90.9")], 174, [32, 500])}
    assert 160 in tried and 0 not in tried


def test_whole_batches_come_before_nearer_sizes():
    """50.0 % is possible of 160 and of 174; only the first has a reason."""
    assert candidates([Printed.parse("50.0")], 173, [32])[0].n == 160
    assert candidates([Printed.parse("50.0")], 173)[0].n in (172, 174)
