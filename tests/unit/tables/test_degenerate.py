"""Inputs at the edge, as prediction files: each number is inside its range, or a cell is empty."""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.inference import SPREAD, margin, truth
from benchmarks.inference import logits as as_logits

from finetone.formats import predictions
from finetone.formats.csv_table import read_csv, write_csv
from finetone.statistics.evaluation import BOUNDS, SCORES, Evaluation
from finetone.statistics.intervals import of_metric
from finetone.statistics.variance.mixture import Mixture
from finetone.statistics.variance.moderation import SeedVariance
from finetone.tables import write_table

# labels [n], and {method: logits [n, classes] of each seed}
Case = tuple[np.ndarray, Mapping[str, list[np.ndarray]]]
RANDOM = np.random.default_rng(4)


def sure(right: np.ndarray, label: np.ndarray, margin: float = 4.0) -> np.ndarray:
    return np.where(right[:, None] == (label[:, None] == [0, 1]), margin, 0.0)


def right_in(label: np.ndarray, share: float) -> np.ndarray:
    return sure(RANDOM.random(len(label)) < share, label)


def two_rows() -> Case:
    label = np.arange(2) % 2
    return label, {"a": [sure(label >= 0, label)] * 2, "b": [sure(label < 0, label)] * 2}


def one_row() -> Case:
    label = np.zeros(1, int)
    return label, {"a": [sure(label == 0, label)] * 2, "b": [sure(label != 0, label)] * 2}


def no_variance() -> Case:
    label = np.arange(300) % 2
    runs = [right_in(label, 0.8)] * 3
    return label, {"a": runs, "b": runs, "c": [right_in(label, 0.6)] * 3}


def all_right() -> Case:
    label = np.arange(300) % 2
    perfect = [sure(label >= 0, label)] * 3
    return label, {"a": perfect, "b": perfect, "c": [right_in(label, 0.9) for _ in range(3)]}


def all_wrong() -> Case:
    label = np.arange(300) % 2
    return label, {"a": [sure(label < 0, label)] * 2, "b": [sure(label >= 0, label)] * 2}


def near_ties() -> Case:
    """Logits that differ, but whose probabilities round to the same number."""
    label = np.arange(200) % 2
    close = [np.where(label[:, None] == [0, 1], 1e-7, 0.0) + 0.0 for _ in range(2)]
    return label, {"a": close, "b": [right_in(label, 0.7) for _ in range(2)]}


def infinite_loss() -> Case:
    """One seed of one method excludes the right class of one row."""
    label = np.arange(200) % 2
    runs = [right_in(label, 0.8) for _ in range(3)]
    runs[1][5] = [-np.inf, 0.0] if label[5] == 0 else [0.0, -np.inf]
    return label, {"a": runs, "b": [right_in(label, 0.7) for _ in range(3)]}


def infinite_loss_of_all() -> Case:
    label = np.arange(100) % 2
    shut = np.where(RANDOM.random((100, 1)) < 0.1, -np.inf, 1.0)
    worst = np.where(label[:, None] == [0, 1], shut, 0.5)
    return label, {"a": [worst, worst], "b": [worst, worst]}


def one_class_of_labels() -> Case:
    """Class "yes" has no row, so some metrics are undefined."""
    label = np.zeros(60, int)
    return label, {m: [right_in(label, 0.8) for _ in range(2)] for m in "ab"}


def constant() -> Case:
    label = np.arange(60) % 2
    return label, {
        "a": [np.tile([1.0, 0.0], (60, 1))] * 2,
        "b": [right_in(label, 0.8) for _ in range(2)],
    }


def wild_seeds() -> Case:
    """Seeds that differ as much as they can."""
    label = np.arange(40) % 2
    runs = [sure(label >= 0, label), sure(label < 0, label)]
    return label, {"a": runs, "b": runs[::-1], "c": [right_in(label, 0.5) for _ in range(2)]}


