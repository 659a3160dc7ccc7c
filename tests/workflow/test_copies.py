"""Results that come from elsewhere: copied, restored, or of an earlier version."""

import json
import os
import random
import re
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finetone.files import sha256
from tests.workflow.dry import dry_run
from tests.workflow.snake import snakemake

HERE = "results/small"


def rules(folder: Path, config: dict, *targets: str) -> set[str]:
    return {job.rule for job in dry_run(folder, config, *targets)}


@pytest.fixture
def copied(finished, tmp_path):
    """The results alone, in a folder without Snakemake's notes, and with times in any order."""
    folder, config = finished
    shutil.copytree(folder / "results", tmp_path / "results")
    draw = random.Random(3)
    for file in sorted(tmp_path.rglob("*")):
        then = 1_700_000_000 + draw.randrange(10**6)
        os.utime(file, (then, then))
    return tmp_path, config


def test_equal_settings_make_nothing_again(copied):
    assert rules(*copied) == set()


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ({"title": "Other"}, {"report"}),
        ({"compare": {"resamples": 300}}, {"correlation_table", "report"}),
    ],
    ids=["title", "resamples"],
)
def test_other_settings_make_again_what_they_decide(copied, change, again):
    folder, config = copied
    assert again <= rules(folder, config | change)
    assert not {"finetune", "evaluate", "tokenize"} & rules(folder, config | change)


@pytest.mark.parametrize("key", ["learning_rate", "epochs"])
def test_other_recipes_are_trained_again(copied, key):
    folder, config = copied
    config = config | {"recipe": config["recipe"] | {key: 3 if key == "epochs" else 1e-3}}
    jobs = dry_run(folder, config)
    assert sum(job.rule == "finetune" for job in jobs) == 4
    assert not {"tokenize", "download_dataset", "fit_baseline"} & {job.rule for job in jobs}


def test_the_users_files_count_by_content(again):
    folder, config = again
    films = Path(config["datasets"]["films"]["file"]["test"])
    moved = folder / "moved.csv"
    shutil.copyfile(films, moved)
    config["datasets"]["films"]["file"]["test"] = str(moved)
    assert rules(folder, config) == {"report"}, "the page names the path"
    os.utime(moved, (4_000_000_000, 4_000_000_000))
    assert rules(folder, config) == {"report"}, "its time says nothing"
    text = moved.read_text()
    moved.write_text(text.replace("great", "lousy", 1))
    assert moved.stat().st_size == len(text.encode()) and "lousy" in moved.read_text()
    assert "download_dataset" in rules(folder, config)


def test_what_was_made_from_something_else_is_made_again(again):
    """A model's folder replaced by another that is whole in itself, with old times."""
    folder, config = again
    other = config | {"experiment": "other", "seeds": [1]}
    other["models"] = {**config["models"], "tiny": {**config["models"]["tiny"], "keep_layers": 1}}
    assert snakemake(folder, "--", "results/other/models/tiny", config=other).returncode == 0
    shutil.rmtree(folder / HERE / "models/tiny")
    shutil.copytree(folder / "results/other/models/tiny", folder / HERE / "models/tiny")
    for file in (folder / HERE / "models/tiny").rglob("*"):
        os.utime(file, (1, 1))
    assert {"download_model", "tokenize", "finetune"} <= rules(folder, config)
    config["models"]["tiny"]["keep_layers"] = 1  # now the folder is right, what follows is not
    jobs = dry_run(folder, config)
    obtained = [job.wildcards["model"] for job in jobs if job.rule == "download_model"]
    assert obtained == ["tiny-scratch"] and {"tokenize", "finetune"} <= {job.rule for job in jobs}


@pytest.mark.parametrize("name", ["results.json", "audit/films.json", "data/films"])
@pytest.mark.parametrize("to", ["/nowhere/at/all", "itself"])
def test_a_link_that_leads_nowhere_is_one_sentence(again, name, to):
    folder, config = again
    path = folder / HERE / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.symlink_to(path.name if to == "itself" else to)
    with pytest.raises(RuntimeError, match=f"^{HERE}/{name}: a link to .*delete {HERE}/{name} and"):
        dry_run(folder, config)


def strip_records(results: Path) -> None:
    """Make of results what version 0.1.0 left: no fingerprints, checksums, seals or CSV records."""
    new = {"fingerprint", "inputs", "settings", "checksum", "checksums", "files"}
    shutil.rmtree(results / "near_duplicates")  # not looked for then
    for file in sorted(results.rglob("*")):
        times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
        if file.name.endswith(".csv.json"):
            file.unlink()
        elif file.suffix in (".svg", ".html"):
            file.write_text(re.sub(r"<!-- finetone .*?-->\n$", "", file.read_text()))
        elif file.suffix == ".parquet" and b"finetone" in (pq.read_schema(file).metadata or {}):
            table = pq.read_table(file)
            about = json.loads(table.schema.metadata[b"finetone"])
            about = {key: value for key, value in about.items() if key not in new}
            pq.write_table(table.replace_schema_metadata({"finetone": json.dumps(about)}), file)
        elif file.suffix == ".arrow":
            with pa.OSFile(str(file)) as source:
                table = pa.ipc.open_file(source).read_all()
            about = json.loads(table.schema.metadata[b"finetone"])
            about = {key: value for key, value in about.items() if key not in new}
            table = table.replace_schema_metadata({"finetone": json.dumps(about)})
            with pa.ipc.new_file(str(file), table.schema) as writer:
                writer.write_table(table)
        elif file.suffix == ".json" and "schema_version" in file.read_text():
            about = json.loads(file.read_text())
            keep = {"files"} if "parameters" in about and "kind" not in about else set()
            about = {key: value for key, value in about.items() if key not in new - keep}
            if about.get("kind") == "finetune":  # the hash of the weights, not of their folder
                about["checkpoint"] = sha256(file.parent / "checkpoint/model.safetensors")
            file.write_text(json.dumps(about))
        if file.exists():
            os.utime(file, ns=times)


def test_results_of_an_earlier_version_are_taken_once(again):
    folder, config = again
    strip_records(folder / HERE)
    again = rules(folder, config)
    assert {"runs_table", "comparison_tables"} <= again, "tables say more than they did"
    assert not {"finetune", "fit_baseline", "evaluate", "tokenize", "download_dataset"} & again
    done = snakemake(folder, config=config)
    assert done.returncode == 0, done.stderr
    taken = json.loads((folder / HERE / "taken.json").read_text())["taken"]
    assert "data/films" in taken and "without a record of settings" in done.stderr
    assert rules(folder, config) == set()
    config["recipe"]["learning_rate"] = 1e-3
    assert {"finetune", "runs_table"} <= rules(folder, config), "noticed from then on"


def test_what_an_earlier_version_stated_is_compared(again):
    folder, config = again
    strip_records(folder / HERE)
    config["recipe"]["learning_rate"] = 1e-3
    assert {"finetune", "runs_table"} <= rules(folder, config)
    config["recipe"]["learning_rate"] = 3e-3
    config["datasets"]["books"]["sample"] = {"test": 20}
    assert "download_dataset" in rules(folder, config)


def test_a_folder_of_somebody_elses_library_on_the_path_is_not_used(again, tmp_path):
    folder, config = again
    foreign = tmp_path / "foreign/finetone"
    foreign.mkdir(parents=True)
    (foreign / "__init__.py").write_text("raise SystemExit('the wrong finetone')")
    (folder / HERE / "figures/methods.svg").unlink()
    done = snakemake(folder, "--", f"{HERE}/figures/methods.svg", PYTHONPATH=str(foreign.parent))
    assert done.returncode == 0, done.stderr
