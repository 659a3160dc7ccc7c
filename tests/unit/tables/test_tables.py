"""Tables from files: what a user reads in them, bad input, and the same bytes every time."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from finetone.errors import UserError
from finetone.files import write_json
from finetone.formats import similar_rows
from finetone.formats.csv_table import read_csv
from finetone.formats.predictions import header, read
from finetone.report.results_json import write_results
from finetone.statistics import cost
from finetone.tables import write_table
from finetone.tables.panels import panels
from tests.unit.synthetic_results import write_experiment
from tests.unit.timed import write_rounds

LABELS = ["negative", "positive"]
RUNS = {"big": (1, 2), "small": (1, 2), "words": (0,), "majority": (0,)}
NAMES = ("big", "small", "words", "majority", "movies", "products")
FIXED = ["words", "majority"]  # methods that draw no random numbers
OF_SEEDS = {"confidence": 0.95, "roles": {"deterministic": FIXED}, "seed_sd": None}
SCHEMA = Path(__file__).parents[3] / "workflow/schemas/results.schema.json"


def write_predictions(
    path: Path,
    label: np.ndarray,
    logits: list[np.ndarray],
    ids: np.ndarray | None = None,
    **facts: object,
) -> Path:
    """One file; `logits` holds [n, classes] for epochs 1, 2, …, the last of which is kept."""
    n, classes = logits[0].shape
    ids = np.arange(n) if ids is None else ids
    head = {"dataset": "movies", "method": "m", "seed": 1, "labels": LABELS} | facts
    head.setdefault("kept_epoch", len(logits))
    rows = pa.ListArray.from_arrays(
        np.arange(0, len(logits) * n * classes + 1, classes, dtype=np.int32),
        np.concatenate(logits).astype(np.float32).ravel(),
    )
    table = pa.table(
        {
            "epoch": np.repeat(np.arange(1, len(logits) + 1), n).astype(np.int16),
            "id": np.tile(ids, len(logits)),
            "label": np.tile(label, len(logits)).astype(np.int8),
            "logits": rows,
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({"finetone": json.dumps(head)}), path)
    return path


def no_near_duplicates(folder: Path) -> Path:
    """A list of near-duplicates without any."""
    path = folder / "near_duplicates.parquet"
    similar_rows.write(path, pd.DataFrame(columns=similar_rows.SCHEMA.names))
    return path


def logits_of(right: np.ndarray, label: np.ndarray, margin: float = 1.0) -> np.ndarray:
    chosen = np.where(right, label, 1 - label)
    return np.where(chosen[:, None] == [0, 1], margin, 0.0)


class Experiment:
    """Two models with two seeds and three epochs, a single-run baseline and a constant control, on
    a source and a transfer dataset. `names` are what big, small, words, majority, movies and
    products are called, `labels` the classes; `runs` are the seeds of every method there is."""

    def __init__(
        self,
        folder: Path,
        names: tuple[str, ...] = NAMES,
        labels: list[str] = LABELS,
        runs: Mapping[str, tuple[int, ...]] = RUNS,
        transfer: bool = True,
    ) -> None:
        self.folder, self.labels, self.runs = folder, labels, runs
        self.called = dict(zip(NAMES, names, strict=True))
        self.source = self.called["movies"]
        self.transfer = [self.called["products"]] * transfer
        self.models = [self.called[name] for name in ("big", "small") if name in runs]
        self.baselines = [self.called[name] for name in ("words", "majority") if name in runs]
        self.out = folder / "tables"
        self.predictions: list[Path] = []
        self.texts: dict[str, Path] = {}
        random = np.random.default_rng(0)
        for dataset, n in (("movies", 400), ("products", 300))[: 1 + transfer]:
            label = np.arange(n) % 2
            texts = ["x" * int(k) for k in random.integers(1, 200, n)]
            texts[0], texts[1] = "=HYPERLINK(1)\nsecond line", "y" * 1000
            path = folder / "data" / dataset / "test.parquet"
            path.parent.mkdir(parents=True)
            pq.write_table(pa.table({"id": np.arange(n), "text": texts, "label": label}), path)
            self.texts[self.called[dataset]] = path
            hard = random.random(n)
            hard[:2] = 2  # nobody gets the first two rows right
            for method, share in (("big", 0.93), ("small", 0.88), ("words", 0.7)):
                for seed in runs.get(method, ()):
                    epochs = (1, 2, 3) if dataset == "movies" and method != "words" else (3,)
                    logits = [
                        logits_of(
                            hard + random.normal(0, 0.03, n) < share - 0.05 * (3 - epoch), label
                        )
                        for epoch in epochs
                    ]
                    self.add(dataset, method, seed, label, logits)
            if "majority" in runs:
                self.add(dataset, "majority", 0, label, [np.tile([0.0, 0.1], (n, 1))])
        self.runs_json = [
            self.run_json(method, seed, parameters, seconds + 20 * seed, kind)
            for method, parameters, seconds, kind in (
                ("big", 30e6, 70.0, "finetune"),
                ("small", 10e6, 20.0, "finetune"),
                ("words", None, 1.0, "tfidf"),
                ("majority", None, 0.5, "majority"),
            )
            for seed in runs.get(method, ())
        ]
        self.speed = folder / "speed" / "rounds.json"
        timed = {"big": (0.6, 0.08), "small": (0.25, 0.04), "words": (None, 1 / 4000)}
        timed["majority"] = (None, 1e-6)
        write_rounds(self.speed, {self.called[n]: t for n, t in timed.items() if n in self.runs})
        self.data = balanced(folder / "data" / "movies")
        self.audit = folder / "audit.json"
        write_json(self.audit, {"dataset": self.source, "leaks": {"count": 2, "ids": [0, 1]}})
        self.histories = {}
        for method in ("big", "small"):
            for seed in runs.get(method, ()):
                path = folder / "runs" / method / f"seed{seed}" / "history.parquet"
                history(np.linspace(0.5, 0.5 + 0.2 * seed, 60)).to_parquet(path)
                self.histories[self.called[method], seed] = path

    def add(
        self, dataset: str, method: str, seed: int, label: np.ndarray, logits: list[np.ndarray]
    ) -> None:
        path = self.folder / "predictions" / dataset / method / f"seed{seed}.parquet"
        facts = {"dataset": self.called[dataset], "method": self.called[method], "seed": seed}
        facts |= {"labels": self.labels}
        self.predictions.append(write_predictions(path, label, logits, **facts))

    def run_json(
        self,
        method: str,
        seed: int,
        parameters: float | None,
        seconds: float,
        kind: str = "finetune",
    ) -> Path:
        path = self.folder / "runs" / method / f"seed{seed}" / "run.json"
        counts = parameters and {"total": int(parameters), "non_embedding": int(parameters / 2)}
        run = {"method": self.called[method], "seed": seed, "kind": kind, "parameters": counts}
        run |= {"kept_epoch": 3, "train_seconds": seconds, "recipe": None, "execution": None}
        run |= {"peak_memory_bytes": 10**6}
        write_json(path, run)
        return path

    def write_summary(self, runs: Path, summary: Path) -> None:
        write_table("runs_table", [runs], predictions=self.predictions, confidence=0.95)
        write_table("summary_table", [summary], runs=runs, **OF_SEEDS)

    def write_transfer(self, target: Path, transfer: list[str]) -> None:
        write_table(
            "transfer_table",
            [target],
            predictions=self.predictions,
            source=self.source,
            transfer=transfer,
            **OF_SEEDS,
        )

    def write_all(self, metric: str = "accuracy") -> dict[str, pd.DataFrame]:
        out, predictions = self.out, self.predictions
        runs, summary = out / "runs.csv", out / "summary.csv"
        source = self.source
        baseline = self.called["words"] if "words" in self.runs else None
        of_models = [path for path in self.runs_json if path.parts[-3] in ("big", "small")]
        of_baselines = [path for path in self.runs_json if path not in of_models]
        texts = {source: self.texts[source]}
        self.write_summary(runs, summary)
        write_table(
            "main_table",
            [out / "main.csv"],
            summary=summary,
            runs_json=of_models,
            speed=self.speed,
            source=source,
            models=self.models,
            confidence=0.95,
        )
        write_table(
            "baselines_table",
            [out / "baselines.csv"],
            summary=summary,
            runs_json=of_baselines,
            source=source,
            baselines=self.baselines,
        )
        self.write_transfer(out / "transfer.csv", self.transfer)
        write_table(
            "efficiency_table",
            [out / "efficiency.csv"],
            summary=summary,
            runs_json=self.runs_json,
            speed=self.speed,
            source=source,
            metric=metric,
            reference=[*self.models, *self.baselines][0],
            confidence=0.95,
        )
        write_table(
            "convergence_table",
            [out / "convergence.csv"],
            roles={},
            histories=self.histories,
            data=self.data,
            confidence=0.95,
        )
        write_table(
            "leaks_table",
            [out / "leaks.csv"],
            predictions=predictions,
            audit=self.audit,
            near_duplicates=no_near_duplicates(out),
            **OF_SEEDS,
        )
        write_table(
            "comparison_tables",
            [out / "comparisons.csv", out / "ranking.csv"],
            predictions=predictions,
            baseline=baseline,
            **OF_SEEDS,
            metric=metric,
        )
        write_table(
            "recommendation_table",
            [out / "recommendation.csv"],
            ranking=out / "ranking.csv",
            efficiency=out / "efficiency.csv",
            source=source,
            controls=["majority"],
            margin=1.0,
        )
        write_table(
            "planning_tables",
            [out / "variance.csv", out / "planning.csv"],
            predictions=[path for path in predictions if path.parts[-3] == "movies"],
            efficiency=out / "efficiency.csv",
            **OF_SEEDS,
        )
        write_table(
            "reliability_table", [out / "reliability.csv"], predictions=predictions, confidence=0.95
        )
        write_table(
            "calibration_table",
            [out / "calibration.csv"],
            predictions=predictions,
            temperatures=[],
            confidence=0.95,
            roles={"deterministic": FIXED},
        )
        write_table(
            "class_tables",
            [out / "confusion.csv", out / "per_class.csv"],
            predictions=predictions,
            confidence=0.95,
            roles={"deterministic": FIXED},
        )
        write_table(
            "slices_table",
            [out / "slices.csv"],
            predictions=predictions,
            texts=texts,
            **OF_SEEDS,
        )
        write_table("errors_table", [out / "errors.csv"], predictions=predictions, texts=texts)
        write_table(
            "correlation_table",
            [out / "correlation.csv"],
            runs=runs,
            histories=self.histories,
            confidence=0.95,
            resamples=2000,
            seed=0,
        )
        return {path.stem: read_csv(path) for path in out.glob("*.csv")}


def history(accuracy: np.ndarray, examples: int = 32) -> pd.DataFrame:
    """One epoch in which each batch is right as often as `accuracy` says."""
    right = np.round(accuracy * examples) / examples
    steps = np.arange(1, len(right) + 1)
    return pd.DataFrame(
        {
            "epoch": 1,
            "step": steps,
            "accuracy": right,
            "loss": 1 - right,
            "cumulative_loss": 1 - right.cumsum() / steps,
            "cumulative_accuracy": right.cumsum() / steps,
            "examples": examples,
        }
    )


def balanced(folder: Path) -> Path:
    """A dataset's folder with a manifest of as many negative as positive training rows."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "manifest.json", {"rows": {"train": {"negative": 50, "positive": 50}}})
    return folder


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    return Experiment(tmp_path_factory.mktemp("experiment"))


