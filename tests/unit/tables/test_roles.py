"""A control that collapses on some seeds widens nobody's intervals, in any table."""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from inspect import signature
from pathlib import Path
from pkgutil import walk_packages

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finetone import files, tables
from finetone.comparison.paired import compare
from finetone.comparison.planning import planner
from finetone.comparison.scores import scores_of
from finetone.formats import predictions
from finetone.statistics.variance.roles import Roles
from finetone.tables import convergence_table, runs_table
from finetone.tables.panels import panels
from tests.unit.tables.test_tables import no_near_duplicates

N = 600
ACCURACY = {"a": (0.85, 0.852, 0.848), "b": (0.80, 0.803, 0.797), "scratch": (0.5, 0.83, 0.84)}
NO_ROLES: Roles = {}
CONTROL: Roles = {"controls": ["scratch"]}
GIVEN = {"confidence": 0.95, "seed_sd": None}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Predictions on two datasets and on subsets, texts, an audit, times."""
    folder, random = tmp_path_factory.mktemp("roles"), np.random.default_rng(0)
    label = np.arange(N) % 2
    for place in ("home", "away", "rows50", "rows100", "rows200"):
        for method, accuracies in ACCURACY.items():
            for seed, accuracy in enumerate(accuracies, start=1):
                right = random.permutation(N) < round(accuracy * N)
                predicted = np.where(right, label, 1 - label)
                logits = np.where(predicted[:, None] == [0, 1], 1.0, -1.0)
                logits = (logits * random.uniform(0.2, 2, (N, 1))).astype(np.float32)
                dataset = "away" if place == "away" else "home"
                about = {"dataset": dataset, "method": method, "seed": seed, "kept_epoch": 1}
                path = folder / place / method / f"seed{seed}.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                about |= {"labels": ["no", "yes"]}
                predictions.write(path, np.arange(N), label, {1: logits}, about)
    texts = {"id": np.arange(N), "text": ["x" * (1 + i % 97) for i in range(N)], "label": label}
    pq.write_table(pa.table(texts), folder / "texts.parquet")
    leaks = {"ids": list(range(0, N, 3))}
    files.write_json(folder / "audit.json", {"dataset": "home", "leaks": leaks})
    counts = {"train": {"no": 200, "yes": 200}}
    files.write_json(folder / "data/manifest.json", {"dataset": "home", "rows": counts})
    times = {"method": list(ACCURACY), "train_seconds": 10.0, "inference_examples_per_s": 50.0}
    pd.DataFrame(times).to_csv(folder / "efficiency.csv", index=False)
    no_near_duplicates(folder)
    return folder


def home(folder: Path, place: str = "home") -> list[Path]:
    return sorted(folder.glob(f"{place}/*/*.parquet"))


def summary(folder: Path, roles: Roles) -> pd.DataFrame:
    runs_table.table(home(folder), 0.95).to_csv(folder / "runs.csv", index=False)
    return of("summary_table")(runs=folder / "runs.csv", roles=roles, **GIVEN)


def leaks(folder: Path, roles: Roles) -> pd.DataFrame:
    near = folder / "near_duplicates.parquet"
    known = {"audit": folder / "audit.json", "near_duplicates": near}
    return of("examples.leaks_table")(home(folder), roles=roles, **known, **GIVEN)


def convergence(folder: Path, roles: Roles) -> pd.DataFrame:
    rows = [{"method": m, "final_training_accuracy": s} for m, own in ACCURACY.items() for s in own]
    mean, errors = convergence_table.over_runs(
        pd.DataFrame(rows), "final_training_accuracy", 400, roles
    )
    half = errors.half_width(0.95)
    return pd.DataFrame({"method": mean.index, "low": mean - half, "high": mean + half})


def of(name: str) -> Callable[..., pd.DataFrame]:
    return import_module(f"finetone.tables.{name}").table


CASES: dict[str, Callable[[Path, Roles], pd.DataFrame]] = {
    "summary_table": summary,
    "differences.comparison_tables": lambda folder, roles: of("differences.comparison_tables")(
        home(folder), baseline=None, roles=roles, **GIVEN
    )[1],
    "differences.planning_tables": lambda folder, roles: (
        of("differences.planning_tables")(
            home(folder), folder / "efficiency.csv", roles=roles, **GIVEN
        )[0].assign(low=0.0, high=lambda found: found["seeds_sd_moderated"])
    ),
    "transfer_table": lambda folder, roles: of("transfer_table")(
        home(folder) + home(folder, "away"), "home", ["away"], roles=roles, **GIVEN
    ),
    "class_tables": lambda folder, roles: of("class_tables")(home(folder), 0.95, roles)[1].rename(
        columns={"recall_low": "low", "recall_high": "high"}
    ),
    "examples.slices_table": lambda folder, roles: of("examples.slices_table")(
        home(folder), {"home": folder / "texts.parquet"}, roles=roles, **GIVEN
    ),
    "examples.leaks_table": leaks,
    "probabilities.calibration_table": lambda folder, roles: of("probabilities.calibration_table")(
        home(folder), [], 0.95, roles
    ).rename(columns={"ece_low": "low", "ece_high": "high"}),
    "convergence_table": convergence,
    "learning_curve_tables": lambda folder, roles: of("learning_curve_tables")(
        curve=home(folder, "rows*"), predictions=home(folder), data=folder / "data",
        metric="accuracy", roles=roles, seed=0, **GIVEN,
    )[0],
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_others_are_judged_without_the_control(name: str, written: Path) -> None:
    width = {}
    for roles in (NO_ROLES, CONTROL):
        found = CASES[name](written, roles)
        low, high = (
            ("accuracy_low", "accuracy_high") if "accuracy_low" in found else ("low", "high")
        )
        width["controls" in roles] = (found[high] - found[low]).groupby(found["method"]).mean()
    assert set(width[True].index) == set(ACCURACY)
    assert (width[True][["a", "b"]] < 0.8 * width[False][["a", "b"]]).all()


def test_agreement_of_the_others_is_judged_without_the_control(written: Path) -> None:
    width = {}
    for roles in (NO_ROLES, CONTROL):
        compared = of("differences.comparison_tables")
        found, *_ = compared(home(written), baseline=None, roles=roles, **GIVEN)
        pairs = found.set_index(["a", "b"])
        width["controls" in roles] = pairs["kappa_high"] - pairs["kappa_low"]
    assert width[True]["a", "b"] < 0.8 * width[False]["a", "b"]
    assert width[True]["a", "scratch"] > width[True]["a", "b"]


def test_what_can_be_found_is_foreseen_without_the_control(written: Path) -> None:
    """Two methods with three seeds each know less of chance than a control would add."""
    panel = next(iter(panels(home(written))))
    scores = scores_of(panel, "accuracy", CONTROL, None)
    pairs = compare(scores)
    assert pairs.names[0] == ("a", "b")
    design = replace(pairs.design.of(np.array([0])), rows=np.zeros(1))  # of seeds alone
    found = design.detectable(0.95)[0]
    assert found > 1.05 * replace(design, apart=None).detectable(0.95)[0]
    planned = planner(scores, pairs, 0.95)
    assert planned and planned.controls == 1 and planned.design(3, N).apart.tolist()[2]


def test_every_table_that_judges_seeds_is_tested() -> None:
    start, asked = "finetone.tables.", set()
    for module in walk_packages(tables.__path__, start):
        made = getattr(import_module(module.name), "table", None)
        if callable(made) and "roles" in signature(made).parameters:
            asked.add(module.name.removeprefix(start))
    assert asked == set(CASES)
