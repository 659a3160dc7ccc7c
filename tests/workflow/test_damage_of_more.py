"""As test_damage.py: what tuning, learning curves, folds, probes, ensembles, labels and exports leave.

All jobs run in one process, which takes seconds, and every damage is tried in the same one.
"""

import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import yaml

from finetone.commands.job import execute, graph
from finetone.errors import UserError
from tests.tiny import experiment
from tests.workflow.dry import dry_run
from tests.workflow.processes import in_process
from tests.workflow.snake import ROOT
from tests.workflow.test_damage import DAMAGES

HERE = "results/small"
RUN, SUBSET = "seed0/run.json", "subset_runs/rows20-seed1/tfidf/seed0"
TRIAL = "tuning/cnn/learning_rate0.01"
Case = tuple[str, str]  # the file that is damaged, what is made of it

# with a dev split; a line may name several things that read one file
CASES: dict[str, Case] = {
    "row subset": ("subsets/rows20-seed1.parquet", f"{SUBSET}/run.json"),
    "run on a subset": (f"{SUBSET}/run.json", "curve_predictions/rows20/tfidf/seed1.parquet"),
    "what it learned": (
        f"{SUBSET}/model/model.json", "curve_predictions/rows20/tfidf/seed1.parquet",
    ),
    "weights of a model on a subset": (
        "subset_runs/rows20-seed1/tiny/seed1/checkpoint/model.safetensors",
        "curve_predictions/rows20/tiny/seed1.parquet",
    ),
    "predictions of a curve": (
        "curve_predictions/rows20/tfidf/seed1.parquet", "tables/learning_curve.csv",
    ),
    "trial": ("tuning/tfidf/C1.0/epoch1.json", "tuning/tfidf.json"),
    "trial, for a table": (f"{TRIAL}/epoch2.json", "tables/tuning.csv"),
    "trial, for halving": (f"{TRIAL}/epoch1.json", f"{TRIAL}/promoted1.json"),
    "decision of halving": (f"{TRIAL}/promoted1.json", f"{TRIAL}/epoch2.json"),
    "rows of trials": ("subsets/tuning.parquet", "tuning/tfidf/C1.0/epoch1.json"),
    "choice": ("tuning/tfidf.json", f"runs/tfidf/{RUN}"),
    "choice, for a table": ("tuning/tfidf.json", "tables/tuning.csv"),
    "choice, for a model": ("tuning/tiny.json", "runs/tiny/seed1/run.json"),
    "near-duplicates": ("near_duplicates/films.parquet", "tables/near_duplicates.csv"),
    "near-duplicates, for leaks": ("near_duplicates/films.parquet", "tables/leaks.csv"),
    "predictions, for label errors": (
        "predictions/films/tfidf/seed0.parquet", "tables/label_errors.csv",
    ),
    "texts of label errors": ("data/films/test.parquet", "tables/label_errors.csv"),
    "embeddings to fit": ("embeddings/films/train/tiny/mean.arrow", f"runs/probe/{RUN}"),
    "embeddings to predict": (
        "embeddings/films/test/tiny/mean.arrow", "predictions/films/probe/seed0.parquet",
    ),
    "tokens to embed": ("tokens/films/test/tiny.arrow", "embeddings/films/test/tiny/mean.arrow"),
    "probe": ("runs/probe/seed0/model/model.json", "predictions/films/probe/seed0.parquet"),
    "dev predictions": ("dev_predictions/tfidf/seed0.parquet", "temperatures/tfidf/seed0.json"),
    "temperature": ("temperatures/tfidf/seed0.json", "tables/calibration.csv"),
    "temperature, to label": ("temperatures/tfidf/seed0.json", "labelled/inbox.csv"),
    "method, to label": ("runs/tfidf/seed0/model/model.json", "labelled/inbox.csv"),
    "texts that it learned from": ("data/films/train.parquet", "labelled/inbox.csv"),
    "member of an ensemble": ("runs/tiny/seed2/run.json", f"runs/mean/{RUN}"),
    "predictions of a member": (
        "predictions/films/tiny/seed2.parquet", "predictions/films/mean/seed0.parquet",
    ),
}  # fmt: skip
FOLD, HELD_OUT = "repeat1-fold1", "subset_predictions/repeat1-fold1/tfidf/seed0.parquet"
OF_FOLDS: dict[str, Case] = {
    "near-duplicates, for folds": ("near_duplicates/films.parquet", f"subsets/{FOLD}.parquet"),
    "fold, to train": (f"subsets/{FOLD}.parquet", f"subset_runs/{FOLD}/tfidf/{RUN}"),
    "fold, for a part of it": (
        f"subsets/{FOLD}.parquet", f"subsets/{FOLD}-rows20-seed1.parquet",
    ),
    "fold, to predict": (f"subsets/{FOLD}.parquet", HELD_OUT),
    "model of a fold": (f"subset_runs/{FOLD}/tfidf/seed0/model/model.json", HELD_OUT),
    "weights of a fold's epoch": (
        f"subset_runs/{FOLD}/tiny/seed1/epochs/epoch1.safetensors",
        f"subset_predictions/{FOLD}/tiny/seed1.parquet",
    ),
    "predictions of a fold": (HELD_OUT, "predictions/films/tfidf/seed0.parquet"),
    "predictions of a part of a fold": (
        f"subset_predictions/{FOLD}-rows20-seed1/tfidf/seed0.parquet",
        "curve_predictions/rows20/tfidf/seed1.parquet",
    ),
}  # fmt: skip
OF_EXPORTS: dict[str, Case] = {
    "checkpoint to export": ("runs/tiny/seed1/checkpoint/config.json", "export/tiny"),
    "temperature to export": ("temperatures/tiny/seed1.json", "export/tiny"),
    "exported model": ("export/tiny/model.int8.onnx", "export_predictions/tiny/int8.parquet"),
    "exported model, to time": ("export/tiny/model.onnx", "export_speed/tiny.json"),
    "predictions of an export": ("export_predictions/tiny/fp32.parquet", "tables/exports.csv"),
    "times of an export": ("export_speed/tiny.json", "tables/exports.csv"),
}  # fmt: skip