@pytest.fixture(scope="module")
def written(experiment: Experiment) -> dict[str, pd.DataFrame]:
    return experiment.write_all()


def pick(table: pd.DataFrame, **cells: object) -> pd.Series:
    for column, value in cells.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_tables_have_the_columns_of_the_contract(written: dict[str, pd.DataFrame]) -> None:
    text = (Path(__file__).parents[3] / "docs/architecture.md").read_text(encoding="utf-8")
    promised = {
        line.split("|")[1].strip(" `").removesuffix(".csv"): line.split("|")[3]
        for line in text.splitlines()
        if line.startswith("| `") and ".csv` |" in line
    }
    for name, table in written.items():
        names = re.sub(r"\([^)]*\)", "", promised[name]).split("`")[1::2]
        assert {word for word in names if "<" not in word} <= set(table.columns), name


def test_runs_hold_every_epoch_and_mark_the_kept_one(written: dict[str, pd.DataFrame]) -> None:
    runs = written["runs"]
    of_big = runs[(runs["dataset"] == "movies") & (runs["method"] == "big")]
    assert of_big["epoch"].tolist() == [1, 2, 3] * 2
    assert of_big["kept"].tolist() == [False, False, True] * 2
    assert (runs["accuracy"] - runs["correct"] / runs["n"]).abs().max() < 1e-6