CASES: list[Callable[[], Case]] = [
    *(two_rows, one_row, no_variance, all_right, all_wrong, near_ties, infinite_loss),
    *(infinite_loss_of_all, one_class_of_labels, constant, wild_seeds),
]


def made(case: Case, folder: Path) -> dict[str, pd.DataFrame]:
    """The tables, through files as in the workflow. No warning is raised on the way."""
    (label, runs), paths = case, []
    for method, of_seeds in runs.items():
        for seed, logits in enumerate(of_seeds):
            about = {"dataset": "d", "method": method, "seed": seed, "labels": ["no", "yes"]}
            paths.append(folder / f"{method}-{seed}.parquet")
            predictions.write(
                paths[-1],
                np.arange(len(label)),
                label,
                {1: logits.astype(np.float32)},
                about | {"kept_epoch": 1},
            )
    times = {"method": list(runs), "train_seconds": 1.0, "inference_examples_per_s": 1.0}
    write_csv(pd.DataFrame(times), folder / "efficiency.csv")
    known = {"confidence": 0.95, "roles": {}, "seed_sd": None}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_table("runs_table", [folder / "runs.csv"], predictions=paths, confidence=0.95)
        write_table("summary_table", [folder / "summary.csv"], runs=folder / "runs.csv", **known)
        pair = [folder / "comparisons.csv", folder / "ranking.csv"]
        write_table("comparison_tables", pair, predictions=paths, baseline="b", **known)
        plan = [folder / "variance.csv", folder / "planning.csv"]
        efficiency = folder / "efficiency.csv"
        write_table("planning_tables", plan, predictions=paths, efficiency=efficiency, **known)
    names = ["runs", "summary", "comparisons", "ranking", "variance", "planning"]
    return {name: read_csv(folder / f"{name}.csv") for name in names}