Found = dict[tuple[str, str], tuple[str, bool]]  # (case, damage): (the refusal, was it made)


def light(folder: Path) -> dict:
    """The small experiment of one model, with rows that are nearly the same."""
    config = experiment(folder) | {"transfer": [], "learning_curve": {"rows": [20], "seeds": [1]}}
    del config["datasets"]["books"], config["models"]["tiny-scratch"]
    given = config["datasets"]["films"]["file"]
    rows = Path(given["train"]).read_text().splitlines()[1:20]
    for file, end in ((given["train"], "the end"), (given["test"], "and so on")):
        with Path(file).open("a") as stream:
            stream.writelines(f"{row.replace(',', f' {end},')}\n" for row in rows)
    config["recipe"]["batch_size"] = 16
    config["baselines"] = {"tfidf": {"kind": "tfidf"}}
    return config


def with_dev(folder: Path) -> dict:
    """With all that leaves files of its own where there is a dev split."""
    config = light(folder)
    films = config["datasets"]["films"]
    films["split"] = {"dev": 0.2}
    config["recipe"]["epochs"] = 1  # all rows of a prediction file are of the kept epoch
    network = {"kind": "textcnn", "epochs": 2, "embedding": 8, "hidden": 8, "vocabulary": 100}
    return config | {
        "tune": {"learning_rate": [1e-3, 3e-3], "rows": 40, "halving": True},
        "baselines": {
            "tfidf": {"kind": "tfidf", "tune": {"C": [1, 10]}},
            "cnn": network | {"tune": {"learning_rate": [1e-2, 3e-2]}},
            "probe": {"kind": "probe", "model": "tiny", "pooling": "mean", "C": 1.0},
            "mean": {"kind": "ensemble", "of": "tiny"},
        },
        "label": {"inbox": {"file": films["file"]["test"], "method": "tfidf"}},
    }