def test_summary_is_the_mean_over_seeds(written: dict[str, pd.DataFrame]) -> None:
    runs, summary = written["runs"], written["summary"]
    mine = runs[(runs["dataset"] == "movies") & (runs["method"] == "big") & (runs["epoch"] == 3)]
    row = pick(summary, dataset="movies", method="big", epoch=3)
    assert row["accuracy_mean"] == pytest.approx(mine["accuracy"].mean(), abs=1e-6)
    assert row["accuracy_sd"] == pytest.approx(mine["accuracy"].std(), rel=1e-4)
    assert row["accuracy_low"] < row["accuracy_mean"] < row["accuracy_high"]
    single = pick(summary, dataset="movies", method="words")
    assert np.isnan(single["accuracy_sd"]) and np.isnan(single["seeds_low"])
    wilson = pick(runs, dataset="movies", method="words")
    assert single["accuracy_low"] == pytest.approx(wilson["accuracy_low"], abs=1e-6)
    kept = summary[summary["kept"]]
    assert not kept.duplicated(["dataset", "method"]).any()
    assert len(kept) == 8
    # undefined stays undefined
    assert np.isnan(pick(summary, dataset="movies", method="majority")["mcc_mean"])


def test_seeds_that_kept_different_epochs_share_one_kept_row(tmp_path: Path) -> None:
    label = np.arange(100) % 2
    right = [np.arange(100) < share for share in (60, 90, 80)]
    logits = [logits_of(r, label) for r in right]
    paths = [
        write_predictions(tmp_path / f"{seed}.parquet", label, logits, seed=seed, kept_epoch=kept)
        for seed, kept in ((1, 2), (2, 3))
    ]
    write_table("runs_table", [tmp_path / "runs.csv"], predictions=paths, confidence=0.95)
    write_table(
        "summary_table",
        [tmp_path / "summary.csv"],
        runs=tmp_path / "runs.csv",
        confidence=0.95,
        roles={"deterministic": FIXED},
        seed_sd=None,
    )
    summary = read_csv(tmp_path / "summary.csv")
    assert summary["epoch"].tolist() == [1, 2, 3, 0]
    assert summary["kept"].tolist() == [False, False, False, True]
    assert summary["accuracy_mean"].tolist() == pytest.approx([0.6, 0.9, 0.8, 0.85])


