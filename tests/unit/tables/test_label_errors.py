"""Labels that are likely wrong come first, whatever else is asked."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from finetone.comparison.panel import Panel
from finetone.formats.csv_table import read_csv, write_csv
from finetone.tables.examples.errors_table import errors
from finetone.tables.examples.label_errors_table import label_errors
from finetone.tables.examples.near_duplicates_table import COLUMNS

NAMES = ("no", "yes")


def panel(rows: int, wrong: int, seed: int) -> tuple[Panel, np.ndarray]:
    """A good method, a mediocre one and one that says yes to all; the first `wrong` labels are turned."""
    random = np.random.default_rng(seed)
    truth = np.arange(rows) % 2
    label = np.where(np.arange(rows) < wrong, 1 - truth, truth)
    sign = 2.0 * truth - 1
    scores = [random.normal(3 * sign, 1.5), random.normal(0.3 * sign, 1.0), np.full(rows, 9.0)]
    logits = np.stack([np.stack([-s, s], axis=1) for s in scores]).astype(np.float32)
    seeds = {"good": [1], "mediocre": [1], "always": [0]}
    return Panel("d", NAMES, np.arange(rows), label, seeds, logits), truth


def test_planted_labels_come_first_and_the_right_one_is_suggested() -> None:
    data, truth = panel(400, 20, 1)
    found = label_errors(data, ["text"] * 400)
    first = found["id"].to_numpy()[:20]
    assert (first < 20).mean() >= 0.8
    right = [NAMES[truth[each]] for each in first]
    assert (found["suggested"][:20] == right).mean() >= 0.8
    assert found["rank"].tolist() == list(range(1, len(found) + 1))
    assert (found["methods"] == 2).all() and "always" not in " ".join(found["says"])
    assert found["says"].iloc[0].startswith("good: ")


def test_controls_are_not_asked_and_without_a_method_there_is_nothing() -> None:
    data, _ = panel(60, 3, 1)
    assert (label_errors(data, ["text"] * 60, ["mediocre"])["methods"] == 1).all()
    assert len(label_errors(data, ["text"] * 60, ["good", "mediocre"])) == 0


def test_the_hardest_rows_are_judged_by_the_same_methods() -> None:
    data, _ = panel(400, 20, 1)
    assert (errors(data, ["text"] * 400)["methods"] == 2).all()
    assert (errors(data, ["text"] * 400, ["mediocre"])["methods"] == 1).all()
    assert len(errors(data, ["text"] * 400, ["good", "mediocre"])) == 0


def test_both_tables_of_rows_are_written_and_read(tmp_path: Path) -> None:
    """Classes may be called 007 or NA, and texts may hold anything."""
    data, _ = panel(60, 3, 1)
    found = label_errors(replace(data, labels=("007", "NA")), ["=text"] * 60)
    pairs = pd.DataFrame([dict.fromkeys(COLUMNS, "007") | {"other_id": 1, "similarity": 0.5}])
    for name, frame in (("label_errors", found), ("near_duplicates", pairs)):
        write_csv(frame, tmp_path / f"{name}.csv")
    again = read_csv(tmp_path / "label_errors.csv")
    for column in ("label", "suggested", "text", "says"):
        assert again[column].tolist() == found[column].tolist()
    again = read_csv(tmp_path / "near_duplicates.csv")
    assert again[pairs.columns.drop(["other_id", "similarity"])].eq("007").all(axis=None)


def test_no_more_rows_than_asked_for() -> None:
    data, _ = panel(400, 20, 1)
    assert len(label_errors(data, ["text"] * 400, most=7)) == 7
