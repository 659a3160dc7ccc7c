"""run.json: the same keys for every method, one meaning of each, and earlier versions are read."""

import re
from pathlib import Path

import pytest

from finetone.errors import UserError
from finetone.files import read_json, sha256, write_json
from finetone.formats import run_record
from finetone.formats.run_record import RunRecord

KEYS = (
    "schema_version method kind seed dataset labels recipe tuned engine execution versions "
    "parameters max_length "
    "rows epochs steps kept_epoch dev_scores train_seconds tokens_per_s seconds_per_32 "
    "peak_memory_bytes resumed made_from checkpoint files content"
)


def finished(folder: Path, kind: str) -> Path:
    """A run that has left what runs of its kind leave; its run.json."""
    name = "checkpoint" if kind == "finetune" else "model"
    (folder / name).mkdir()
    (folder / name / "model.safetensors").write_bytes(b"weights")
    (folder / name / "README.md").write_text("trained on this machine")
    (folder / "history.parquet").write_bytes(b"steps")
    record = RunRecord(method="m", kind=kind, seed=3, labels=["no", "yes"], kept_epoch=2)
    run_record.write(folder / "run.json", record, name, "history.parquet")
    return folder / "run.json"


@pytest.mark.parametrize("kind", ["finetune", "tfidf"])
def test_what_is_written_is_read(tmp_path: Path, kind: str) -> None:
    run = finished(tmp_path, kind)
    record = run_record.check(run, "history.parquet")
    assert (record.method, record.kind, record.seed, record.kept_epoch) == ("m", kind, 3, 2)
    assert " ".join(read_json(run)) == KEYS


def test_scores_on_dev_of_an_earlier_version_are_read(tmp_path: Path) -> None:
    write_json(
        tmp_path / "run.json", {"method": "m", "kind": "finetune", "dev_accuracy": [0.5, 0.7]}
    )
    assert run_record.read(tmp_path / "run.json").dev_scores == [0.5, 0.7]


@pytest.mark.parametrize("kind", ["finetune", "tfidf"])
def test_checkpoint_is_the_hash_of_the_folder_of_what_was_learned(
    tmp_path: Path, kind: str
) -> None:
    record = run_record.read(finished(tmp_path, kind))
    assert record.checkpoint == sha256(tmp_path / record.learned)


@pytest.mark.parametrize("kind", ["finetune", "tfidf"])
@pytest.mark.parametrize("change", ["alter", "remove", "put in"])
def test_a_changed_part_is_refused(tmp_path: Path, kind: str, change: str) -> None:
    run = finished(tmp_path, kind)
    part = run_record.read(run).learned
    file = tmp_path / part / ("model.safetensors" if change != "put in" else "more.safetensors")
    if change == "remove":
        file.unlink()
    else:
        file.write_bytes(b"others")
    with pytest.raises(UserError, match=re.escape(str(file))):
        run_record.check(run, part)
    assert run_record.check(run, "history.parquet").method == "m"


@pytest.mark.parametrize("kind", ["finetune", "tfidf"])
def test_a_record_of_an_earlier_version_has_one_hash(tmp_path: Path, kind: str) -> None:
    run = finished(tmp_path, kind)
    part = run_record.read(run).learned
    weights = tmp_path / part / "model.safetensors"
    about = {"method": "m", "kind": kind, "kept_epoch": 2}
    about["checkpoint"] = sha256(weights if kind == "finetune" else weights.parent)
    write_json(run, about)
    record = run_record.check(run, part, "history.parquet")
    assert (record.kept_epoch, record.steps, record.parameters) == (2, None, {})
    weights.write_bytes(b"others")
    with pytest.raises(UserError, match=f"{part}.*not the .* describes"):
        run_record.check(run, part)


def test_json_of_something_else_is_a_sentence(tmp_path: Path) -> None:
    write_json(tmp_path / "run.json", {"dataset": "films"})
    with pytest.raises(UserError, match=r"run.json: not the record of a run; delete"):
        run_record.read(tmp_path / "run.json")
