"""Every printed number stands beside ours, with the difference and what is known of its error."""

from math import hypot
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from finetone.formats import rounds
from finetone.formats.csv_table import write_csv
from finetone.formats.rounds import Rounds, Timed, TimedMethod
from finetone.published.table_audit import audit_table
from finetone.reproduction.side_by_side import mean_ratio, readings, side_by_side
from tests.unit.timed import write_rounds

MODELS = ("big", "small")
SECONDS = {"big": 0.4, "small": 0.1}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "setup.yaml": "{dataset: reviews, n_test: 1000, transfer: {dataset: other, n_test: 100}}",
        "published.csv": "model,epoch,accuracy,loss,parameters_millions,seconds_per_32\n"
        "big,1,90.00,0.300,110,0.3\nbig,2,95.07,0.200,110,0.3\n"
        "small,1,85.00,0.400,55,0.200\nsmall,2,90.0,0.100,55,0.200\ngone,2,91.5,,,\n",
        "transfer.csv": "model,method,accuracy,note,note_zh\nLittle,small,80,which one?,哪一个？\n",
        "baselines.csv": "model,method,kind,accuracy\nA list,words,lexicon,73.0\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def ours(folder: Path) -> dict[str, Path]:
    rows = []
    for method, score in (("big", 0.93), ("small", 0.88), ("words", 0.7)):
        for dataset in ("reviews", "other"):
            epochs = (0,) if method == "words" else (1, 2) if dataset == "reviews" else (2,)
            for epoch in epochs:
                mean = score - 0.01 * (2 - epoch) if epoch else score
                row = {"dataset": dataset, "method": method, "epoch": epoch, "loss_mean": 0.25}
                row |= {"kept": epoch == epochs[-1], "accuracy_mean": mean, "loss_low": 0.2}
                row |= {"accuracy_low": mean - 0.02, "accuracy_high": mean + 0.01}
                rows.append(row | {"loss_high": 0.3})
    write_csv(pd.DataFrame(rows), folder / "summary.csv")
    parameters = {"method": MODELS, "parameters": [109_482_240, 66_955_010]}
    write_csv(pd.DataFrame(parameters), folder / "efficiency.csv")
    write_rounds(folder / "rounds.json", {m: (SECONDS[m] / 4, 0.1) for m in MODELS})
    write_rounds(folder / "padded.json", {m: (SECONDS[m], 0.1) for m in MODELS})
    audit_table(folder, folder / "audit.json", folder / "values.csv")
    names = ("summary", "efficiency")
    paths = {name: folder / f"{name}.csv" for name in names} | {"values": folder / "values.csv"}
    return paths | {"speed": folder / "rounds.json", "padded": folder / "padded.json"}


def table(folder: Path, reference: str = "big", **changed: Path | None) -> pd.DataFrame:
    files = {**ours(folder), **changed}
    about = {"source": "reviews", "transfer": "other", "reference": reference, "confidence": 0.95}
    return side_by_side(folder, **files, **about)  # type: ignore[arg-type]