def test_main_and_baselines(written: dict[str, pd.DataFrame]) -> None:
    main, summary = written["main"], written["summary"]
    assert main["method"].tolist() == ["big", "small"]
    second = pick(summary, dataset="movies", method="small", epoch=2)
    row = pick(main, method="small")
    assert row["acc_2"] == second["accuracy_mean"] and row["loss_2"] == second["loss_mean"]
    assert pick(main, method="big")["train_seconds"] == 100.0
    assert (row["parameters"], row["seconds_per_32"], row["seeds"]) == (10**7, 0.25, 2)
    baselines = written["baselines"]
    assert baselines["kind"].tolist() == ["tfidf", "majority"]
    assert pick(baselines, method="majority")["accuracy"] == 0.5


def test_transfer_drop(written: dict[str, pd.DataFrame]) -> None:
    for row in written["transfer"].to_dict("records"):
        assert row["drop"] == pytest.approx(row["source_accuracy"] - row["accuracy"], abs=2e-6)
        assert row["drop_low"] < row["drop"] < row["drop_high"]
    # rows are independent: the interval is about as wide as both single ones together
    one = pick(written["transfer"], method="words")
    home = pick(written["runs"], dataset="movies", method="words")
    halves = [
        one["accuracy_high"] - one["accuracy_low"],
        home["accuracy_high"] - home["accuracy_low"],
    ]
    assert one["drop_high"] - one["drop_low"] == pytest.approx(np.hypot(*halves), rel=0.12)


def test_no_transfer_dataset_gives_an_empty_table(experiment: Experiment, tmp_path: Path) -> None:
    target = tmp_path / "transfer.csv"
    experiment.write_transfer(target, [])
    assert read_csv(target).empty


def test_efficiency_and_frontier(written: dict[str, pd.DataFrame]) -> None:
    table = written["efficiency"]
    assert pick(table, method="big")["ms_per_million_parameters"] == pytest.approx(20.0)
    assert pick(table, method="small")["ms_per_million_parameters"] == pytest.approx(25.0)
    flags = {row["method"]: row["on_frontier_train_seconds"] for _, row in table.iterrows()}
    assert flags == {"big": True, "small": True, "words": True, "majority": True}
    assert pick(table, method="big")["peak_memory_bytes"] == 10**6  # of its own runs
    words, small = pick(table, method="words"), pick(table, method="small")
    assert (words["inference_examples_per_s"], words["seconds_per_million_texts"]) == (4000, 250)
    assert small["relative_training"] == pytest.approx(0.25 / 0.6, abs=1e-6)
    assert small["relative_prediction"] == pytest.approx(0.5) and small["reference"] == "big"
    assert pd.isna(words["relative_training"]) and not table["doubtful"].any()
    assert words["on_frontier_inference"]
    assert pick(table, method="big")["flops_per_token"] == 2 * 15e6
    assert pd.isna(words["flops_per_token"])
    assert pd.isna(pick(table, method="words")["on_frontier_parameters"])


def test_frontier_of_a_hand_example() -> None:
    accuracy = np.array([0.9, 0.8, 0.9, 0.7, np.nan, 0.95])
    price = np.array([10.0, 5.0, 10.0, 6.0, 1.0, np.nan])
    found = cost.on_frontier(accuracy, price)
    assert found.tolist() == [True, True, True, False, None, None]


def test_convergence_of_a_hand_example(tmp_path: Path) -> None:
    # half right for 40 batches of 32, then all right for 60: final 0.8, target 0.76
    history(np.array([0.5] * 40 + [1.0] * 60)).to_parquet(tmp_path / "h.parquet")
    data = balanced(tmp_path / "data")
    write_table(
        "convergence_table",
        [tmp_path / "c.csv"],
        roles={},
        histories={("m", 1): tmp_path / "h.parquet"},
        data=data,
        confidence=0.95,
    )
    row = read_csv(tmp_path / "c.csv").iloc[0]
    assert row["final_training_accuracy"] == pytest.approx(0.8)
    # the target is 0.76, the window holds 256 examples, 8 batches: (8 - k)·0.5 + k ≥ 0.76·8 from
    # k = 5 on
    assert row["examples_to_target"] == 45 * 32
    assert row["area_under_curve"] == pytest.approx(0.8)
    assert (row["seeds"], row["reached"]) == (1, 1)
    assert pd.isna(row["examples_to_target_low"]), "one seed has no spread"


def test_convergence_over_seeds_has_intervals(tmp_path: Path) -> None:
    histories = {}
    for seed, slow in ((1, 40), (2, 48), (3, 44)):
        histories["m", seed] = tmp_path / f"{seed}.parquet"
        history(np.array([0.5] * slow + [1.0] * (100 - slow))).to_parquet(histories["m", seed])
    write_table(
        "convergence_table",
        [tmp_path / "c.csv"],
        roles={},
        histories=histories,
        data=balanced(tmp_path / "data"),
        confidence=0.95,
    )
    row = read_csv(tmp_path / "c.csv").iloc[0]
    single = []
    for key, path in histories.items():
        write_table(
            "convergence_table",
            [tmp_path / "one.csv"],
            roles={},
            histories={key: path},
            data=tmp_path / "data",
            confidence=0.95,
        )
        single.append(read_csv(tmp_path / "one.csv").iloc[0]["examples_to_target"])
    assert row["examples_to_target"] == round(np.mean(single))
    expected = stats.ttest_1samp(single, 0).confidence_interval(0.95)
    found = row["examples_to_target_low"], row["examples_to_target_high"]
    assert found == pytest.approx(tuple(expected), abs=0.02 * (expected.high - expected.low))
    accuracy = row["final_training_accuracy"]
    assert row["final_training_accuracy_low"] < accuracy < row["final_training_accuracy_high"]