def with_export(folder: Path) -> dict:
    """A model, exported."""
    config = light(folder) | {"seeds": [1], "export": ["tiny"], "baselines": {}}
    del config["learning_curve"]
    config["datasets"]["films"]["split"] = {"dev": 0.2}
    return config


def with_folds(folder: Path) -> dict:
    """A cross-validation, and a learning curve in it."""
    config = light(folder) | {"seeds": [1]}
    films = config["datasets"]["films"]
    return config | {
        "datasets": {"films": films | {"file": films["file"]["train"], "split": {"folds": 2}}}
    }


def damaged(folder: Path, config: dict, cases: dict[str, Case]) -> Found:
    """Make all targets; then damage each file in turn, and make what is made of it again."""
    file = folder / "experiment.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    targets = {f"{HERE}/{target}" for _, target in cases.values()}
    found: Found = {}
    with graph(ROOT / "Snakefile", targets, [file], folder, 2) as dag:
        os.chdir(folder)
        jobs = [job for level in dag.toposorted() for job in level if job.rule.script]
        for job in jobs:
            for made in map(Path, [*job.output, *job.log]):
                made.parent.mkdir(parents=True, exist_ok=True)
            execute(job)
        for name, (damaged_name, target) in cases.items():
            read, made = Path(HERE, damaged_name), Path(HERE, target)
            (job,) = (job for job in jobs if str(made) in job.output)
            aside = Path("aside", name, "made")
            spoilt = Path("aside", name, read.name)
            aside.parent.mkdir(parents=True)
            made.rename(aside)
            read.rename(whole := spoilt.with_name("whole"))
            for damage, spoil in DAMAGES.items():
                shutil.copyfile(whole, spoilt)
                try:
                    spoil(spoilt)
                    spoilt.rename(read)  # not written over: it may be mapped into memory
                    execute(job)
                    said = ""
                except UserError as error:
                    said = str(error)
                except pytest.skip.Exception:
                    continue
                found[name, damage] = said, made.exists()
                shutil.rmtree(made) if made.is_dir() else made.unlink(missing_ok=True)
            whole.rename(read)
            aside.rename(made)
    return found


PARTS: dict[str, tuple[Callable[[Path], dict], dict[str, Case]]] = {
    "dev": (with_dev, CASES), "folds": (with_folds, OF_FOLDS), "exports": (with_export, OF_EXPORTS),
}  # fmt: skip


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Found]:
    """What comes of every damage in a part; it is made once, also if that fails."""

    @cache
    def tried(part: str) -> tuple[Found, str]:
        write, cases = PARTS[part]
        folder = tmp_path_factory.mktemp(part)
        config = write(folder / "input")
        targets = {f"{HERE}/{target}" for _, target in cases.values()}
        try:
            found = in_process(damaged, folder, config, cases)
            assert dry_run(folder, config, *targets) == [], "all is current, by its own record"
        except (AssertionError, RuntimeError) as error:
            return {}, str(error)
        return found, ""

    def of(part: str) -> Found:
        found, error = tried(part)
        assert not error, error
        return found

    return of


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    ("part", "case"),
    [
        pytest.param(part, case, marks=[pytest.mark.slow] if part == "exports" else [])
        for part, (_, cases) in PARTS.items()
        for case in cases
    ],
)
def test_nothing_is_made_of_a_damaged_file(
    refused: Callable[[str], Found], part: str, case: str, damage: str
) -> None:
    if part == "exports":
        pytest.importorskip("onnxruntime")
    found = refused(part)
    if (case, damage) not in found:
        pytest.skip("this format has no keys")
    said, made = found[case, damage]
    name = PARTS[part][1][case][0]
    assert name in said and "delete" in said and "\n" not in said, said
    assert not made