def faults(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Cells that are outside their range."""
    found = []

    def check(table: str, names: tuple[str, ...], least: float, most: float) -> None:
        for name in names:
            values = tables[table][name].astype(float)
            outside = (values < least) | (values > most)
            if not name.startswith("loss_mean"):  # a loss may be infinite, its interval may not
                outside |= np.isinf(values)
            tiny = (values != 0) & (values.abs() < 1e-12) & (len(names) == 3)
            for row in np.flatnonzero(outside | tiny):
                found.append(f"{table}.{name}[{row}] = {values[row]}")
        if len(names) == 3:
            value, low, high = (tables[table][name].astype(float) for name in names)
            for row in np.flatnonzero((low > value + 1e-6) | (high < value - 1e-6)):
                found.append(f"{table}.{names[0]}[{row}]: {low[row]} {value[row]} {high[row]}")
            for row in np.flatnonzero(low.notna() & (low == high)):
                found.append(f"{table}.{names[0]}[{row}] is certain: {low[row]} {high[row]}")
            for row in np.flatnonzero(value.isna() & low.notna()):
                found.append(f"{table}.{names[0]}[{row}] has an interval without a value")

    for name in SCORES:
        check("summary", (f"{name}_mean", f"{name}_low", f"{name}_high"), *BOUNDS[name])
    check("summary", ("accuracy_mean", "seeds_low", "seeds_high"), 0, 1)
    check("summary", ("accuracy_sd",), 0, 1)
    check("runs", ("accuracy", "accuracy_low", "accuracy_high"), 0, 1)
    check("ranking", ("score", "low", "high"), 0, 1)
    for name in ("difference_to_best", "difference_to_baseline"):
        check("ranking", (name,), -1, 1)
    for name in ("detectable_difference", "p_adjusted", "p_holm_baseline"):
        check("ranking", (name,), 0, 1)
    check("comparisons", ("difference", "low", "high"), -1, 1)
    check("comparisons", ("difference", "low_simultaneous", "high_simultaneous"), -1, 1)
    check("comparisons", ("kappa", "kappa_low", "kappa_high"), -1, 1)
    check("comparisons", ("p", "p_adjusted"), 0, 1)
    check("planning", ("power",), 0, 1)
    for name in ("seeds_sd", "seeds_sd_moderated", "rows_sd", "seeds_rows_sd"):
        check("variance", (name,), 0, 1)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_every_number_is_inside_its_range(case: Callable[[], Case], tmp_path: Path) -> None:
    assert faults(made(case(), tmp_path)) == []


def test_empty_and_infinite_cells_have_a_reason(tmp_path: Path) -> None:
    summary = made(infinite_loss(), tmp_path)["summary"].set_index("method")
    assert summary["loss_mean"]["a"] == np.inf and np.isnan(summary["loss_low"]["a"])
    assert summary["reason"]["a"].startswith("loss: infinite for a run")
    assert summary["reason"]["b"] == "" and summary["loss_low"]["b"] > 0


def test_two_rows_and_equal_seeds_prove_nothing(tmp_path: Path) -> None:
    tables = made(two_rows(), tmp_path)
    assert (tables["comparisons"]["p"] > 0.05).all() and set(tables["ranking"]["group"]) == {"a"}
    summary = tables["summary"].set_index("method")
    assert summary["accuracy_low"]["a"] < 0.4 and summary["accuracy_high"]["b"] > 0.6
    assert summary["seeds_low"].isna().all()  # seeds that agree say nothing alone
    assert "loss: no interval, as it does not vary" in summary["reason"]["a"]
    assert tables["ranking"]["detectable_difference"].isna().all()  # nothing below 1 would do


def test_a_perfect_run_is_not_certain_of_any_share(tmp_path: Path) -> None:
    summary = made(all_right(), tmp_path)["summary"].set_index("method").loc["a"]
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "mcc", "auc"):
        low, high = summary[f"{name}_low"], summary[f"{name}_high"]
        span = 2 if name == "mcc" else 1
        assert high == 1 and 0.9 < (low + span - 1) / span < 1


def test_logits_decide_where_probabilities_round_to_the_same_number(tmp_path: Path) -> None:
    tables = made(near_ties(), tmp_path)
    for name, column in (
        ("runs", "accuracy"),
        ("ranking", "score"),
        ("summary", "accuracy_mean"),
    ):
        assert (tables[name].set_index("method").loc["a", column] == 1).all()


def test_degrees_of_freedom_are_never_fewer_than_those_of_the_fewest_seeds() -> None:
    random = np.random.default_rng(2)
    for _ in range(200):
        seeds = random.integers(2, 6, 4)
        own = random.choice([0.0, 1.0, 1e-9, 50.0], 4) * random.random(4)
        pair = np.array([[1 / seeds[0], 1 / seeds[1], 0, 0]])
        df = SeedVariance(own, seeds, np.ones(4, bool)).of_sums(pair)[1]
        assert df[0] >= seeds.min() - 1 - 1e-9


def test_intervals_of_loss_and_brier_score_miss_more_evenly_than_symmetric_ones() -> None:
    """Both are skewed where few rows are wrong, and a symmetric interval is too low."""
    n, known = 300, (np.zeros(1), np.array([np.inf]))
    random, label = np.random.default_rng(3), np.arange(n) % 2
    missed = {"loss": np.zeros(3), "brier": np.zeros(3)}  # too low, too high; symmetric: too low
    for _ in range(300):
        run = Evaluation(as_logits(margin(0.95) + SPREAD * random.normal(size=n), label), label)
        for name, counts in missed.items():
            value, true = run.value(name), truth(0.95, 0.0)[name]
            errors = Mixture(np.array([run.influence(name).var(ddof=1) / n]), *known, n)
            low, high = of_metric(name, np.array([value]), errors, 0.95)
            counts += [high[0] < true, low[0] > true, value + 1.96 * errors.error[0] < true]
    for too_low, too_high, symmetric in missed.values():
        assert too_low + too_high < 0.09 * 300
        assert too_low < 0.8 * symmetric