def test_a_model_with_one_run_borrows_the_spread_of_the_others(tmp_path: Path) -> None:
    histories = {}
    for method, seed, slow in (("m", 1, 40), ("m", 2, 48), ("m", 3, 44), ("once", 1, 44)):
        histories[method, seed] = tmp_path / f"{method}{seed}.parquet"
        rising = history(np.array([0.5] * slow + [1.0] * (100 - slow)))
        rising.to_parquet(histories[method, seed])
    data = balanced(tmp_path / "data")
    given = {"histories": histories, "data": data, "confidence": 0.95}
    write_table("convergence_table", [tmp_path / "c.csv"], roles={}, **given)
    table = read_csv(tmp_path / "c.csv").set_index("method")
    low, high = table["examples_to_target_low"], table["examples_to_target_high"]
    assert (high - low)["once"] == pytest.approx((high - low)["m"] * np.sqrt(3), rel=1e-3)


def test_a_run_that_gets_worse_may_never_reach_its_target(tmp_path: Path) -> None:
    falling = pd.concat([history(np.full(20, 0.5)), history(np.full(20, 1.0)).assign(epoch=2)])
    falling["step"] = np.arange(1, 41)
    falling["examples"] = 4  # 160 examples: the window is the whole run
    falling.to_parquet(tmp_path / "h.parquet")
    data = balanced(tmp_path / "data")
    write_table(
        "convergence_table",
        [tmp_path / "c.csv"],
        roles={},
        histories={("m", 1): tmp_path / "h.parquet"},
        data=data,
        confidence=0.95,
    )
    assert pd.isna(read_csv(tmp_path / "c.csv").iloc[0]["examples_to_target"])


def test_a_run_that_learned_nothing_has_no_speed(tmp_path: Path) -> None:
    for name, share in (("guessing", 0.5), ("lucky", 0.51), ("learned", 0.6)):
        history(np.full(60, share), examples=100).to_parquet(tmp_path / f"{name}.parquet")
    histories = {(path.stem, 1): path for path in tmp_path.glob("*.parquet")}
    write_table(
        "convergence_table",
        [tmp_path / "c.csv"],
        roles={},
        histories=histories,
        data=balanced(tmp_path / "data"),
        confidence=0.95,
    )
    table = read_csv(tmp_path / "c.csv").set_index("method")
    assert table["examples_to_target"].isna().to_dict() == {
        "guessing": True, "lucky": True, "learned": False,
    }  # fmt: skip
    assert table["reached"].to_dict() == {"guessing": 0, "lucky": 0, "learned": 1}
    (tmp_path / "data/manifest.json").write_text('{"schema_version": 1}')
    with pytest.raises(UserError, match="manifest.json: no training rows"):
        write_table(
            "convergence_table",
            [tmp_path / "c.csv"],
            roles={},
            histories=histories,
            data=tmp_path / "data",
            confidence=0.95,
        )


def test_leaked_rows_are_taken_out(written: dict[str, pd.DataFrame]) -> None:
    leaks = written["leaks"].set_index("method")
    assert list(leaks.index) == ["big", "small", "words", "majority"]
    assert (leaks["rows"] == 400).all() and (leaks["leaked_rows"] == 2).all()
    big = leaks.loc["big"]
    # nobody gets the two leaked rows right
    assert big["accuracy_unleaked"] == pytest.approx(big["accuracy"] * 400 / 398, abs=1e-5)
    assert big["difference"] == pytest.approx(big["accuracy"] - big["accuracy_unleaked"], abs=2e-6)
    assert (leaks["low"] <= leaks["difference"]).all()
    assert (leaks["difference"] <= leaks["high"]).all()
    # one of each label: the constant control gets one of two right, with or without
    assert leaks.loc["majority", "difference"] == 0