def rows(found: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    for column, value in wanted.items():
        found = found[found[column] == value]
    return found


def test_every_printed_cell_has_a_row(folder: Path) -> None:
    found = table(folder)
    main = rows(found, table="published")
    assert len(rows(main, metric="accuracy")) == 5 and len(rows(main, metric="loss")) == 4
    assert len(rows(main, metric="parameters")) == 2
    for metric in ("seconds_per_32", "relative_time"):
        for end in ("", "_padded"):
            assert set(rows(main, metric=metric + end)["method"]) == set(MODELS), metric
    assert len(rows(found, table="transfer")) == len(rows(found, table="baselines")) == 1


def test_digits_stay_as_printed_and_impossible_ones_are_marked(folder: Path) -> None:
    found = table(folder)
    accuracy = rows(found, table="published", metric="accuracy")
    assert accuracy["printed"].tolist() == ["90.00", "95.07", "85.00", "90.0", "91.5"]
    assert accuracy["possible"].tolist() == [True, False, True, True, True]
    assert rows(found, metric="loss")["printed"].tolist() == ["0.300", "0.200", "0.400", "0.100"]


def test_ours_is_of_the_same_epoch_dataset_and_method(folder: Path) -> None:
    found = table(folder)
    accuracy = rows(found, table="published", metric="accuracy").set_index(["method", "epoch"])
    assert accuracy["ours"].loc[("big", 1)] == pytest.approx(0.92)
    assert accuracy["ours"].loc[("big", 2)] == pytest.approx(0.93)
    assert np.isnan(accuracy["ours"].loc[("gone", 2)])
    (transfer,) = rows(found, table="transfer").to_dict("records")
    assert (transfer["model"], transfer["method"], transfer["ours"]) == ("Little", "small", 0.88)
    assert (transfer["note"], transfer["note_zh"]) == ("which one?", "哪一个？")
    (words,) = rows(found, table="baselines").to_dict("records")
    assert words["difference"] == pytest.approx(0.70 - 0.73)


def test_the_difference_has_the_error_of_both(folder: Path) -> None:
    found = table(folder)
    first = rows(found, table="published", metric="accuracy").iloc[0]
    assert first["difference"] == pytest.approx(0.92 - 0.90)
    low = hypot(0.02, first["published_high"] - 0.90)
    assert first["difference_low"] == pytest.approx(0.02 - low)
    assert first["published_low"] < 0.9 < first["published_high"]
    loss = rows(found, metric="loss").iloc[0]  # nothing is known of the printed one's
    assert (loss["difference_low"], loss["difference_high"]) == pytest.approx((-0.1, 0.0))
    (counted, _) = rows(found, metric="parameters").to_dict("records")
    assert counted["difference"] == 109_482_240 - 110e6 and np.isnan(counted["difference_low"])


def test_times_are_relative_to_one_method_as_we_train_and_padded(folder: Path) -> None:
    found = table(folder).set_index(["metric", "method"])
    assert found["ours"]["seconds_per_32_padded", "big"] == pytest.approx(0.4)
    assert found["ours"]["seconds_per_32", "big"] == pytest.approx(0.1)
    assert found["published"]["relative_time", "small"] == pytest.approx(0.2 / 0.3)
    for metric in ("relative_time", "relative_time_padded"):
        assert found["ours"][metric, "small"] == pytest.approx(0.25)
        assert found["printed"][metric, "small"] == "0.200"


def test_without_a_reference_or_padded_batches_there_are_none(folder: Path) -> None:
    found = table(folder, reference="", padded=None)
    assert not {m for m in found["metric"] if "relative" in m or "padded" in m}
    busy = folder / "busy.json"
    train = {"train": Timed(np.linspace(1, 9, 9), np.full(9, 0.5))}
    rounds.write(busy, Rounds({"big": TimedMethod(train)}, 32, "cpu", "some CPU", 1))
    found = table(folder, padded=busy).set_index(["metric", "method"])
    assert found["ours"]["seconds_per_32_padded", "big"] == pytest.approx(5), (
        "all rounds, if all are"
    )
    assert np.isnan(found["ours"]["seconds_per_32_padded", "small"])


def test_a_ratio_of_means_covers_the_truth() -> None:
    random, inside = np.random.default_rng(3), 0
    for _ in range(400):
        slow = np.exp(random.normal(0, 0.1, 9))  # of the machine, in both
        a, b = (m * slow * np.exp(random.normal(0, 0.02, 9)) for m in (3.0, 2.0))
        value, low, high = mean_ratio(a, b, 0.95)
        inside += low <= 1.5 <= high
        assert value == pytest.approx(1.5, rel=0.1)
    assert 0.92 <= inside / 400 <= 0.98


def test_what_a_name_is_taken_for_is_a_choice(folder: Path) -> None:
    assert readings(folder) == {
        "transfer.csv: Little": ("small", {"en": "which one?", "zh": "哪一个？"})
    }
