"""What was swapped behind the workflow's back is noticed, even where its time says nothing."""

import os
import shutil
from pathlib import Path

from tests.tiny import write_bert
from tests.workflow.snake import scheduled, snakemake


def swap(file: Path) -> None:
    """Other content of the same size, under the same name and time."""
    times = file.stat()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def refused(folder: Path, target: str, swapped: str, manifest: str) -> None:
    done = snakemake(folder, "--", target)
    assert done.returncode != 0
    assert f"{swapped}: not the file {manifest} describes; delete" in done.stderr
    assert not (folder / target).exists()


def test_a_models_weights(again):
    folder, _ = again
    swap(folder / "results/small/models/tiny/model.safetensors")
    shutil.rmtree(folder / "results/small/runs/tiny/seed1")
    refused(
        folder, "results/small/runs/tiny/seed1/run.json",
        "results/small/models/tiny/model.safetensors", "results/small/models/tiny/manifest.json",
    )  # fmt: skip


def test_a_checkpoint(again):
    folder, _ = again
    run = "results/small/runs/tiny/seed1"
    swap(folder / run / "checkpoint/model.safetensors")
    target = "results/small/predictions/books/tiny/seed1.parquet"
    (folder / target).unlink()
    refused(folder, target, f"{run}/checkpoint/model.safetensors", f"{run}/run.json")


def test_a_split(again):
    folder, _ = again
    swap(folder / "results/small/data/films/test.parquet")
    target = "results/small/tokens/films/test/tiny.arrow"
    (folder / target).unlink()
    data = "results/small/data/films"
    refused(folder, target, f"{data}/test.parquet", f"{data}/manifest.json")


def test_a_checkpoint_of_the_users_own(again):
    folder, config = again
    config["models"]["tiny"]["path"] = str(write_bert(folder / "mine"))
    tokens = "results/small/tokens/books/test/tiny.arrow"
    assert snakemake(folder, "--", tokens, config=config).returncode == 0
    assert scheduled(folder, tokens) == {}
    write_bert(folder / "mine", seed=1)
    assert scheduled(folder, tokens) == {"download_model": 1, "tokenize": 1}