def test_interval_of_what_leaks_add_agrees_with_newcombe(tmp_path: Path) -> None:
    label = np.arange(2000) % 2
    right = np.arange(2000) % 10 != 0
    right[:400] = True
    path = write_predictions(tmp_path / "p.parquet", label, [logits_of(right, label)])
    for name, ids in (("some", range(400)), ("none", []), ("all", range(2000)), ("odd", [9999])):
        leaks = {"dataset": "movies", "leaks": {"ids": list(ids)}}
        write_json(tmp_path / f"{name}.json", leaks)
    target = tmp_path / "leaks.csv"
    given = {
        "predictions": [path],
        "roles": {"deterministic": ["m"]},
        "seed_sd": None,
        "confidence": 0.9,
    }
    given["near_duplicates"] = no_near_duplicates(tmp_path)
    write_table("leaks_table", [target], audit=tmp_path / "some.json", **given)
    row = read_csv(target).iloc[0]
    low, high = confint_proportions_2indep(400, 400, 1440, 1600, method="newcomb", alpha=0.1)
    assert (row["low"], row["high"]) == pytest.approx((0.2 * low, 0.2 * high), abs=2e-5)
    assert row["difference"] == pytest.approx(0.92 - 0.9)
    write_table("leaks_table", [target], audit=tmp_path / "none.json", **given)
    row = read_csv(target).iloc[0]
    assert (row["accuracy_unleaked"], row["difference"], row["low"], row["high"]) == (0.92, 0, 0, 0)
    write_table("leaks_table", [target], audit=tmp_path / "all.json", **given)
    assert read_csv(target).iloc[0][["accuracy_unleaked", "difference", "low"]].isna().all()
    with pytest.raises(UserError, match="odd.json: leaks: id 9999 is not in the predictions"):
        write_table("leaks_table", [target], audit=tmp_path / "odd.json", **given)


def test_confidence_reaches_the_intervals(experiment: Experiment, tmp_path: Path) -> None:
    widths = []
    for confidence in (0.8, 0.99):
        write_table(
            "runs_table",
            [tmp_path / "runs.csv"],
            predictions=experiment.predictions,
            confidence=confidence,
        )
        table = read_csv(tmp_path / "runs.csv")
        widths.append((table["accuracy_high"] - table["accuracy_low"]).mean())
    assert widths[1] > 1.5 * widths[0]


def test_ranking_and_comparisons(written: dict[str, pd.DataFrame]) -> None:
    ranking, pairs = written["ranking"], written["comparisons"]
    movies = ranking[ranking["dataset"] == "movies"]
    assert movies["method"].tolist() == ["big", "small", "words", "majority"]
    assert movies["rank"].tolist() == [1, 2, 3, 4]
    assert pd.isna(movies.iloc[0]["difference_to_best"])
    assert pd.isna(pick(movies, method="words")["difference_to_baseline"])
    row = pick(movies, method="small")
    pair = pick(pairs, dataset="movies", a="big", b="small")
    assert row["difference_to_best"] == -pair["difference"]
    assert (row["difference_low"], row["difference_high"]) == (-pair["high"], -pair["low"])
    assert row["p_adjusted"] == pair["p_adjusted"] >= pair["p"] > 0
    assert (
        row["difference_to_baseline"]
        > 0
        > pick(movies, method="majority")["difference_to_baseline"]
    )
    for (dataset, a, b), p in pairs.set_index(["dataset", "a", "b"])["p_adjusted"].items():
        groups = [set(pick(ranking, dataset=dataset, method=m)["group"]) for m in (a, b)]
        assert bool(groups[0] & groups[1]) == (p >= 0.05)
    assert len(pairs) == 2 * 6


def test_ranking_and_summary_agree(written: dict[str, pd.DataFrame]) -> None:
    summary = written["summary"].query("kept").set_index(["dataset", "method"])
    for row in written["ranking"].to_dict("records"):
        other = summary.loc[(row["dataset"], row["method"])]
        assert (row["score"], row["low"], row["high"]) == tuple(
            other[["accuracy_mean", "accuracy_low", "accuracy_high"]]
        )


def test_slices_split_rows_by_length_and_label(written: dict[str, pd.DataFrame]) -> None:
    slices = written["slices"]
    for _, mine in slices.groupby(["method", "kind"]):
        assert mine["n"].sum() == 400
    lengths = slices[(slices["method"] == "big") & (slices["kind"] == "length")]
    assert lengths["slice"].tolist() == ["q1", "q2", "q3", "q4"]
    assert (lengths["least"].iloc[1:].to_numpy() > lengths["most"].iloc[:-1].to_numpy()).all()
    assert lengths["most"].iloc[-1] == 1000
    majority = slices[(slices["method"] == "majority") & (slices["kind"] == "label")]
    assert majority.set_index("slice")["accuracy"].to_dict() == {"negative": 0, "positive": 1}


def test_a_slice_judges_seeds_from_all_methods(experiment: Experiment, tmp_path: Path) -> None:
    found = {}
    for fixed in (FIXED, ["majority"]):
        write_table(
            "slices_table",
            [tmp_path / "slices.csv"],
            predictions=experiment.predictions,
            texts={"movies": experiment.texts["movies"]},
            confidence=0.95,
            roles={"deterministic": fixed},
            seed_sd=None,
        )
        table = read_csv(tmp_path / "slices.csv")
        found[len(fixed)] = table[table["method"] == "words"].set_index("slice")
    wider = (found[1]["high"] - found[1]["low"]) - (found[2]["high"] - found[2]["low"])
    assert (wider > 0).all(), "one run of a method that draws has the spread of the others"


