"""A file that was damaged at rest stops the job that would read it, and nothing is made of it."""

import json
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.workflow.dry import run_one

HERE = "results/small"
# artifact: (the file that is damaged, what is made of it)
CASES = {
    "split": ("data/films/test.parquet", "tokens/films/test/tiny.arrow"),
    "dataset's manifest": ("data/films/manifest.json", "audit/films.json"),
    "tokenizer": ("models/tiny/tokenizer.json", "tokens/films/test/tiny.arrow"),
    "tokenizer's settings": ("models/tiny/tokenizer_config.json", "tokens/films/test/tiny.arrow"),
    "architecture": ("models/tiny/config.json", "models/tiny-scratch"),
    "weights": ("models/tiny/model.safetensors", "speed/rounds.json"),
    "model's manifest": ("models/tiny/manifest.json", "speed/rounds.json"),
    "tokens": ("tokens/books/test/tiny.arrow", "predictions/books/tiny/seed1.parquet"),
    "run record": ("runs/tiny/seed1/run.json", "predictions/books/tiny/seed1.parquet"),
    "history": ("runs/tiny/seed1/history.parquet", "figures/curves/tiny.svg"),
    "history, for a table": ("runs/tiny/seed1/history.parquet", "tables/convergence.csv"),
    "checkpoint": (
        "runs/tiny/seed1/checkpoint/model.safetensors", "predictions/books/tiny/seed1.parquet",
    ),
    "checkpoint's config": (
        "runs/tiny/seed1/checkpoint/config.json", "predictions/books/tiny/seed1.parquet",
    ),
    "checkpoint, to export": ("runs/tiny/seed1/checkpoint/config.json", "checkpoints"),
    "baseline": ("runs/tfidf/seed0/model/model.json", "predictions/books/tfidf/seed0.parquet"),
    "predictions": ("predictions/books/tiny/seed1.parquet", "tables/runs.csv"),
    "predictions, kept epoch": ("predictions/books/tiny/seed1.parquet", "tables/reliability.csv"),
    "baseline, to time": ("runs/tfidf/seed0/model/model.json", "speed/rounds.json"),
    "timing": ("speed/rounds.json", "tables/main.csv"),
    "audit": ("audit/films.json", "tables/leaks.csv"),
    "table": ("tables/runs.csv", "tables/summary.csv"),
    "table, for a figure": ("tables/ranking.csv", "figures/methods.svg"),
    "table's record": ("tables/runs.csv.json", "tables/summary.csv"),
    "figure": ("figures/methods.svg", "report.html"),
    "table that is named on the page by its hash": ("tables/slices.csv", "report.html"),
    "table that is named in results.json": ("tables/efficiency.csv", "results.json"),
    "results": ("results.json", "checkpoints"),
}  # fmt: skip


# columns of predictions, of a history, of a split, of a row subset, of near-duplicates
VALUES = ("logits", "loss", "label", "row", "similarity")
SUMS = ("checksums", "checksum", "content")  # keys of a checksum


