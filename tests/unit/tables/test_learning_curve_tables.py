"""learning_curve.csv, …_fit.csv and …_crossings.csv, from prediction files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from finetone import files
from finetone.formats import predictions
from finetone.formats.csv_table import read_csv
from finetone.tables import write_table
from finetone.tables.learning_curve_tables import TOO_FEW

ROWS, TOTAL, N = [50, 200, 800], 2000, 500


def write(path: Path, method: str, seed: int, accuracy: float, random: np.random.Generator) -> Path:
    label = np.arange(N) % 2
    right = np.linspace(0, 1, N) < accuracy + random.normal(0, 0.01)
    predicted = np.where(right, label, 1 - label)
    logits = np.where(predicted[:, None] == [0, 1], 2.0, -2.0).astype(np.float32)
    about = {"dataset": "d", "method": method, "seed": seed, "labels": ["no", "yes"]}
    path.parent.mkdir(parents=True, exist_ok=True)
    predictions.write(path, np.arange(N), label, {1: logits}, about | {"kept_epoch": 1})
    return path


def tables(folder: Path, rows: list[int], metric: str = "accuracy") -> list[pd.DataFrame]:
    random = np.random.default_rng(0)
    truth = {"a": lambda n: 0.95 - 2.5 * n**-0.5, "b": lambda n: 0.85 - 0.5 * n**-0.5}
    curve = [
        write(folder / f"rows{n}/{method}/seed{seed}.parquet", method, seed, of(n), random)
        for n in reversed(rows)
        for method, of in truth.items()
        for seed in (1, 2, 3)
    ]
    runs = [
        write(folder / f"{method}/seed{seed}.parquet", method, seed, truth[method](TOTAL), random)
        for method, seed in (("a", 1), ("a", 2), ("a", 3), ("b", 0))
    ]
    counts = {"train": {"no": 1500, "yes": 500}}
    files.write_json(folder / "data/manifest.json", {"dataset": "d", "rows": counts})
    names = ("learning_curve", "learning_curve_fit", "learning_curve_crossings")
    targets = [folder / f"{name}.csv" for name in names]
    write_table(
        "learning_curve_tables", targets, curve=curve, predictions=runs, data=folder / "data",
        metric=metric, confidence=0.95, roles={"deterministic": ["b"]}, seed_sd=None, seed=0,
    )  # fmt: skip
    return [read_csv(target) for target in targets]


def test_every_point_with_its_interval_and_all_rows_last(tmp_path: Path) -> None:
    points, _, _ = tables(tmp_path, ROWS)
    assert points["method"].tolist() == ["a"] * 4 + ["b"] * 4
    assert points["rows"].tolist() == [*ROWS, TOTAL] * 2
    assert points["all_rows"].tolist() == [False, False, False, True] * 2
    assert points["seeds"].tolist() == [3] * 7 + [1]
    assert ((points["low"] < points["score"]) & (points["score"] < points["high"])).all()
    assert points[points["method"] == "a"]["score"].is_monotonic_increasing
    assert set(points["dataset"]) == {"d"} and set(points["metric"]) == {"accuracy"}


def test_what_another_thousand_rows_would_bring(tmp_path: Path) -> None:
    _, fit, _ = tables(tmp_path, ROWS)
    steep, flat = (fit[fit["method"] == method].iloc[0] for method in "ab")
    assert (steep["rows"], steep["more"], steep["points"]) == (TOTAL, 1000, 4)
    true = 2.5 * (TOTAL**-0.5 - 3000**-0.5)
    assert steep["gain_low"] < true < steep["gain_high"] < 0.05
    assert steep["gain"] > flat["gain"] and steep["gain_twice"] > steep["gain"]
    assert (fit["reason"] == "").all()


def test_where_the_curves_cross(tmp_path: Path) -> None:
    _, _, crossings = tables(tmp_path, ROWS)
    (row,) = crossings.to_dict("records")
    assert (row["a"], row["b"]) == ("b", "a")
    assert row["low"] < 400 < row["high"] and row["share"] > 0.9


def test_two_points_are_no_curve(tmp_path: Path) -> None:
    points, fit, crossings = tables(tmp_path, [100])
    assert points["rows"].tolist() == [100, TOTAL] * 2
    assert fit["reason"].tolist() == [TOO_FEW] * 2 and fit["gain"].isna().all()
    assert len(crossings) == 1


@pytest.mark.parametrize("metric", ["loss", "macro_f1"])
def test_other_metrics(tmp_path: Path, metric: str) -> None:
    points, fit, _ = tables(tmp_path, ROWS, metric)
    assert set(points["metric"]) == {metric}
    assert (fit["gain"] >= 0).all(), "a gain is an improvement, of a loss, too"
