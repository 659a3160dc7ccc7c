"""Only what is missing is recomputed; everything requested is made."""

import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.tiny import experiment, write_reviews
from tests.unit.synthetic_results import FIGURES
from tests.workflow.dry import scheduled
from tests.workflow.snake import ROOT, snakemake

PICTURES = {f"draw_{name.replace('-', '_')}" for name in FIGURES}


def aggregate(rule: str) -> bool:
    """Whether a rule compares methods, so that it runs again whenever there is a new result."""
    shown = {"report", "results", "export_checkpoints"} | PICTURES
    return rule in shown or rule.endswith(("_table", "_tables"))


def without(jobs: dict[str, int], *names: str) -> dict[str, int]:
    return {rule: n for rule, n in jobs.items() if rule not in names and not aggregate(rule)}


def test_everything_is_made_and_nothing_is_left_to_do(finished):
    folder, config = finished
    results = folder / "results/small"
    for method, seeds in {
        "tiny": [1, 2],
        "tiny-scratch": [1, 2],
        "majority": [0],
        "tfidf": [0],
    }.items():
        for dataset, rows in {"films": 64, "books": 48}.items():
            for seed in seeds:
                predictions = pd.read_parquet(
                    results / f"predictions/{dataset}/{method}/seed{seed}.parquet"
                )
                epochs = [1, 2] if dataset == "films" and "tiny" in method else None
                assert len(predictions) == rows * (2 if epochs else 1)
                if epochs:
                    assert sorted(predictions["epoch"].unique()) == epochs
    assert (results / "runs/tiny/seed1/checkpoint/model.safetensors").exists()
    assert not (results / "runs/tiny/seed1/epochs").exists(), "early epochs are temporary"
    assert not list(results.rglob("*.partial*")) and not list(results.rglob("state"))
    assert (results / "report.html").stat().st_size > 10_000
    json.loads((results / "results.json").read_text())
    done = snakemake(folder, "--dry-run")
    assert "Nothing to be done" in done.stdout + done.stderr


