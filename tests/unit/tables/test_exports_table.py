"""exports.csv: forms of one model on the same rows."""

from pathlib import Path

import numpy as np
import pytest

from finetone.files import write_json
from finetone.formats import predictions
from finetone.formats.csv_table import read_csv
from finetone.tables import write_table
from tests.unit.timed import write_rounds

N = 400


def write_form(path: Path, method: str, wrong: np.ndarray) -> Path:
    """Predictions that are wrong on some rows."""
    label = np.arange(N) % 2
    said = np.where(wrong, 1 - label, label)
    logits = {1: np.eye(2, dtype=np.float32)[said]}
    meta = {"dataset": "d", "method": method, "seed": 3, "labels": ["a", "b"], "kept_epoch": 1}
    predictions.write(path, np.arange(N), label, logits, meta)
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("exports")
    wrong = np.arange(N) < 40
    worse = wrong | (np.arange(N) >= N - 60)
    other = np.arange(N) < 30
    forms, originals, speeds, exported = [], [], [], []
    for name, right, int8 in (("m", wrong, worse), ("k", other, other)):
        originals.append(write_form(folder / f"{name}.parquet", name, right))
        forms.append(write_form(folder / f"{name}-fp32.parquet", f"{name} fp32", right))
        forms.append(write_form(folder / f"{name}-int8.parquet", f"{name} int8", int8))
        times = {"original": (None, 0.002), "fp32": (None, 0.002), "int8": (None, 0.001)}
        speeds.append(write_rounds(folder / f"{name}.json", times))
        sizes = {"original": 400, "fp32": 410, "int8": 100}
        write_json(folder / name / "manifest.json", {"bytes": sizes})
        exported.append(folder / name)
    target = folder / "exports.csv"
    write_table(
        "exports_table", [target], predictions=originals, forms=forms, speeds=speeds,
        exported=exported, confidence=0.95,
    )  # fmt: skip
    return read_csv(target).set_index(["method", "form"])


def test_what_an_exported_form_loses_is_seen(table) -> None:
    assert table["n"].eq(N).all() and table["seed"].eq(3).all()
    lost = table.loc[("m", "int8")]
    assert lost["accuracy"] == 0.75 and lost["difference"] == pytest.approx(-0.15)
    assert -0.2 < lost["difference_low"] < -0.15 < lost["difference_high"] < -0.1
    assert lost["agreement"] == 0.85
    assert lost["agreement_low"] < 0.85 < lost["agreement_high"]


def test_a_form_that_predicts_alike_may_still_differ_on_new_rows(table) -> None:
    for method in ("m", "k"):
        same = table.loc[(method, "fp32")]
        assert same["difference"] == 0 and same["agreement"] == 1
        assert -0.02 < same["difference_low"] < 0 < same["difference_high"] < 0.02
        original = table.loc[(method, "original")]
        assert original["difference_low"] == original["difference_high"] == 0


def test_size_and_speed_are_beside_it(table) -> None:
    int8 = table.loc[("k", "int8")]
    assert int8["bytes"] == 100 and not int8["doubtful"]
    assert int8["inference_examples_per_s"] == pytest.approx(1000, rel=0.02)
    assert int8["relative_prediction"] == pytest.approx(0.5)
