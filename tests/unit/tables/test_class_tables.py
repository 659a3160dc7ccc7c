"""confusion.csv and per_class.csv."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from finetone.formats import predictions
from finetone.formats.csv_table import write_csv
from finetone.plots.confusion import draw_confusion
from finetone.plots.drawing.style import Style
from finetone.statistics.intervals import wilson
from finetone.tables import class_tables


def write_runs(
    folder: Path, classes: int, n: int, seeds: tuple[int, ...] = (1, 2), method: str = "m"
) -> tuple[list[Path], np.ndarray, list[np.ndarray]]:
    label = np.random.default_rng(0).integers(0, classes, n)
    names = [f"class {c}" for c in range(classes)]
    paths, predicted = [], []
    for seed in seeds:
        random = np.random.default_rng(seed)
        logits = random.normal(0, 1, (n, classes)) + 1.5 * np.eye(classes)[label]
        predicted.append(logits.argmax(axis=1))
        meta = {"dataset": "d", "method": method, "seed": seed, "labels": names, "kept_epoch": 1}
        paths.append(folder / f"{method}{seed}.parquet")
        predictions.write(paths[-1], np.arange(n), label, {1: logits.astype(np.float32)}, meta)
    return paths, label, predicted


def test_confusion_is_the_mean_over_seeds(tmp_path: Path) -> None:
    paths, label, predicted = write_runs(tmp_path, 3, 200)
    found, _ = class_tables.table(paths, 0.95, {})
    wanted = np.mean([confusion_matrix(label, each) for each in predicted], axis=0)
    cells = found.pivot(index="true", columns="predicted", values="rows").fillna(0).to_numpy()
    np.testing.assert_allclose(cells, wanted)
    assert found.groupby("true")["share"].sum().to_numpy() == pytest.approx(1)


def test_one_run_has_wilsons_interval(tmp_path: Path) -> None:
    """Recall is a share of the rows of a class, precision of those predicted as it."""
    paths, label, (predicted,) = write_runs(tmp_path, 3, 300, seeds=(0,), method="fixed")
    _, found = class_tables.table(paths, 0.95, {"deterministic": ["fixed"]})
    for c, row in enumerate(found.to_dict("records")):
        right = ((label == c) & (predicted == c)).sum()
        for name, of in (("recall", (label == c).sum()), ("precision", (predicted == c).sum())):
            assert row[name] == pytest.approx(right / of)
            ends = wilson(right, of, 0.95)
            assert (row[f"{name}_low"], row[f"{name}_high"]) == pytest.approx(ends, abs=3e-3)


def test_seeds_widen_an_interval(tmp_path: Path) -> None:
    """With the same recall in two seeds, and with another one in each."""
    label = np.repeat([0, 1], 200)
    folder = {}
    for name, wrong in {"same": (40, 40), "other": (10, 70)}.items():
        folder[name] = []
        for seed, count in enumerate(wrong):
            predicted = label.copy()
            predicted[:count] = 1
            meta = {"dataset": "d", "method": "m", "seed": seed, "labels": ["a", "b"]}
            path = tmp_path / f"{name}{seed}.parquet"
            logits = np.eye(2, dtype=np.float32)[predicted]
            predictions.write(path, np.arange(400), label, {1: logits}, meta | {"kept_epoch": 1})
            folder[name].append(path)
    width = {}
    for name, paths in folder.items():
        row = class_tables.table(paths, 0.95, {})[1].iloc[0]
        assert row["recall"] == pytest.approx(0.8)
        width[name] = row["recall_high"] - row["recall_low"]
    assert width["other"] > 1.5 * width["same"] > 0.1


def test_sixty_classes_stay_readable(tmp_path: Path) -> None:
    paths, _, _ = write_runs(tmp_path, 60, 3000)
    confusion, per_class = class_tables.table(paths, 0.95, {})
    assert len(per_class) == 60 and len(confusion) < 60 * 60
    assert per_class.select_dtypes(float).notna().all(axis=None)
    write_csv(confusion, tmp_path / "confusion.csv")
    target = tmp_path / "confusion.svg"
    draw_confusion(tmp_path / "confusion.csv", "d", Style(), target)
    text = target.read_text()
    assert len(text) < 400_000
    assert "class 7" not in text.split("</desc>")[1]  # no name on an axis, no number in a cell
    assert text.count("<text") < 10


def test_a_class_that_is_never_predicted_has_no_precision(tmp_path: Path) -> None:
    label = np.array([0, 1] * 20)
    meta = {"dataset": "d", "method": "majority", "seed": 0, "labels": ["a", "b"], "kept_epoch": 1}
    path = tmp_path / "m.parquet"
    logits = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (40, 1))
    predictions.write(path, np.arange(40), label, {1: logits}, meta)
    _, found = class_tables.table([path], 0.95, {"deterministic": ["majority"]})
    first, second = found.to_dict("records")
    assert first["recall"] == 1 and first["recall_low"] < 1 and first["precision"] == 0.5
    assert pd.isna(second["precision"]) and pd.isna(second["precision_low"])
    assert second["recall"] == 0 < second["recall_high"]