def test_errors_name_the_rows_nobody_gets_right(written: dict[str, pd.DataFrame]) -> None:
    errors = written["errors"]
    nobody = errors[errors["why"] == "all-wrong"].set_index("id")
    assert {"0", "1"} <= set(nobody.index)
    assert (nobody["wrong_methods"] == 3).all(), "the constant control is no judge"
    assert (nobody["methods"] == 3).all()
    assert nobody.loc["0", "text"] == "=HYPERLINK(1) second line"
    assert len(nobody.loc["1", "text"]) == 300 and nobody.loc["1", "text"].endswith("…")
    divided = errors[errors["why"] == "disagreement"]
    assert divided["wrong_methods"].between(1, 2).all() and len(divided) <= 50


def test_reliability_bins_add_up(written: dict[str, pd.DataFrame]) -> None:
    bins = written["reliability"].groupby(["dataset", "method"])["n"].sum()
    assert bins["movies", "big"] == 800 and bins["movies", "majority"] == 400


def test_correlation_is_of_fine_tuned_models_alone(written: dict[str, pd.DataFrame]) -> None:
    table = written["correlation"]
    row = pick(table, scope="movies", statistic="spearman")
    assert (row["n"], row["models"]) == (12, 2)
    runs = written["runs"].query("dataset == 'movies' and method in ['big', 'small']")
    expected = runs["loss"].corr(runs["accuracy"], method="spearman")
    assert row["rho"] == pytest.approx(expected, abs=1e-5)
    assert np.isnan(row["low"]), "two models are too few to resample"


def test_same_inputs_give_the_same_bytes(experiment: Experiment, written: object) -> None:
    before = {path.name: path.read_bytes() for path in experiment.out.glob("*.csv")}
    experiment.write_all()
    assert {path.name: path.read_bytes() for path in experiment.out.glob("*.csv")} == before
    assert all(b"\r" not in content for content in before.values())


def test_results_json_follows_its_schema(
    experiment: Experiment, written: object, tmp_path: Path
) -> None:
    manifests = []
    for dataset in ("movies", "products"):
        manifests.append(tmp_path / f"{dataset}.json")
        rows = {"test": {"negative": 3, "positive": 4}}
        facts = {"dataset": dataset, "labels": LABELS, "rows": rows, "splits": {"test": "0" * 64}}
        write_json(manifests[-1], facts)
    asked_for = ("tuning", "learning_curve", "learning_curve_fit", "learning_curve_crossings")
    more = write_experiment(tmp_path / "more")
    write_results(
        {path.stem: path for path in experiment.out.glob("*.csv")}
        | {name: more.table(name) for name in asked_for},
        manifests, experiment.runs_json, "movies", 0.95, "accuracy", 1.0, tmp_path / "results.json",
    )  # fmt: skip
    content = json.loads((tmp_path / "results.json").read_text(), parse_constant=pytest.fail)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(content, schema)
    big = next(r for r in content["results"] if (r["dataset"], r["method"]) == ("movies", "big"))
    assert big["rank"] == 1 and len(big["runs"]) == 2
    assert big["accuracy"]["mean"] == pytest.approx(np.mean([r["accuracy"] for r in big["runs"]]))
    assert content["datasets"][0]["rows"] == {"test": 7}
    assert [len(content[name]) for name in asked_for] == [
        len(read_csv(more.table(name))) for name in asked_for
    ]
    assert {row["chosen"] for row in content["tuning"]} == {0, 1}
    majority = next(r for r in content["results"] if r["method"] == "majority")
    assert majority["mcc"]["mean"] is None
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content | {"stray": 1}, schema)


LABEL = np.arange(6) % 2
GOOD = logits_of(np.ones(6, bool), LABEL)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": np.arange(1, 7)}, "its ids differ"),
        ({"label": 1 - LABEL}, "its labels differ"),
        ({"labels": ["bad", "good"]}, "its label names differ"),
        ({"method": "m"}, "a second file for method 'm', seed 1"),
    ],
)
def test_only_the_same_rows_are_compared(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    first = write_predictions(tmp_path / "first.parquet", LABEL, [GOOD])
    facts = {"label": LABEL, "logits": [GOOD], "method": "other"} | change
    second = write_predictions(tmp_path / "second.parquet", **facts)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=f"second.parquet: .*{message}"):
        list(panels([first, second]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"logits": [np.full((6, 2), np.nan)]}, "'m'.*diverged"),
        ({"logits": [np.full((6, 2), np.inf)]}, "diverged"),
        ({"logits": [np.zeros((6, 3))]}, "every row needs 2 logits"),
        ({"label": LABEL + 1}, "label 2 is outside 0…1"),
        ({"ids": np.array([0, 1, 2, 3, 4, 4])}, "an id occurs twice"),
        ({"kept_epoch": 7}, "no rows of the kept epoch 7"),
    ],
)
def test_a_broken_prediction_file_is_named(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    facts = {"label": LABEL, "logits": [GOOD]} | change
    path = write_predictions(tmp_path / "p.parquet", **facts)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=f"p.parquet: .*{message}"):
        read(header(path), kept_only=True)


def test_files_that_are_no_predictions(tmp_path: Path) -> None:
    (tmp_path / "noise.parquet").write_bytes(b"no parquet")
    pq.write_table(pa.table({"id": [1]}), tmp_path / "bare.parquet")
    for name in ("noise", "bare"):
        with pytest.raises(UserError, match=f"{name}.parquet: not a finetone prediction file"):
            header(tmp_path / f"{name}.parquet")


