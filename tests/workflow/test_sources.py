"""Sources that are gone, moved, renamed or changed while the results made of them are there."""

import os
import re
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from finetone.data.download import prepare
from finetone.errors import UserError
from finetone.identity import identify
from finetone.models.prepare import prepare as prepare_model
from finetone.provenance import Provenance
from tests.tiny import experiment, write_bert, write_reviews
from tests.workflow.dry import dry_run
from tests.workflow.snake import ROOT, snakemake, without_power
from tests.workflow.test_copies import HERE, rules, strip_records


@contextmanager
def gone(path: str):
    """The file or folder is elsewhere for a while."""
    moved = Path(path).rename(f"{path}.moved")
    try:
        yield
    finally:
        moved.rename(path)


def test_what_was_made_of_it_outlives_a_source(again):
    folder, config = again
    with gone(config["datasets"]["films"]["file"]["train"]), gone(config["models"]["tiny"]["path"]):
        assert rules(folder, config) == set()
        config["recipe"]["learning_rate"] = 1e-3
        assert "finetune" in rules(folder, config)
        assert not {"download_dataset", "download_model"} & rules(folder, config)


def test_nothing_is_made_of_results_that_cannot_be_made_again(again):
    """Snakemake would take the data as they are, and all that follows would look current."""
    folder, config = again
    films, tiny = config["datasets"]["films"], config["models"]["tiny"]
    with gone(films["file"]["train"]), gone(tiny["path"]):
        films["sample"] = {"train": 40}
        with pytest.raises(RuntimeError, match=r"films-train\.csv: is not there, but .*data/films"):
            dry_run(folder, config)
        del films["sample"]
        tiny["keep_layers"] = 1
        with pytest.raises(RuntimeError, match=r"bert: is not there, but .*models/tiny"):
            dry_run(folder, config, f"{HERE}/figures/methods.svg")


@pytest.mark.parametrize("key", ["file", "path"])
def test_a_path_where_nothing_is_stands_for_nothing(again, key):
    folder, config = again
    if key == "file":
        config["datasets"]["books"]["file"]["test"] += "x"
    else:
        config["models"]["tiny"]["path"] += "x"
    with pytest.raises(RuntimeError, match="x: is not there"):
        dry_run(folder, config)


def test_the_same_bytes_read_as_another_kind_of_table_are_other_data(again):
    folder, config = again
    films = config["datasets"]["films"]["file"]
    shutil.copyfile(films["train"], folder / "films.tsv")
    films["train"] = str(folder / "films.tsv")
    assert "download_dataset" in rules(folder, config)
    shutil.copyfile(folder / "films.tsv", folder / "films.CSV")
    films["train"] = str(folder / "films.CSV")
    assert rules(folder, config) == {"report"}


def test_null_is_a_setting_of_a_model(again):
    folder, config = again
    config["models"]["tiny-scratch"]["scratch"]["config"] = {"classifier_dropout": None}
    jobs = dry_run(folder, config)
    assert [j.wildcards["model"] for j in jobs if j.rule == "download_model"] == ["tiny-scratch"]


def test_files_that_no_model_is_made_of_make_nothing_again(again):
    folder, config = again
    own = shutil.copytree(config["models"]["tiny"]["path"], folder / "own")
    config["models"]["tiny"]["path"] = str(own)
    for name in (".DS_Store", "README.md", "LICENSE"):
        (own / name).write_text("x")
    assert rules(folder, config) == {"report"}, "the page names the path"
    (own / "added_tokens.json").write_text('{"new": 60}')
    assert "download_model" in rules(folder, config)


def test_a_source_that_changes_while_a_run_waits_is_refused(tmp_path):
    """The record would say what was there when the run began, and fit once that is put back."""
    reviews = write_reviews(tmp_path / "films.csv", 20, 1)
    block = {"file": str(reviews), "text": "review", "label": "mood", "labels": ["neg", "pos"]}
    bert = {"path": str(write_bert(tmp_path / "bert"))}
    began = [Provenance("0" * 64, identify(entry, tmp_path / "none")) for entry in (block, bert)]
    assert set(began[0].settings["file"]) == {"train"}
    began[1].settings["classes"] = 2
    data, models = (tmp_path / "results" / name for name in ("data", "models"))
    prepare("own", block, data, None, began[0])
    prepare_model("own", bert, models, provenance=began[1])
    reviews.write_text(reviews.read_text().replace("great", "lousy"))
    with pytest.raises(UserError, match=r"films\.csv: has changed since this run began"):
        prepare("own", block, data, None, began[0])
    (tmp_path / "bert/vocab.txt").unlink()
    with pytest.raises(UserError, match=r"vocab\.txt: has changed since this run began"):
        prepare_model("own", bert, models, provenance=began[1])