def alter(file: Path) -> None:
    """Change a value; the file stays well-formed."""
    if file.suffix == ".arrow":
        with pa.OSFile(str(file)) as source:
            table = pa.ipc.open_file(source).read_all()
        column = "input_ids" if "input_ids" in table.column_names else "embedding"
        tokens = table.column(column).to_pylist()
        tokens[3][1], tokens[3][2] = tokens[3][2], tokens[3][1]
        changed = pa.array(tokens, table.schema.field(column).type)
        with pa.ipc.new_file(str(file), table.schema) as writer:
            writer.write_table(table.set_column(2, table.schema.field(column), changed))
        return
    if file.suffix == ".parquet":
        table = pq.read_table(file)
        place = next(table.column_names.index(n) for n in VALUES if n in table.column_names)
        values = table.column(place).to_pylist()
        values[0], values[1] = values[1], values[0]
        changed = pa.array(values, table.schema.field(place).type)
        pq.write_table(table.set_column(place, table.schema.field(place), changed), file)
        return
    content = bytearray(file.read_bytes())
    middle = next(i for i in range(len(content) // 2, len(content)) if chr(content[i]).isalnum())
    content[middle] = ord("7") if content[middle] != ord("7") else ord("3")
    file.write_bytes(content)


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def remove_key(file: Path) -> None:
    """Take the checksum away, or another key that readers count on."""
    match file.suffix:
        case ".json":
            content = json.loads(file.read_text())
            content.pop("checksum" if "checksum" in content else next(iter(content)))
            file.write_text(json.dumps(content))
        case ".parquet" if b"finetone" in (pq.read_schema(file).metadata or {}):
            table = pq.read_table(file)
            about = json.loads(table.schema.metadata[b"finetone"])
            del about[next(key for key in SUMS if key in about)]
            pq.write_table(table.replace_schema_metadata({"finetone": json.dumps(about)}), file)
        case ".arrow":
            with pa.OSFile(str(file)) as source:
                table = pa.ipc.open_file(source).read_all()
            about = json.loads(table.schema.metadata[b"finetone"])
            del about[next(key for key in SUMS if key in about)]
            table = table.replace_schema_metadata({"finetone": json.dumps(about)})
            with pa.ipc.new_file(str(file), table.schema) as writer:
                writer.write_table(table)
        case _:
            pytest.skip("this format has no keys")


DAMAGES = {
    "altered": alter, "truncated": truncate, "emptied": empty, "key removed": remove_key,
}  # fmt: skip


def without_target(folder: Path, target: str) -> Path:
    path = folder / HERE / target
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return path


@pytest.fixture(scope="module")
def shared(finished, tmp_path_factory):
    """One copy of the finished experiment; each test puts back what it took."""
    folder, config = finished
    copied = tmp_path_factory.mktemp("damage") / "copy"
    shutil.copytree(folder, copied, symlinks=True)
    return copied, config


@pytest.fixture
def disturbed(shared, tmp_path):
    """`shared`, with what a test removed or damaged put back afterwards."""
    folder, config = shared
    saved: dict[Path, Path] = {}

    def keep(path: Path) -> None:
        if path.suffix == ".csv":
            keep(path.with_name(f"{path.name}.json"))
        saved[path] = tmp_path / str(len(saved))
        copy = shutil.copytree if path.is_dir() else shutil.copy2
        copy(path, saved[path])

    yield folder, config, keep
    for path, kept in reversed(saved.items()):
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        shutil.move(kept, path)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("case", CASES)
def test_nothing_is_made_of_a_damaged_file(disturbed, case, damage):
    folder, config, keep = disturbed
    name, target = CASES[case]
    file = folder / HERE / name
    keep(file)
    keep(folder / HERE / target)
    made = without_target(folder, target)
    before = file.stat()
    DAMAGES[damage](file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    refused = run_one(folder, config, f"{HERE}/{target}")
    # a table's record speaks of the table, which is what to make again
    assert name.removesuffix(".csv.json").removesuffix(".csv") in refused, refused
    assert "delete" in refused and "\n" not in refused
    assert not made.exists()


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("models/tiny/tokenizer.json", "tokens/films/test/tiny.arrow"),
        ("models/tiny/model.safetensors", "speed/rounds.json"),
        ("data/films/test.parquet", "tokens/films/test/tiny.arrow"),
        ("runs/tiny/seed1/checkpoint/config.json", "predictions/books/tiny/seed1.parquet"),
        ("runs/tiny/seed1/checkpoint/tokenizer.json", "checkpoints"),
        ("runs/tfidf/seed0/model/model.json", "predictions/books/tfidf/seed0.parquet"),
    ],
)
def test_a_folder_that_lacks_a_file_or_has_one_more_is_refused(disturbed, name, target):
    folder, config, keep = disturbed
    file = folder / HERE / name
    keep(file)
    keep(folder / HERE / target)
    made = without_target(folder, target)
    file.unlink()
    refused = run_one(folder, config, f"{HERE}/{target}")
    assert f"{HERE}/{name}: not the file" in refused and not made.exists()
    if "data" not in name:  # a split is read by its name: another file beside it changes nothing
        shutil.copy2(folder / HERE / "results.json", file)
        file.rename(file.with_name("added_tokens.json"))
        refused = run_one(folder, config, f"{HERE}/{target}")
        file.with_name("added_tokens.json").unlink()
        assert "added_tokens.json: not the file" in refused and not made.exists()


@pytest.mark.parametrize("damage", ["altered", "emptied", "missing"])
def test_weights_of_an_early_epoch(disturbed, damage):
    """They live until they are evaluated; one that is gone would be gone from the tables, too."""
    folder, config, keep = disturbed
    run, target = f"{HERE}/runs/tiny/seed1", "predictions/films/tiny/seed1.parquet"
    keep(folder / run)
    keep(folder / HERE / target)
    shutil.rmtree(folder / run)
    made = without_target(folder, target)
    assert run_one(folder, config, f"{run}/run.json") == ""
    file = folder / run / "epochs/epoch1.safetensors"
    file.unlink() if damage == "missing" else DAMAGES[damage](file)
    refused = run_one(folder, config, f"{HERE}/{target}")
    assert f"{run}/epochs/epoch1.safetensors: not the file {run}/run.json describes" in refused
    assert not made.exists()


def test_undamaged_files_are_read(disturbed):
    """The other side of the table above: what it runs does work on files that are whole."""
    folder, config, keep = disturbed
    for target in sorted({target for _, target in CASES.values()}):
        keep(folder / HERE / target)
        made = without_target(folder, target)
        assert run_one(folder, config, f"{HERE}/{target}") == ""
        assert made.exists()
