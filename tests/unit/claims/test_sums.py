"""Errors of weighted sums of runs, by simulation: new rows and new seeds every time."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from finetone.claims.contributions import Contributions
from finetone.claims.estimate import Estimate, Ratio, combine, error_of
from finetone.claims.sums import Runs

SPREAD, ROWS = 0.1, 300
METHODS = {"a": 3, "b": 3, "c": 2, "d": 2, "words": 1}


class Drawn(Contributions):
    """Accuracies drawn at random instead of read: rows that all find hard, seeds with their luck."""

    def __init__(self, random: np.random.Generator) -> None:
        super().__init__([])
        self.blocks = {}
        luck = {(m, s): SPREAD * random.normal() for m in METHODS for s in range(5)}
        for dataset in ("home", "away"):
            hard = random.normal(size=ROWS)
            for method, seeds in METHODS.items():
                for epoch in (1, 2):
                    noise = random.normal(0, 0.4, (seeds, ROWS))
                    own = np.array([0.0 if method == "words" else luck[method, s]
                                    for s in range(seeds)])  # fmt: skip
                    gain = 1.2 + 0.1 * epoch + own[:, None]
                    key = (dataset, method, "kept" if epoch == 2 else 1)
                    self.blocks[key] = (hard + noise < gain).astype(np.float32)

    def of(self, metric: str, dataset: str, method: str, epoch: int | str) -> Any:
        return self.blocks[dataset, method, epoch]

    def unit(self, metric: str, dataset: str) -> float:
        return 1.0


def draw(random: np.random.Generator) -> Runs:
    drawn, rows = Drawn(random), []
    for (dataset, method, epoch), block in drawn.blocks.items():
        for seed, right in enumerate(block):
            row = {"dataset": dataset, "method": method, "seed": seed, "n": ROWS}
            row |= {"epoch": 2 if epoch == "kept" else 1, "kept": epoch == "kept"}
            rows.append(row | {"correct": right.sum()})
    return Runs(pd.DataFrame(rows), drawn, {"deterministic": ["words"]}, None)


def truth(epoch: int) -> float:
    spread = np.sqrt(1 + 0.4**2 + SPREAD**2)
    return float(stats.norm.cdf((1.2 + 0.1 * epoch) / spread))


SUMS = {
    "group": ({("home", m, "kept"): w for m, w in zip("abcd", (0.5, 0.5, -0.5, -0.5), strict=True)}, 0.0),
    "mean": ({("home", m, "kept"): 1 / 3 for m in "abc"}, truth(2)),
    "epochs": ({("home", "a", "kept"): 1.0, ("home", "a", 1): -1.0}, truth(2) - truth(1)),
    "drop": ({("home", "c", "kept"): 1.0, ("away", "c", "kept"): -1.0}, 0.0),
}  # fmt: skip


@pytest.mark.parametrize("what", SUMS)
def test_intervals_of_sums_hold_the_truth(what: str) -> None:
    """150 experiments each: the standard error of a coverage of 95 % is 1.8 points."""
    random = np.random.default_rng(5)
    weights, expected = SUMS[what]
    held, wide = 0, []
    for _ in range(150):
        found = draw(random).sum("accuracy", weights)
        low, high = found.interval(0.95)
        held += low <= expected <= high
        wide.append(high - low)
        # the p of an edge is 5 % exactly where the interval ends
        assert found.p(high) == pytest.approx(0.05, rel=0.01)
    assert held / 150 >= 0.91
    unpaired = 2 * 1.96 * np.sqrt(truth(2) * (1 - truth(2)) / ROWS * 2)
    if what == "epochs":
        assert np.median(wide) < 0.85 * unpaired


def test_reach_is_what_four_of_five_experiments_find() -> None:
    random = np.random.default_rng(6)
    weights = {("home", "a", "kept"): 1.0, ("home", "b", "kept"): -1.0}
    found = [draw(random).sum("accuracy", weights) for _ in range(200)]
    reach = float(np.median([each.reach(0.05, 0.8) for each in found]))
    seen = np.mean([each.p(reach) < 0.05 for each in found])  # the truth is 0, `reach` away
    assert 0.66 < seen < 0.9  # nominal 0.8; with few seeds the interval itself varies


def test_degrees_of_freedom_after_welch() -> None:
    """Against scipy's Welch test of two samples; the mixture errs on the wide side."""
    random = np.random.default_rng(3)
    x, y = random.normal(size=15), random.normal(1, 3, size=17)
    sides = []
    for v in (x, y):
        errors = error_of(0.0, v.var(ddof=1) / len(v), len(v) - 1)
        sides.append(Estimate(float(v.mean()), errors, errors))
    expected = stats.ttest_ind(x, y, equal_var=False)
    ends = tuple(expected.confidence_interval())
    found = combine(sides, [1, -1])
    assert found.interval(0.95) == pytest.approx(ends, rel=0.02)
    assert found.p(0.0) == pytest.approx(expected.pvalue, rel=0.1)


def test_a_ratio_is_judged_on_its_logarithm() -> None:
    errors = error_of(0.01**2)
    ratio = Ratio(0.5, errors, errors)
    low, high = ratio.interval(0.95)
    assert (low * high, ratio.p(high)) == pytest.approx((0.25, 0.05), rel=1e-3)
    assert ratio.p(0.0) < 1e-9
    assert ratio.shown(ratio.width(0.45, 0.55)) == pytest.approx(np.sqrt(55 / 45) - 1)
