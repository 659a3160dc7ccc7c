"""tuning.csv and tuning_budget.csv, from the files of trials."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from finetone.formats import trial
from finetone.formats.csv_table import read_csv
from finetone.formats.trial import Trial
from finetone.statistics.intervals import wilson
from finetone.tables import write_table
from finetone.tuning.choosing import choose

ROWS = 200


def scores(*accuracies: float) -> list[dict[str, float | None]]:
    error = [(a * (1 - a) / ROWS) ** 0.5 for a in accuracies]
    return [
        {"accuracy": a, "accuracy_se": e, "loss": 1 - a, "loss_se": 0.02}
        for a, e in zip(accuracies, error, strict=True)
    ]


def write(folder: Path, method: str, rate: float, *accuracies: float, **more: Any) -> Path:
    path = folder / method / f"{rate}.json"
    found: dict[str, Any] = {
        "method": method, "name": f"learning_rate{rate}", "values": {"learning_rate": rate},
        "seed": 0, "epochs": 2, "scores": scores(*accuracies), "rows": 1000, "dev_rows": ROWS,
        "train_seconds": 3.5,
    }  # fmt: skip
    trial.write(path, Trial(**found | more))
    return path


def tables(folder: Path, metric: str = "accuracy", **more: Any) -> list[pd.DataFrame]:
    of_method = {
        "a": [
            write(folder, "a", 1e-5, 0.6, 0.7),
            write(folder, "a", 2e-5, 0.9, 0.8),
            write(folder, "a", 3e-5, 0.5, stopped=True),
            write(folder, "a", 1.0, diverged=True),
        ],
        "b": [write(folder, "b", 1e-5, 0.75, 0.5), write(folder, "b", 2e-5, 0.6, 0.6)],
    }
    best_epoch = more.get("best_epoch", ["b"])
    choices = [folder / f"{method}.json" for method in of_method]
    for (method, trials), target in zip(of_method.items(), choices, strict=True):
        choose(method, trials, metric, target, best_epoch=method in best_epoch)
    targets = [folder / "tuning.csv", folder / "tuning_budget.csv"]
    write_table(
        "tuning_tables", targets, trials=[path for own in of_method.values() for path in own], choices=choices,
        dataset="films", metric=metric, best_epoch=best_epoch, confidence=0.95,
    )  # fmt: skip
    return [read_csv(target) for target in targets]


def test_every_trial_with_its_interval_over_dev_rows(tmp_path: Path) -> None:
    tuning, _ = tables(tmp_path)
    assert tuning["method"].tolist() == ["a"] * 4 + ["b"] * 2
    assert tuning["score"].tolist()[:3] + tuning["score"].tolist()[4:] == [0.7, 0.8, 0.5, 0.75, 0.6]
    assert pd.isna(tuning["score"][3]) and tuning["diverged"].tolist()[3]
    low, high = wilson(0.8 * ROWS, ROWS, 0.95)
    assert (tuning["low"][1], tuning["high"][1]) == pytest.approx((low, high), rel=1e-4)
    assert tuning["trial"][tuning["chosen"]].tolist() == [
        "learning_rate2e-05",
        "learning_rate1e-05",
    ]
    assert tuning["epochs_trained"].tolist() == [2, 2, 1, 0, 2, 2]
    assert tuning["epochs_planned"].tolist() == [2] * 6
    assert tuning["stopped"].sum() == 1


def test_the_expected_best_of_the_trials_that_have_a_score(tmp_path: Path) -> None:
    _, budget = tables(tmp_path)
    own = budget[budget["method"] == "b"]
    assert own["trials"].tolist() == [1, 2]
    assert own["expected_best"].tolist() == pytest.approx([0.675, 0.7125])
    assert own["expected_best_of_different"].tolist() == pytest.approx([0.675, 0.75])
    assert budget[budget["method"] == "a"]["trials"].max() == 3


def test_of_a_loss_the_lowest_is_the_best(tmp_path: Path) -> None:
    tuning, budget = tables(tmp_path, metric="loss", best_epoch=[])
    assert tuning["score"][tuning["chosen"]].tolist() == pytest.approx([0.2, 0.4])
    own = budget[budget["method"] == "b"]
    assert own["expected_best_of_different"].tolist() == pytest.approx([0.45, 0.4])
