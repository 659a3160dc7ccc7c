"""calibration.csv: before and after temperatures, which are fitted on dev predictions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from finetone.errors import UserError
from finetone.files import write_json
from finetone.formats import predictions, temperature
from finetone.formats.csv_table import read_csv
from finetone.tables import write_table
from finetone.tables.probabilities import calibration_table
from finetone.tuning.calibrate import fit_temperature

LABELS = ["no", "perhaps", "yes"]


def write_run(
    path: Path, method: str, seed: int, too_sure: float, n: int = 1500, of: int = 0
) -> Path:
    """Predictions whose logits are `too_sure` times those that the labels were drawn from."""
    random = np.random.default_rng(of)
    rows = random.normal(0, 1.5, (n, len(LABELS)))
    label = (rows + random.gumbel(size=rows.shape)).argmax(axis=1)
    # what a seed adds is no information, and little
    own = rows + np.random.default_rng(100 * of + seed).normal(0, 0.05, rows.shape)
    meta = {"dataset": "d", "method": method, "seed": seed, "labels": LABELS, "kept_epoch": 1}
    logits = {1: (too_sure * own).astype(np.float32)}
    predictions.write(path, np.arange(n), label, logits, meta)
    return path


def write_temperatures(
    folder: Path, runs: dict[tuple[str, int], float], n: int = 1500
) -> list[Path]:
    found = []
    for (method, seed), too_sure in runs.items():
        dev = write_run(
            folder / f"dev/{method}/seed{seed}.parquet", method, seed, too_sure, n, of=1
        )
        found.append(folder / f"temperatures/{method}/seed{seed}.json")
        fit_temperature(dev, found[-1])
    return found


RUNS = {("sure", 1): 3.0, ("sure", 2): 3.0, ("shy", 1): 0.5, ("shy", 2): 0.5, ("fixed", 0): 1.0}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("scaled")
    tests = [write_run(folder / f"{m}{s}.parquet", m, s, by) for (m, s), by in RUNS.items()]
    temperatures = write_temperatures(folder, RUNS)
    target = folder / "calibration.csv"
    write_table(
        "calibration_table",
        [target],
        predictions=tests,
        temperatures=temperatures,
        confidence=0.95,
        roles={"deterministic": ["fixed"]},
    )
    return read_csv(target).set_index("method")


def test_temperatures_undo_what_logits_were_multiplied_by(table: pd.DataFrame) -> None:
    assert table["temperature"].to_dict() == pytest.approx(
        {"sure": 3, "shy": 0.5, "fixed": 1}, rel=0.1
    )
    assert (table["temperature_min"] <= table["temperature"] * (1 + 1e-5)).all()
    assert (table["temperature_max"] >= table["temperature"] * (1 - 1e-5)).all()
    assert (table["reason"] == "").all()


def test_scaling_mends_what_was_wrong_and_nothing_else(table: pd.DataFrame) -> None:
    for method in ("sure", "shy"):
        row = table.loc[method]
        assert row["p_calibrated"] < 1e-6 < 0.05 < row["scaled_p_calibrated"]
        assert row["scaled_ece_low"] == 0 < row["ece_low"]
        assert row["scaled_loss"] < row["loss"] and row["scaled_brier"] < row["brier"]
        assert row["loss_gain"] == pytest.approx(row["loss"] - row["scaled_loss"], abs=1e-5)
        assert 0 < row["loss_gain_low"] < row["loss_gain"] < row["loss_gain_high"]
    fixed = table.loc["fixed"]
    assert fixed["p_calibrated"] > 0.05 and fixed["loss_gain_low"] <= fixed["loss_gain"]
    assert abs(fixed["loss_gain"]) < 0.005


def test_without_a_dev_split_the_cells_are_empty_and_say_so(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a.parquet", "m", 1, 2.0)
    (row,) = calibration_table.table([run], [], 0.95, {}).to_dict("records")
    assert row["reason"] == "no dev split"
    empty = [name for name in row if name.startswith(("scaled_", "temperature", "loss_gain"))]
    assert len(empty) == 14 and all(pd.isna(row[name]) for name in empty)
    assert row["ece_low"] <= row["ece_debiased"] <= row["ece_high"]


def test_a_method_is_scaled_only_if_all_its_runs_are(tmp_path: Path) -> None:
    tests = [write_run(tmp_path / f"{seed}.parquet", "m", seed, 2.0) for seed in (1, 2)]
    temperatures = write_temperatures(tmp_path, {("m", 1): 2.0})
    perfect = tmp_path / "perfect.parquet"
    meta = {"dataset": "d", "method": "m", "seed": 2, "labels": LABELS, "kept_epoch": 1}
    predictions.write(perfect, np.arange(3), np.arange(3), {1: np.eye(3, dtype=np.float32)}, meta)
    fit_temperature(perfect, tmp_path / "two.json")
    assert temperature.read(tmp_path / "two.json").temperature is None
    given = [*temperatures, tmp_path / "two.json"]
    (row,) = calibration_table.table(tests, given, 0.95, {}).to_dict("records")
    assert row["reason"] == "no row is predicted wrongly" and pd.isna(row["temperature"])


def test_an_excluded_true_class_leaves_no_gain(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a.parquet", "m", 1, 2.0)
    head = predictions.header(run)
    rows = predictions.read(head)[0]
    logits = rows.logits.copy()
    logits[0, rows.label[0]] = -np.inf
    meta = {
        name: head.facts[name] for name in ("dataset", "method", "seed", "labels", "kept_epoch")
    }
    predictions.write(run, rows.ids, rows.label, {1: logits}, meta)
    given = write_temperatures(tmp_path, {("m", 1): 2.0})
    (row,) = calibration_table.table([run], given, 0.95, {}).to_dict("records")
    assert np.isinf(row["loss"]) and np.isinf(row["scaled_loss"])
    assert np.isnan([row["loss_gain"], row["loss_gain_low"], row["loss_gain_high"]]).all()
    assert row["scaled_ece_low"] <= row["scaled_ece_debiased"] <= row["scaled_ece_high"]


def test_the_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    (path,) = write_temperatures(tmp_path, {("m", 4): 2.0})
    found = temperature.read(path)
    assert (found.method, found.seed, found.dataset, found.kept_epoch) == ("m", 4, "d", 1)
    assert found.rows == 1500 and found.reason == "" and found.temperature
    assert found.loss and found.scaled_loss and found.scaled_loss < found.loss
    write_json(path, {"method": "m"})
    with pytest.raises(UserError, match="no key 'seed', so it holds no temperature"):
        temperature.read(path)