def checksum(rows) -> str:
    """Of (id, text, label) in this order."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(repr(row).encode())
    return digest.hexdigest()


def test_nothing_is_lost_or_reordered_between_source_and_predictions(finished):
    folder, config = finished
    labels = {"neg": 0, "pos": 1}
    for dataset, rows in {"films": 64, "books": 48}.items():
        with Path(config["datasets"][dataset]["file"]["test"]).open(newline="") as stream:
            source = [
                (i, r["review"], labels[r["mood"]]) for i, r in enumerate(csv.DictReader(stream))
            ]
        assert len(source) == rows
        texts = {i: text for i, text, _ in source}
        data = pd.read_parquet(folder / f"results/small/data/{dataset}/test.parquet")
        columns = [data[name].tolist() for name in ("id", "text", "label")]
        assert checksum(zip(*columns, strict=True)) == checksum(source)
        for file in (folder / f"results/small/predictions/{dataset}").rglob("*.parquet"):
            for _, epoch in pd.read_parquet(file).groupby("epoch"):
                ids, given = epoch["id"].tolist(), epoch["label"].tolist()
                predicted = [(i, texts[i], label) for i, label in zip(ids, given, strict=True)]
                assert checksum(predicted) == checksum(source), file


def test_a_trained_model_learned_something(finished):
    folder, _ = finished
    summary = pd.read_csv(folder / "results/small/tables/summary.csv")
    kept = summary[summary["kept"] & (summary["dataset"] == "films")].set_index("method")[
        "accuracy_mean"
    ]
    assert kept["tfidf"] > 0.9 and kept["tiny"] > kept["majority"] + 0.2


def test_a_new_model_schedules_only_its_own_chain(again):
    folder, config = again
    config["models"]["tiny-one"] = {**config["models"]["tiny"], "keep_layers": 1}
    assert without(scheduled(folder, config=config)) == {
        "download_model": 1, "tokenize": 3, "finetune": 2, "evaluate": 2, "transfer": 2, "speed": 1, "draw_curve": 1,
    }  # fmt: skip


def test_a_new_baseline_times_all_methods_again_and_trains_nothing_else(again):
    folder, config = again
    config["baselines"]["other"] = {"kind": "tfidf", "ngrams": 1}
    assert without(scheduled(folder, config=config)) == {
        "fit_baseline": 1, "predict_baseline": 2, "speed": 1,
    }  # fmt: skip


def test_entries_in_another_order_time_nothing_again(again):
    folder, config = again
    config["models"] = dict(reversed(config["models"].items()))
    assert without(scheduled(folder, config=config), "draw_curve") == {}


def test_a_new_seed_schedules_only_its_runs(again):
    folder, config = again
    config["seeds"] = [1, 2, 3]
    jobs = without(scheduled(folder, config=config))
    assert jobs == {"finetune": 2, "evaluate": 2, "transfer": 2, "draw_curve": 2}


def test_a_new_dataset_trains_nothing(again):
    folder, config = again
    file = write_reviews(folder / "plays.csv", 40, 4)
    config["datasets"]["plays"] = {**config["datasets"]["books"], "file": {"test": str(file)}}
    config["transfer"].append("plays")
    assert without(scheduled(folder, config=config)) == {
        "download_dataset": 1, "audit_dataset": 1, "tokenize": 2, "transfer": 4, "predict_baseline": 2,
    }  # fmt: skip


def test_a_learning_rate_reruns_that_model_alone(again):
    folder, config = again
    config["models"]["tiny"]["recipe"] = {"learning_rate": 1e-3}
    jobs = without(scheduled(folder, config=config))
    assert jobs == {"finetune": 2, "evaluate": 2, "transfer": 2, "draw_curve": 1}


def test_a_deleted_figure_is_one_job(again):
    folder, _ = again
    (folder / "results/small/figures/methods.svg").unlink()
    assert scheduled(folder, "results/small/figures/methods.svg") == {"draw_methods": 1}
    assert scheduled(folder) == {"draw_methods": 1, "report": 1}, "the page shows it"


def test_one_figure_needs_only_what_it_shows(again):
    folder, _ = again
    shutil.rmtree(folder / "results/small/runs/tiny-scratch")
    (folder / "results/small/figures/curves/tiny.svg").unlink()
    assert scheduled(folder, "results/small/figures/curves/tiny.svg") == {"draw_curve": 1}


def test_restyling_only_redraws(again):
    folder, config = again
    config["models"]["tiny"] |= {"title": "The tiny one", "colour": "#123456"}
    jobs = scheduled(folder, config=config)
    assert set(jobs) == PICTURES | {"draw_curve", "report"} and jobs["draw_curve"] == 1


def test_resources_and_groups_schedule_no_training(again):
    folder, config = again
    config["resources"]["finetune"] = {"threads": 2, "mem_mb": 1234}
    config["models"]["tiny"]["group"] = {"family": "BERT"}
    config["datasets"]["films"]["license"] = "CC0"
    assert without(scheduled(folder, config=config)) == {}


def scheduled_by(root: Path, directory: Path, *targets: str, config: dict) -> dict[str, int]:
    """How many jobs of each rule a dry run of another copy of the workflow would start."""
    command = ["--dry-run", "--quiet", "rules", "--", *targets]
    done = snakemake(directory, *command, config=config, root=root)
    assert done.returncode == 0, done.stdout + done.stderr
    output = done.stdout + done.stderr
    if "Nothing to be done" in output:
        return {}
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", output, re.M))
    assert jobs, output
    return {rule: int(n) for rule, n in jobs.items() if rule not in ("total", "all")}


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The workflow as a fresh clone has it: every file as new as can be."""
    root = tmp_path_factory.mktemp("clone") / "finetone"
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        text=True,
        capture_output=True,
    ).stdout.split("\n")
    for name in filter(None, names):
        if not name.startswith(("tests/", "docs/")) and (ROOT / name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, root / name)
    return root


