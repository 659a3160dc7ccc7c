"""Comparing by any metric: ranking, letters, verdicts, recommendation, and that they agree."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from finetone.comparison.verdicts import verdicts
from finetone.formats.csv_table import read_csv
from finetone.statistics.evaluation import ERRORS
from finetone.tables import runs_table, summary_table
from finetone.tables.differences import comparison_tables, recommendation_table
from finetone.tables.differences.recommendation_table import recommend
from tests.unit.tables.test_tables import Experiment, write_predictions

METRICS = ["accuracy", "balanced_accuracy", "macro_f1", "mcc", "auc", "loss"]
SKILLS = {"good": 2.4, "same": 2.4, "poor": 1.4}


def predictions(folder: Path, n: int, seeds: int, spread: float = 0.02) -> list[Path]:
    """Of methods of the SKILLS, and of a `majority` without random numbers; 20 % are of class 1."""
    random = np.random.default_rng(0)
    label = (random.random(n) < 0.2).astype(np.int64)
    hard = random.normal(0, 1, n)
    paths = []
    for method, skill in SKILLS.items():
        own = hard + random.normal(0, 0.2, n)
        for seed in range(1, seeds + 1):
            margin = skill + random.normal(0, spread) + own + random.normal(0, 0.2, n)
            away = np.where(label, margin, -margin)
            logits = np.stack([np.zeros(n), away], axis=1).astype(np.float32)
            path = folder / f"{method}-{seed}.parquet"
            paths.append(write_predictions(path, label, [logits], method=method, seed=seed))
    constant = np.tile(np.float32([2.0, 0.0]), (n, 1))
    path = folder / "majority.parquet"
    paths.append(write_predictions(path, label, [constant], method="majority", seed=0))
    return paths


@pytest.mark.parametrize("metric", METRICS)
def test_letters_intervals_and_verdicts_agree_for_every_metric(tmp_path: Path, metric: str) -> None:
    paths = predictions(tmp_path, 3000, 3)
    pairs, ranking = comparison_tables.table(
        paths,
        None,
        0.95,
        {"deterministic": ["majority"]},
        None,
        metric,
        margin=2.0 if metric == "auc" else 5.0,
    )
    assert set(ranking["metric"]) == set(pairs["metric"]) == {metric}
    order = ranking["method"].tolist()
    assert set(order[:2]) == {"good", "same"} and order[2:] == ["poor", "majority"]
    worst_first = ranking["score"].dropna().is_monotonic_increasing
    assert worst_first == (metric in ERRORS)
    group = ranking.set_index("method")["group"]
    for row in pairs.to_dict("records"):
        if metric == "mcc" and row["b"] == "majority":  # one that always says the same has none
            assert np.isnan([row["difference"], row["p"], row["low_simultaneous"]]).all()
            assert row["verdict"] == group["majority"] == ""
            continue
        outside = row["low_simultaneous"] > 0 or row["high_simultaneous"] < 0
        assert outside == (row["p_adjusted"] < 0.05)
        assert outside != bool(set(group[row["a"]]) & set(group[row["b"]]))
        assert row["low_simultaneous"] <= row["low"] <= row["difference"] <= row["high"]
        assert row["high"] <= row["high_simultaneous"]
    verdict = pairs.set_index(["a", "b"])["verdict"]
    assert verdict["good", "same"] == "equal" and verdict["good", "poor"] == "a better"
    best = ranking.iloc[0]
    assert pd.isna(best["difference_to_best"])
    poor = ranking[ranking["method"] == "poor"].iloc[0]
    assert (poor["difference_to_best"] > 0) == (metric in ERRORS)
    assert poor["low_simultaneous"] <= poor["difference_low"]


@pytest.mark.parametrize("metric", METRICS)
def test_a_ranking_has_the_intervals_of_the_summary(tmp_path: Path, metric: str) -> None:
    """They are made of predictions here, and there of runs.csv alone."""
    paths = predictions(tmp_path, 400, 2)
    runs = runs_table.table(paths, 0.95)
    summary = summary_table.summarise(runs, 0.95, {"deterministic": ["majority"]}, {}).set_index(
        "method"
    )
    _, ranking = comparison_tables.table(
        paths, None, 0.95, {"deterministic": ["majority"]}, None, metric
    )
    for row in ranking.to_dict("records"):
        other = summary.loc[row["method"], [f"{metric}_{end}" for end in ("mean", "low", "high")]]
        here = [row[name] for name in ("score", "low", "high")]
        assert here == pytest.approx(other.astype(float).tolist(), rel=1e-6, nan_ok=True)


def test_a_stated_spread_is_that_of_the_metric(tmp_path: Path) -> None:
    paths = predictions(tmp_path, 800, 1)
    for metric in ("accuracy", "macro_f1"):
        pairs, ranking = comparison_tables.table(
            paths, None, 0.95, {"deterministic": ["majority"]}, 1.0, metric
        )
        assert pairs["p"].notna().all() and (ranking["group"] != "").all()
        narrow, _ = comparison_tables.table(
            paths, None, 0.95, {"deterministic": ["majority"]}, 0.1, metric
        )
        assert (narrow["p"] <= pairs["p"]).all()
        runs = runs_table.table(paths, 0.95)
        wide, usual = (
            summary_table.summarise(runs, 0.95, {"deterministic": ["majority"]}, stated)
            for stated in ({metric: 0.02}, {"auc": 0.02})
        )
        assert (wide[f"{metric}_low"] < usual[f"{metric}_low"])[:3].all()


def test_verdicts_of_intervals() -> None:
    low = np.array([0.012, -0.03, -0.004, 0.002, -0.02, np.nan])
    high = np.array([0.03, -0.011, 0.009, 0.008, 0.004, np.nan])
    expected = ["a better", "b better", "equal", "equal", "open", ""]
    assert verdicts(low, high, 0.01).tolist() == expected
    turned = ["b better", "a better", "equal", "equal", "open", ""]
    assert verdicts(low, high, 0.01, lower_is_better=True).tolist() == turned
    assert verdicts(np.array([0.001]), np.array([0.002]), 0.0).tolist() == ["a better"]


Method = tuple[float, float, float, float]  # behind, half of its interval, seconds, parameters


def advice(
    controls: Sequence[str] = (), metric: str = "accuracy", margin: float = 1.0, **methods: Method
) -> pd.DataFrame:
    """The recommendation for methods from best to worst; the simultaneous interval is 1.5 times the
    other; in points."""
    sign = 1 if metric in ERRORS else -1
    rows = []
    for rank, (method, (behind, half, seconds, parameters)) in enumerate(methods.items(), 1):
        ends = [
            sorted((sign * (behind - part) / 100, sign * (behind + part) / 100))
            for part in (half, 1.5 * half)
        ]
        rows.append(
            {
                "dataset": "d",
                "method": method,
                "rank": rank,
                "metric": metric,
                "difference_to_best": sign * behind / 100 if rank > 1 else np.nan,
                "difference_low": ends[0][0] if rank > 1 else np.nan,
                "difference_high": ends[0][1] if rank > 1 else np.nan,
                "low_simultaneous": ends[1][0] if rank > 1 else np.nan,
                "high_simultaneous": ends[1][1] if rank > 1 else np.nan,
                "train_seconds": seconds,
                "parameters": parameters,
            }
        )
    return recommend(pd.DataFrame(rows), controls, margin / 100)


def chosen(found: pd.DataFrame) -> tuple[str | None, str]:
    named = found.loc[found["recommended"], "method"].tolist()
    assert len(named) <= 1 and (found["why"] != "").sum() == 1
    reason = found.loc[found["why"] != "", "why"].item()
    return (named[0] if named else None), reason


BIG = (0.0, 0.0, 60.0, 1e8)


@pytest.mark.parametrize("metric", ["accuracy", "loss"])
def test_the_cheapest_within_the_margin_is_recommended(metric: str) -> None:
    found = advice(
        metric=metric, big=BIG, small=(0.1, 0.4, 9.0, 1e7), tiny=(0.2, 0.4, 5.0, 1e6),
        poor=(3.0, 0.4, 1.0, 1e5),
    )  # fmt: skip
    assert found["status"].tolist() == ["best", "within", "within", "worse"]
    assert chosen(found) == ("tiny", "cheapest")
    assert found["behind"].tolist()[1:] == pytest.approx([0.001, 0.002, 0.03])
    assert found["behind_high"][1] == pytest.approx(0.007)


def test_of_equally_quick_ones_the_smaller_is_recommended() -> None:
    found = advice(big=BIG, a=(0.1, 0.2, 9.0, 2e7), b=(0.1, 0.2, 9.0, 1e7))
    assert chosen(found) == ("b", "cheapest")
    unknown = advice(big=BIG, a=(0.1, 0.2, np.nan, 2e7))
    assert chosen(unknown) == ("big", "best"), "an unknown cost is not a low one"


def test_an_undecided_method_that_is_cheaper_makes_the_choice_provisional() -> None:
    assert chosen(advice(big=BIG, small=(0.5, 0.9, 9.0, 1e7))) == ("big", "undecided")
    dear = advice(big=BIG, huge=(0.5, 0.9, 90.0, 1e9))
    assert chosen(dear) == ("big", "best"), "what costs more is not asked about"


def test_one_that_is_worse_is_never_recommended_however_little() -> None:
    found = advice(big=BIG, small=(0.5, 0.2, 9.0, 1e7))
    assert found["status"].tolist() == ["best", "worse"]  # although it is within the margin
    assert chosen(found) == ("big", "best")


def test_a_control_is_never_recommended() -> None:
    found = advice(["twin"], big=BIG, twin=(0.1, 0.1, 9.0, 1e7))
    assert chosen(found) == ("big", "best")
    first = advice(["twin"], twin=BIG, small=(0.2, 0.3, 9.0, 1e7))
    assert chosen(first) == ("small", "cheapest"), "as good as the control that is best"
    assert chosen(advice(["twin"], twin=BIG, small=(2.0, 0.3, 9.0, 1e7))) == (None, "control")
    assert chosen(advice(["twin"], twin=BIG, small=(2.0, 3.0, 9.0, 1e7))) == ("small", "undecided")
    assert chosen(advice(["twin"], twin=BIG)) == (None, "control")
    assert chosen(advice(big=BIG)) == ("big", "alone")


def test_without_a_second_seed_nothing_is_recommended(tmp_path: Path) -> None:
    e = Experiment(tmp_path, runs={"big": (1,), "small": (1,), "majority": (0,)}, transfer=False)
    e.write_all()
    found = read_csv(e.out / "recommendation.csv")
    assert not found["recommended"].any()
    assert set(found["status"]) == {"best", "unknown", "control"}
    assert found["why"][0] == "unknown"
    assert set(read_csv(e.out / "comparisons.csv")["verdict"]) == {""}


def test_tables_by_another_metric(tmp_path: Path) -> None:
    e = Experiment(tmp_path, runs={"big": (1, 2), "small": (1, 2), "majority": (0,)})
    tables = e.write_all("loss")
    efficiency, summary = tables["efficiency"], tables["summary"].query("kept")
    loss = summary[summary["dataset"] == "movies"].set_index("method")["loss_mean"]
    for row in efficiency.to_dict("records"):
        assert row["metric"] == "loss" and row["score"] == loss[row["method"]]
    # the frontier is of low losses
    best = efficiency.loc[efficiency["score"].idxmin()]
    assert best["on_frontier_parameters"]
    worst = efficiency.loc[efficiency["score"].idxmax()]
    dominated = (efficiency["parameters"] < worst["parameters"]).any()
    assert not (worst["on_frontier_parameters"] and dominated)
    said = recommendation_table.table(
        e.out / "ranking.csv", e.out / "efficiency.csv", "movies", ["majority"], 1.0
    )
    assert said["behind"].dropna().ge(0).all()
