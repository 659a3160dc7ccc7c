"""The planner, through prediction files: what it promises is what simulated experiments find."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.inference import Design, simulate, write_experiment

from finetone.baselines import ensemble
from finetone.comparison import paired, planning
from finetone.comparison.scores import Scores, scores_of
from finetone.formats.csv_table import read_csv, write_csv
from finetone.formats.predictions import header
from finetone.statistics.cost import Pace
from finetone.tables import write_table
from finetone.tables.differences import planning_tables
from finetone.tables.panels import panels

PILOT = Design(methods=3, seeds=8, rows=20_000, sd=1.0)


def accuracies_of(design: Design, folder: Path) -> Scores:
    (panel,) = panels(write_experiment(design, folder, np.random.default_rng(5)))
    return scores_of(panel, "accuracy", design.roles, None)


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> planning.Planner:
    scores = accuracies_of(PILOT, tmp_path_factory.mktemp("pilot"))
    found = planning.planner(scores, paired.compare(scores), 0.95)
    assert found is not None
    # of so many seeds and rows the variance is known well
    assert found.of_seeds == pytest.approx(PILOT.spread[0] ** 2, rel=0.5)
    return replace(found, of_seeds=PILOT.spread[0] ** 2)


@pytest.mark.parametrize(("difference", "now"), [(0.05, (None, 600)), (0.06, (3, None))])
def test_planned_seeds_or_rows_find_a_difference_four_times_in_five(
    planner: planning.Planner, difference: float, now: tuple[int | None, int | None]
) -> None:
    seeds = now[0] or planner.seeds(difference, now[1] or 0)
    rows = now[1] or planner.rows(difference, now[0] or 0)
    assert seeds and rows
    planned = planner.power(difference, seeds, rows)
    assert 0.8 <= planned < 0.87
    design = replace(PILOT, seeds=seeds, rows=rows, better=100 * difference)
    # two pairs in each of 150 experiments: a standard error of about 0.03
    assert simulate(design, 0, 150, summary=False)["power"] == pytest.approx(planned, abs=0.06)


def test_one_seed_or_one_row_fewer_is_not_enough(planner: planning.Planner) -> None:
    seeds, rows = planner.seeds(0.02, 5000), planner.rows(0.02, 12)
    assert seeds and rows
    assert planner.power(0.02, seeds, 5000) >= 0.8 > planner.power(0.02, seeds - 1, 5000)
    fewer = planning.ROWS[planning.ROWS.index(rows) - 1]
    assert planner.power(0.02, 12, rows) >= 0.8 > planner.power(0.02, 12, fewer)
    together = planner.both(0.02, 4, 1000)
    assert together and planner.power(0.02, *together) >= 0.8


def test_neither_alone_may_be_enough(planner: planning.Planner) -> None:
    assert planner.rows(0.005, 3) is None and planner.seeds(0.005, 600) is None
    assert replace(planner, stochastic=0).seeds(0.05, 600) is None
    certain = replace(planner, certain=True)
    assert certain.least_seeds == 1 and certain.power(0.1, 1, 2000) > 0.99


def test_components_add_up_to_what_seeds_and_rows_vary_by(tmp_path: Path) -> None:
    scores = accuracies_of(replace(PILOT, seeds=3, rows=500, deterministic=1), tmp_path)
    parts = planning.components(scores)
    spread = [own.var(ddof=1) for own in scores.of_seeds[1:]]
    total = parts.own[1:] + parts.residual[1:] / 500
    assert (total >= np.array(spread) - 1e-15).all()  # more where the seeds' own is cut off at 0
    large = parts.own[1:] > 0
    assert total[large] == pytest.approx(np.array(spread)[large])
    assert (parts.own[0], parts.moderated[0], parts.residual[0]) == (0, 0, 0)
    share = scores.mean[0]
    assert parts.rows[0] == pytest.approx(share * (1 - share))


def test_going_on_costs_what_is_missing() -> None:
    random = np.array([True, False])
    pace = Pace(np.array([60.0, 5.0]), np.array([0.1, np.nan]), np.array([2, 1]), 100, random)
    # two more runs of the first, each predicting 100 rows; the second has nothing to do
    assert pace.seconds(4, 100).tolist() == [2 * 60 + 2 * 10, 0]
    # 50 more rows for the two runs that there are; those of the second have an unknown price
    assert pace.seconds(2, 150) == pytest.approx([2 * 5, np.nan], nan_ok=True)
    assert pace.seconds(3, 150)[0] == 60 + 15 + 2 * 5
    assert pace.seconds(1, 10).tolist() == [0, 0]


def tables(
    design: Design, folder: Path, seed_sd: float | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """variance.csv and planning.csv; every training takes 36 s, every row a hundredth."""
    paths = write_experiment(design, folder, np.random.default_rng(1))
    methods = [f"m{k}" for k in range(design.methods)]
    times = {"method": methods, "train_seconds": 36.0, "inference_examples_per_s": 100.0}
    write_csv(pd.DataFrame(times), folder / "efficiency.csv")
    targets = [folder / "variance.csv", folder / "planning.csv"]
    write_table(
        "planning_tables",
        targets,
        predictions=paths,
        efficiency=folder / "efficiency.csv",
        confidence=0.95,
        roles=design.roles,
        seed_sd=seed_sd,
    )
    variance, planned = map(read_csv, targets)
    return variance, planned


def test_without_a_second_seed_the_tables_say_why_they_are_empty(tmp_path: Path) -> None:
    design = Design(methods=3, seeds=1, rows=300, sd=1.0, deterministic=1)
    variance, planned = tables(design, tmp_path)
    assert planned["power"].isna().all() and planned["seeds_needed"].isna().all()
    assert set(planned["reason"]) == {"no method has a second seed"}
    assert variance["seeds_sd_moderated"].isna().tolist() == [False, True, True]
    assert variance["reason"][0] == "draws no random numbers"
    assert variance["seconds_per_seed"][1] == 36 + 3  # what a second seed would cost is known
    stated = tables(design, tmp_path, seed_sd=0.2)[1]
    assert stated["power"].notna().all() and stated["rows_needed"].iloc[-1] > 300


def test_hours_are_those_of_all_methods(tmp_path: Path) -> None:
    variance, planned = tables(Design(methods=3, seeds=4, rows=2000, sd=0.1), tmp_path)
    last = planned.iloc[-1]
    more = last["seeds_needed"] - 4
    assert more > 0 and last["reason"] == ""
    assert last["seeds_hours"] == pytest.approx(3 * more * (36 + 20) / 3600, rel=1e-4)
    assert last["rows_hours"] == pytest.approx(
        3 * 4 * (last["rows_needed"] - 2000) / 100 / 3600, rel=1e-4
    )
    errors = (variance["rows_sd"] / np.sqrt(2000)).tolist()
    assert variance["error_rows"].tolist() == pytest.approx(errors, rel=1e-4)


def test_an_ensemble_costs_nothing_more(tmp_path: Path) -> None:
    """Its runs are those of another method, which are counted there."""
    design = Design(methods=3, seeds=4, rows=2000, sd=0.1)
    paths = write_experiment(design, tmp_path, np.random.default_rng(1))
    members = [path for path in paths if header(path).method == "m0"]
    ensemble.predict("mean", members, tmp_path / "mean.parquet")
    times = {"method": ["m0", "m1", "m2", "mean"], "train_seconds": [36.0, 36.0, 36.0, 144.0]}
    write_csv(
        pd.DataFrame(times).assign(inference_examples_per_s=100.0), tmp_path / "efficiency.csv"
    )
    variance, planned = planning_tables.table(
        [*paths, tmp_path / "mean.parquet"], tmp_path / "efficiency.csv", 0.95, {}, None
    )
    own = variance.set_index("method").loc["mean"]
    assert own["seeds"] == 1 and np.isnan(own["seconds_per_seed"])
    assert own["seconds_per_1000_rows"] == 0
    assert own["reason"] == "judged by the runs that it is made of"
    assert own["seeds_sd_moderated"] > 0  # that of the runs of m0
    last = planned.iloc[-1]
    more = last["rows_needed"] - 2000
    assert last["rows_hours"] == pytest.approx(3 * 4 * more / 100 / 3600, rel=1e-4)


def test_one_method_alone_has_nothing_to_plan(tmp_path: Path) -> None:
    variance, planned = tables(Design(methods=1, seeds=2, rows=50, sd=1.0), tmp_path)
    assert len(variance) == 1 and planned.empty


def test_where_nothing_is_random_only_rows_help(tmp_path: Path) -> None:
    planned = tables(Design(methods=2, seeds=1, rows=500, sd=0.0, deterministic=2), tmp_path)[1]
    assert planned["seeds_needed"].isna().all() and planned["rows_needed"].notna().all()
    assert planned["reason"].str.startswith("no method draws random numbers").all()