def test_a_fresh_clone_with_results_copied_in_reruns_nothing(again, clone, tmp_path):
    folder, config = again
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    shutil.copytree(folder / "results", fresh / "results")
    assert scheduled_by(clone, fresh, config=config) == {}
    (fresh / "results/small/figures/methods.svg").unlink()
    target = "results/small/figures/methods.svg"
    assert scheduled_by(clone, fresh, target, config=config) == {"draw_methods": 1}


def test_touching_scripts_and_commenting_the_library_reruns_nothing(again, clone):
    folder, config = again
    for file in (clone / "workflow").rglob("*.py"):
        with file.open("a") as stream:
            stream.write("\n# a comment\n")
        os.utime(file)
    assert scheduled_by(clone, folder, config=config) == {}


def test_edited_source_data_is_noticed(again):
    folder, config = again
    file = write_reviews(folder / "books.csv", 48, 5)
    config["datasets"]["books"]["file"]["test"] = str(file)
    jobs = without(scheduled(folder, config=config))
    assert jobs == {
        "download_dataset": 1,
        "audit_dataset": 1,
        "tokenize": 2,
        "transfer": 4,
        "predict_baseline": 2,
    }


def test_experiments_never_mix(again):
    folder, config = again
    config["experiment"] = "other"
    assert scheduled(folder, config=config)["finetune"] == 4


@pytest.mark.parametrize("file", ["config.yaml", "demo.yaml"])
def test_the_shipped_experiments_build_a_dag(tmp_path, file):
    done = snakemake(
        tmp_path, "--dry-run", "--quiet", "rules", "--configfile", str(ROOT / "config" / file)
    )
    assert done.returncode == 0, done.stderr
    assert "finetune" in done.stdout + done.stderr


def test_a_bare_call_runs_the_papers_experiment(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules"],
        cwd=ROOT,
        text=True,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    finetunes = [
        line.split()[-1]
        for line in (done.stdout + done.stderr).splitlines()
        if line.startswith("finetune ")
    ]
    assert set(finetunes) == {"16"}


def test_bad_configuration_is_one_sentence_and_no_traceback(again):
    folder, config = again
    config["models"]["tiny"]["recipe"] = {"learning_rat": 1}
    done = snakemake(folder, "--dry-run", config=config)
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in said
    assert "did you mean 'learning_rate'?" in said
    assert str(Path(folder / "experiment.yaml")) in said


def embedded(page: str, name: str) -> dict:
    """A JSON object that a page assigns to the variable `name`."""
    found = re.search(rf"\b{name} = (?={{\"(?:results/|[A-Z]))", page)
    assert found, name
    return json.JSONDecoder().raw_decode(page, found.end())[0]


def test_snakemakes_own_report_is_complete(again, tmp_path):
    folder, _ = again
    done = snakemake(folder, "--report", str(folder / "snakemake.html"))
    assert done.returncode == 0, done.stderr
    page = (folder / "snakemake.html").read_text()
    shown = embedded(page, "results")
    made = [
        str(path.relative_to(folder))
        for kind in ("tables/*.csv", "figures/**/*.svg", "audit/*.json", "re*.*")
        for path in (folder / "results/small").glob(kind)
    ]
    assert len(made) > 25 and set(made) == set(shown)
    for path, result in shown.items():
        assert result["caption"] and result["labels"], path
    categories = embedded(page, "categories")
    assert set(categories) == {"Report", "Tables", "Figures", "Data"}, "nothing under 'Other'"


def test_drawing_never_imports_torch(finished):
    code = "import sys, finetone.plots.curve, finetone.plots.bars, finetone.tables.main_table; " \
           "import finetone.report; print(sorted(m for m in ('torch', 'transformers') if m in sys.modules))"  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "workflow/scripts", text=True, capture_output=True
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.slow
def test_baselines_alone_make_a_report(tmp_path):
    config = experiment(tmp_path / "input") | {"models": {}, "seeds": [1]}
    done = snakemake(tmp_path, config=config)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    tables = tmp_path / "results/small/tables"
    assert set(pd.read_csv(tables / "ranking.csv")["method"]) == {"majority", "tfidf"}
    assert pd.read_csv(tables / "main.csv").empty and pd.read_csv(tables / "convergence.csv").empty