def test_links_and_times_to_come_make_nothing_again(again):
    folder, config = again
    shutil.rmtree(folder / ".snakemake")  # it has checksums of small files
    for name in ("models/tiny", "tables/summary.csv"):
        (folder / HERE / name).rename(folder / "moved")
        (folder / "moved").rename(folder / Path(name).name)
        (folder / HERE / name).symlink_to(folder / Path(name).name)
    tomorrow = time.time() + 86400
    for file in (folder / HERE / "data/films", *(folder / HERE / "data/films").iterdir()):
        os.utime(file, (tomorrow, tomorrow))
    assert rules(folder, config) == set()
    assert rules(folder, config | {"title": "Other"}) == {"report"}


@pytest.mark.parametrize("target", ["all", f"{HERE}/figures/methods.svg"])
def test_all_results_of_an_earlier_version_are_taken_at_the_first_run(again, target):
    """Whatever is requested; its tables, which said less, are made again."""
    folder, config = again
    strip_records(folder / HERE)
    done = snakemake(folder, "--", target, config=config)
    assert done.returncode == 0, done.stderr
    made = set(re.findall(r"^(\w+) +\d+$", done.stderr, re.M))  # the table of jobs
    assert "comparison_tables" in made
    assert not {"download_dataset", "tokenize", "finetune", "fit_baseline", "evaluate"} & made
    config["compare"]["confidence"] = 0.9
    assert {"runs_table", "main_table", "leaks_table", "report"} <= rules(folder, config)


@pytest.mark.parametrize("target", ["finetune", f"{HERE}/data/plays", f"{HERE}/tokens/films"])
def test_a_target_that_nothing_makes_is_left_to_snakemake(again, target):
    with pytest.raises(RuntimeError, match="may not contain wildcards|No rule to produce|Missing"):
        dry_run(*again, target)


def test_a_module_with_a_prefix_notices_changes(again):
    folder, config = again
    (folder / "results").rename(folder / "moved")
    (folder / "there").mkdir()
    (folder / "moved").rename(folder / "there/results")
    (folder / "Snakefile").write_text(
        f"""
module finetone:
    snakefile: {str(ROOT / "Snakefile")!r}
    config: config
    prefix: "there"
use rule * from finetone
rule page:
    default_target: True
    input: "there/results/small/report.html"
"""
    )
    config["recipe"]["learning_rate"] = 1e-3
    done = snakemake(folder, "--dry-run", "-s", str(folder / "Snakefile"), config=config)
    assert done.returncode == 0, done.stderr
    assert "Fine-tune tiny on films, seed 1" in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["tables/summary.csv.json", "data/films/manifest.json"])
def test_what_may_not_be_read_is_named(again, name):
    folder, config = again
    (folder / HERE / name).chmod(0)
    done = snakemake(folder, "--dry-run", config=config, before=without_power)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"{HERE}/{name}: cannot be read (Permission denied)" in done.stdout + done.stderr


def test_a_source_that_may_not_be_read_is_named(tmp_path):
    config = experiment(tmp_path / "input")
    train = Path(config["datasets"]["films"]["file"]["train"])
    train.chmod(0)
    done = snakemake(tmp_path, "--dry-run", config=config, before=without_power)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"{train}: cannot be read (Permission denied)" in done.stdout + done.stderr


def test_damaged_notes_of_what_was_taken_are_no_reason_to_take_it_again(again):
    folder, config = again
    (folder / HERE / "taken.json").write_text('{"schema_version": 1}')
    with pytest.raises(RuntimeError, match=r"taken\.json: is damaged; put a copy back"):
        dry_run(folder, config)