def test_rows_in_another_order_are_aligned_by_id(tmp_path: Path) -> None:
    right = np.array([1, 1, 0, 1, 0, 0], bool)
    order = np.array([3, 1, 5, 0, 2, 4])
    logits = logits_of(right, LABEL)
    paths = [
        write_predictions(tmp_path / "a.parquet", LABEL, [logits], method="a"),
        write_predictions(
            tmp_path / "b.parquet", LABEL[order], [logits[order]], ids=order, method="b"
        ),
    ]
    panel = next(iter(panels(paths)))
    assert (panel.correct == right).all()


def test_unknown_names_are_refused(experiment: Experiment, tmp_path: Path) -> None:
    given = {"confidence": 0.95}
    targets = [tmp_path / "c.csv", tmp_path / "r.csv"]
    predictions = experiment.predictions
    with pytest.raises(UserError, match=r"'nobody' has no predictions.*big, small"):
        write_table(
            "comparison_tables",
            targets,
            predictions=predictions,
            baseline="nobody",
            **given,
            roles={"deterministic": FIXED},
            seed_sd=None,
        )
    with pytest.raises(UserError, match="no prediction file holds dataset 'books'"):
        list(panels(experiment.predictions, "books"))
    assert not list(tmp_path.iterdir())


def test_inputs_that_do_not_belong_together_are_named(
    experiment: Experiment, written: object, tmp_path: Path
) -> None:
    """As when a file is from an earlier configuration, or was put there by hand."""

    def refused(name: str, **inputs: object) -> str:
        with pytest.raises(UserError) as error:
            write_table(name, [tmp_path / "table.csv"], **inputs)
        return str(error.value)

    e, summary = experiment, experiment.out / "summary.csv"
    home = [path for path in e.predictions if path.parts[-3] == "movies"]
    baselines = {"summary": summary, "runs_json": e.runs_json, "baselines": ["nobody"]}
    said = refused("baselines_table", **baselines, source="movies")
    assert said == f"{summary}: no row for baseline 'nobody' on 'movies'"
    said = refused("baselines_table", **baselines, source="books")
    assert said == f"{summary}: no row for dataset 'books'; delete it and rerun"
    models = {
        "runs_json": e.runs_json,
        "speed": e.speed,
        "source": "movies",
        "models": ["nobody"],
        "confidence": 0.95,
    }
    said = refused("main_table", summary=summary, **models)
    assert said == f"{summary}: no row for model 'nobody' on 'movies'; rerun summary"

    drops = {"source": "movies", "transfer": ["products"], "confidence": 0.95}
    drops |= {"roles": {"deterministic": FIXED}, "seed_sd": None}
    said = refused("transfer_table", predictions=home, **drops)
    assert said == "no prediction file holds dataset 'products'"
    lone = [path for path in e.predictions if path.parts[-3:] != ("movies", "big", "seed2.parquet")]
    said = refused("transfer_table", predictions=lone, **drops)
    assert said.startswith("method 'big' has seeds [1, 2] on 'products' but [1] on 'movies'; rerun")

    texts = {"movies": e.texts["products"]}
    said = refused("errors_table", predictions=home, texts=texts)
    assert said.startswith(
        f"{texts['movies']}: its ids are not those of the predictions on 'movies'"
    )
    audit = e.runs_json[0]
    given = {"confidence": 0.95, "roles": {}, "seed_sd": None}
    given["near_duplicates"] = audit
    said = refused("leaks_table", predictions=home, audit=audit, **given)
    assert said == f"{audit}: no audit of a dataset; delete it and rerun"
    assert not list(tmp_path.iterdir())


def test_one_method_alone_is_ranked(tmp_path: Path) -> None:
    path = write_predictions(tmp_path / "p.parquet", LABEL, [GOOD])
    write_table(
        "comparison_tables",
        [tmp_path / "c.csv", tmp_path / "r.csv"],
        predictions=[path],
        baseline=None,
        confidence=0.95,
        roles={"deterministic": FIXED},
        seed_sd=None,
    )
    assert read_csv(tmp_path / "c.csv").empty
    assert read_csv(tmp_path / "r.csv")["group"].tolist() == ["a"]


def test_three_classes_go_all_the_way(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    label = np.arange(90) % 3
    names = ["low", "mid", "high"]
    paths = []
    for method, gain in (("good", 3.0), ("poor", 0.5)):
        logits = random.normal(0, 1, (90, 3)) + gain * np.eye(3)[label]
        path = tmp_path / f"{method}.parquet"
        paths.append(write_predictions(path, label, [logits], method=method, labels=names))
    write_table(
        "comparison_tables",
        [tmp_path / "c.csv", tmp_path / "r.csv"],
        predictions=paths,
        baseline=None,
        confidence=0.95,
        roles={"deterministic": ["good", "poor"]},
        seed_sd=None,
    )
    assert read_csv(tmp_path / "r.csv")["group"].tolist() == ["a", "b"]
