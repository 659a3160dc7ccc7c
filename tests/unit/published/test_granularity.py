from decimal import ROUND_DOWN, ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetone.published.explanations import Column, Design, candidates
from finetone.published.granularity import (
    chance,
    correct_counts,
    neighbours,
    possible,
    share_possible,
)
from finetone.published.printed import Printed


def prints(k, n, decimals, scale, rounding):
    """All ways to print k/n, by decimal arithmetic of another kind than the code's."""
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
    printed = Printed.parse(text, scale)
    assert list(correct_counts(printed, n, rounding)) == expected
    if not expected:
        low, high = neighbours(printed, n, rounding)
        assert possible(low, n, rounding) and possible(high, n, rounding)
        between = range(1, high.units - low.units)
        assert not any(possible(low.moved(by), n, rounding) for by in between)


@pytest.mark.parametrize("rounding", ["nearest", "cut"])
@pytest.mark.parametrize(
    ("n", "decimals"), [(7, 0), (16, 0), (60, 1), (160, 1), (250, 2), (333, 2), (800, 1), (999, 1)]
)
def test_share_is_the_share_of_possible_prints(n, decimals, rounding):
    steps = 100 * 10**decimals
    grid = [f"{Decimal(i).scaleb(-decimals):f}" for i in range(steps + 1)]
    allowed = sum(possible(Printed.parse(text), n, rounding) for text in grid)
    assert share_possible(Printed.parse(grid[0]), n, rounding) == pytest.approx(
        allowed / (steps + 1)
    )


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
    found = Column(column(5000, 42, seed), Design(5000, batch_sizes=(16, 32)))
    assert (found.verdict, found.impossible, found.fits) == ("consistent", [], [])


@pytest.mark.parametrize(("stated", "batch"), [(5000, 32), (2000, 64), (1821, 16)])
def test_dropped_batches_are_found(stated, batch):
    kept = stated // batch * batch
    found = Column(column(kept, 40, seed=1), Design(stated, batch_sizes=(batch,)))
    told = [f.explanation for f in found.fits if f.convincing]
    assert ("drop-last", kept, (batch,)) in [(e.name, e.of, e.numbers) for e in told]


@pytest.mark.parametrize(("n", "batch"), [(872, 16), (872, 64), (1000, 48), (300, 7)])
def test_means_of_batches_are_on_their_grid(n, batch):
    """Also where the rows of the last batch do not divide the batch size."""
    random = np.random.default_rng(n + batch)
    sizes = [batch] * (n // batch) + [n % batch]
    values = [
        Printed.parse(f"{100 * np.mean([random.integers(0, s + 1) / s for s in sizes]):.3f}")
        for _ in range(30)
    ]
    (batches,) = (e for e in candidates(Design(n, 1, True, (batch,)))
                  if (e.name, e.rounding, e.bare) == ("batch-means", "nearest", False))  # fmt: skip
    assert all(map(batches.allows, values))


def test_all_explanations_that_tie_are_named():
    """Means over batches of 16 whose last has 8 rows are counts of 5008.

    With two decimals 5000 - 8 rows give the same values as 5000 + 8, but for the very last digits:
    k/4992 is 2k and a little more in the last digit, k/5008 as much less.
    """
    found = Column(column(5008, 40, seed=3), Design(5000, batch_sizes=(16,), others=(25000,)))
    told = {(f.explanation.name, f.explanation.of): f.convincing for f in found.fits}
    assert told == {
        ("batch-means", 5008): True, ("drop-last", 4992): True, ("others", 25000): False
    }  # fmt: skip


def test_another_test_size_is_found_without_a_batch_size():
    fits = Column(column(4870, 60, seed=2), Design(5000)).fits
    found = {(f.explanation.name, f.explanation.of) for f in fits if f.convincing}
    assert found == {("near", 4870), ("near", 5130)}  # its mirror image about 5000


def test_zeros_that_were_not_measured_are_tried_as_missing_digits():
    values = [*column(4992, 30, seed=4), Printed.parse("91.10"), Printed.parse("92.30")]
    values = [p for p in values if p.units % 10 or p.text in ("91.10", "92.30")]
    found = Column(values, Design(5000, batch_sizes=(32,)))
    fits = {(f.explanation.of, f.explanation.bare): f.possible for f in found.fits if f.convincing}
    assert fits[4992, False] == len(values) - 2 and fits[4992, True] == len(values)
    assert {of for of, _ in fits} == {4992, 5008}


@pytest.mark.parametrize(
    ("of", "design"),
    [
        (4360, Design(872, 5)),  # a mean over five runs
        (1744, Design(872, 2)),  # a median of four
        (872, Design(872, 1)),  # a median of five
    ],
)
def test_means_and_medians_over_runs_are_possible(of, design):
    assert not Column(column(of, 40, seed=5), design).impossible


def test_means_over_an_unknown_number_of_runs_are_named():
    found = Column(column(4360, 12, seed=6), Design(872, known=False))
    named = [(f.explanation.name, f.explanation.numbers) for f in found.fits]
    assert found.impossible and ("runs", (5,)) in named


def test_stray_values_are_not_explained_away():
    random = np.random.default_rng(0)
    verdicts = []
    for _ in range(40):
        stray = [Printed.parse(f"{v:.2f}") for v in random.uniform(80, 99, 42)]
        verdicts.append(Column(stray, Design(5000, batch_sizes=(16, 32))).verdict)
    assert verdicts.count("unexplained") >= 39


def test_too_many_rows_for_the_digits_is_said():
    assert Column(column(25000, 10, seed=3, decimals=1), Design(25000)).verdict == "powerless"


def test_whole_batches_far_from_the_stated_size_are_tried():
    tried = {e.of for e in candidates(Design(174, batch_sizes=(32, 500)))}
    assert 160 in tried and 0 not in tried
