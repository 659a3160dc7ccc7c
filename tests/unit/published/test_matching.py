import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from finetone.errors import UserError
from finetone.files import write_json
from finetone.published.matching import match, write_column_match, write_parameters

PAPER = Path(__file__).parents[3] / "config" / "paper"
MODELS = ["a", "b", "c", "d"]
TEST = {1: 0.90, 2: 0.91, 3: 0.92}
TRAINING = {1: 0.85, 2: 0.95, 3: 0.98}


def write_published(folder, accuracies):
    """accuracies: {(model, epoch): fraction}"""
    folder.mkdir(exist_ok=True)
    (folder / "setup.yaml").write_text("{dataset: reviews, n_test: 1000}")
    rows = [f"{m},{e},{100 * a:.2f}" for (m, e), a in accuracies.items()]
    (folder / "published.csv").write_text("\n".join(["model,epoch,accuracy", *rows, ""]))
    return folder


def write_runs(path, seeds=(1, 2)):
    rows = [
        {"dataset": d, "method": m, "seed": s, "epoch": e, "accuracy": a + 0.001 * i}
        for d, shift in (("reviews", 0.0), ("other", -0.5))
        for i, m in enumerate(MODELS)
        for s in seeds
        for e, a in ((e, a + shift) for e, a in TEST.items())
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def write_histories(folder):
    histories = {}
    for i, model in enumerate(MODELS):
        path = folder / f"{model}.parquet"
        steps = [
            {
                "epoch": e,
                "step": 10 * e + s,
                "cumulative_accuracy": a + 0.001 * i if s == 9 else 0.1,
            }
            for e, a in TRAINING.items()
            for s in range(10)
        ]
        frame = pd.DataFrame(steps).assign(accuracy=0.5, loss=0.5, cumulative_loss=0.5, examples=32)
        frame.sample(frac=1, random_state=0).to_parquet(path)
        histories[model] = [path, path]
    return histories


def column_match(tmp_path, published):
    target = tmp_path / "match.csv"
    runs, histories = write_runs(tmp_path / "runs.csv"), write_histories(tmp_path)
    folder = write_published(tmp_path / "published", published)
    write_column_match(folder, runs, histories, "reviews", target, 0.95)
    return pd.read_csv(target, dtype={"epoch": str}).set_index("epoch")


def column(values, noise, seed=0):
    random = np.random.default_rng(seed)
    return {
        (m, e): a + 0.001 * i + noise * random.normal()
        for i, m in enumerate(MODELS)
        for e, a in values.items()
    }


def test_training_accuracy_printed_as_test_accuracy_is_recognised(tmp_path):
    table = column_match(tmp_path, column(TRAINING, 0.002))
    assert table.loc["all", "verdict"] == "training"
    assert (table["models"] == 4).all() and list(table.index) == ["1", "2", "3", "all"]
    assert table.loc["3", "mean_absolute_to_test"] == pytest.approx(0.06, abs=0.005)
    assert table.loc["3", "mean_absolute_to_training"] < 0.005


def test_test_accuracy_is_recognised(tmp_path):
    table = column_match(tmp_path, column(TEST, 0.002))
    assert (table["verdict"] == "test").all()
    assert table.loc["all", "high"] < 0


def test_two_models_cannot_tell(tmp_path):
    few = {key: a for key, a in column(TRAINING, 0.0).items() if key[0] in "ab"}
    table = column_match(tmp_path, few)
    assert (table["verdict"] == "cannot tell").all() and (table["models"] == 2).all()


def test_no_common_model_cannot_tell(tmp_path):
    table = column_match(tmp_path, {("x", 1): 0.9, ("y", 1): 0.8})
    assert list(table["verdict"]) == ["cannot tell"] and table.loc["all", "models"] == 0


def test_in_between_cannot_tell():
    index = pd.MultiIndex.from_product([MODELS, [1]], names=["method", "epoch"])
    table = pd.DataFrame(
        {
            "published": [0.9] * 4,
            "test": [0.89, 0.95, 0.91, 0.86],
            "training": [0.95, 0.9, 0.87, 0.91],
        },
        index=index,
    )
    assert set(match(table, 0.95)["verdict"]) == {"cannot tell"}


def test_rmse_weighs_large_distances_more():
    index = pd.MultiIndex.from_product([["a", "b"], [1]], names=["method", "epoch"])
    table = pd.DataFrame(
        {"published": [0.5, 0.5], "test": [0.5, 0.9], "training": [0.4, 0.6]}, index=index
    )
    row = match(table, 0.95).iloc[-1]
    assert row["mean_absolute_to_test"] == pytest.approx(0.2)
    assert row["rmse_to_test"] == pytest.approx(np.sqrt(0.08))
    assert row["rmse_to_training"] == pytest.approx(0.1)


def test_a_copied_row_is_left_out(tmp_path):
    published = column(TRAINING, 0.002)
    published |= {("d", e): published["a", e] for e in TRAINING}
    assert column_match(tmp_path, published).loc["all", "models"] == 3


def run_json(folder, method, total):
    path = folder / f"{method}.json"
    write_json(path, {"method": method, "parameters": {"total": total}})
    return path


def test_parameters_side_by_side(tmp_path):
    counts = {
        "ernie-2.0-base-en": 109485314,
        "gpt2-en": 124441344,
        "bart-base": 140012546,
        "bert-base": 109483778,
        "electra-small": 13549314,
        "ernie-3.0-medium-zh": 75429122,
        "not-in-the-paper": 1,
    }
    runs = [run_json(tmp_path, m, n) for m, n in counts.items()]
    write_parameters(PAPER, runs, tmp_path / "parameters.csv")
    table = pd.read_csv(tmp_path / "parameters.csv").set_index("method")
    differing = table.index[table["agrees"].astype(str) == "False"]
    assert set(differing) == {"ernie-2.0-base-en", "gpt2-en", "bart-base"}
    assert table.loc[differing, "reason"].notna().all()
    assert table.loc["gpt2-en", "difference"] == 124441344 - 117000000
    assert table.loc["bart-base", "parameters"] == 140012546
    assert pd.isna(table.loc["ernie-3.0-medium-zh", "difference"])
    assert "not-in-the-paper" not in table.index


def test_a_table_without_counts_has_ours_alone(tmp_path):
    folder = write_published(tmp_path / "published", {("a", 1): 0.9})
    write_parameters(folder, [run_json(tmp_path, "a", 7)], tmp_path / "parameters.csv")
    (row,) = pd.read_csv(tmp_path / "parameters.csv").to_dict("records")
    assert row["parameters"] == 7 and pd.isna(row["difference"]) and pd.isna(row["agrees"])


def test_a_run_without_a_count_is_named(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"schema_version": 1, "method": "bert-base", "parameters": None}))
    with pytest.raises(UserError, match="no method or parameter count"):
        write_parameters(PAPER, [path], tmp_path / "parameters.csv")
