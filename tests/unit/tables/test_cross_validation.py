"""Cross-validated rows through the code of the tables: levels, coverage and what the tables say.

`benchmarks/cross_validation.py` runs all of docs/statistics.md; here are short ones.
"""

from pathlib import Path

import numpy as np
import pytest
from benchmarks.cross_validation import Design, simulate, write_experiment

from finetone.errors import UserError
from finetone.formats import predictions
from finetone.statistics.variance.cross_validation import Folds, variance_factor
from finetone.tables import runs_table, summary_table
from finetone.tables.differences import comparison_tables
from finetone.tables.panels import panels

STABLE = Design("ridge", 100, features=60)
UNSTABLE = Design("ridge", 300, fails=0.2)


@pytest.mark.parametrize("design", [STABLE, UNSTABLE], ids=str)
def test_equal_methods_rarely_differ_though_folds_share_rows(design: Design) -> None:
    found = simulate(design, 0, 80)
    assert found["false"] <= 0.05 + 3 * 0.025  # nominal 5 %; standard error of 80 experiments
    assert found["naive"] > found["false"]
    assert found["difference"] >= 0.92 and found["ranking"] >= 0.9 and found["summary"] >= 0.9


def test_the_factor_is_that_of_nadeau_and_bengio() -> None:
    for folds in (2, 5, 10):
        assert variance_factor(folds) == pytest.approx((1 / folds + 1 / (folds - 1)) * folds)


def test_folds_that_differ_by_more_than_their_rows_widen_the_interval() -> None:
    fold = np.arange(100)[None] % 5 + 1
    folds = Folds(5, fold, {"m": [0]})
    alike = (np.arange(100)[None] // 5 % 5 > 0).astype(float)  # four in five right in every fold
    assert folds.inflation(alike) == folds.factor
    one_failed = np.where(fold == 3, 0.0, alike)
    assert folds.inflation(one_failed) > 2 * folds.factor
    assert folds.inflation(np.ones((1, 100))) == folds.factor


def test_ranking_and_summary_say_the_same_and_one_seed_is_enough(tmp_path: Path) -> None:
    files, _ = write_experiment(Design("ridge", 120, repeats=2), tmp_path, np.random.default_rng(1))
    pairs, ranking = comparison_tables.table(files, None, 0.95, {}, None)
    assert pairs["p_adjusted"].notna().all() and (ranking["group"] != "").all()
    runs = runs_table.table(files, 0.95)
    assert runs["folds"].tolist() == [5] * 4 and sorted(runs["repeat"]) == [1, 1, 2, 2]
    summary = summary_table.summarise(runs, 0.95, {}, {}).set_index("method")
    of = ranking.set_index("method").loc[summary.index]
    for name in ("low", "high"):
        np.testing.assert_allclose(summary[f"accuracy_{name}"], of[name], rtol=1e-9)


def test_files_of_other_folds_are_not_compared(tmp_path: Path) -> None:
    for method, turn in (("a", 0), ("b", 1)):
        rows = np.arange(10)
        logits = {1: np.zeros((10, 2), dtype=np.float32)}
        about = {"dataset": "d", "method": method, "seed": 1, "labels": ["no", "yes"]}
        about |= {"kept_epoch": 1, "folds": 5, "repeat": 1}
        fold = (rows + turn) % 5 + 1
        predictions.write(tmp_path / method, rows, rows % 2, logits, about, fold=fold)
    with pytest.raises(UserError, match="its folds differ from those"):
        list(panels([tmp_path / "a", tmp_path / "b"]))
