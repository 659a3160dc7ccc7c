"""What was swapped behind the workflow's back is noticed, even where its time says nothing."""

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from finetone.files import sha256
from tests.tiny import write_bert
from tests.workflow.dry import scheduled
from tests.workflow.snake import snakemake


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


def test_every_artifact_knows_what_it_was_made_from(finished):
    """From the page's numbers back to the user's file, hash by hash."""
    folder, config = finished
    here = folder / "results/small"

    def read(path: str) -> dict:
        return json.loads((here / path).read_text())

    results = read("results.json")["made_from"]
    assert {str(f.relative_to(here)) for f in here.glob("tables/*.csv")} <= set(results)
    assert all(sha256(here / path) == digest for path, digest in results.items())
    page = (here / "report.html").read_text()
    kinds = (
        "tables/*.csv",
        "figures/**/*.svg",
        "audit/*.json",
        "data/*/*.json",
        "runs/*/*/run.json",
    )
    for shown in (file for kind in kinds for file in here.glob(kind)):
        assert f"{shown.relative_to(here)}: {sha256(shown)}" in page

    for row in pd.read_csv(here / "tables/runs.csv").itertuples():
        predictions = here / f"predictions/{row.dataset}/{row.method}/seed{row.seed}.parquet"
        assert sha256(predictions) == row.sha256
        made_from = json.loads(pq.read_schema(predictions).metadata[b"finetone"])["made_from"]
        run = read(f"runs/{row.method}/seed{row.seed}/run.json")
        data = read(f"data/{row.dataset}/manifest.json")["splits"]
        if row.method in config["models"]:
            weights = run["files"]["checkpoint/model.safetensors"]
            assert made_from[f"epoch {run['kept_epoch']}"] == weights
            learned = here / f"tokens/films/train/{row.method}.arrow"
            about = here / f"models/{row.method}/manifest.json"
            assert run["made_from"] == {"train": sha256(learned), "model": sha256(about)}
            tokens = here / f"tokens/{row.dataset}/test/{row.method}.arrow"
            assert made_from["tokens"] == sha256(tokens)
            meta = json.loads(pa.ipc.open_file(tokens).schema.metadata[b"finetone"])
            assert meta["made_from"]["data"] == data["test"]
        else:
            assert made_from == {"test": data["test"], "model": run["checkpoint"]}
            assert run["made_from"]["train"] == read("data/films/manifest.json")["splits"]["train"]

    for name, block in config["datasets"].items():
        manifest = read(f"data/{name}/manifest.json")
        assert read(f"audit/{name}.json")["made_from"] == manifest["splits"]
        for split, digest in manifest["splits"].items():
            assert sha256(here / f"data/{name}/{split}.parquet") == digest
        for split, file in block["file"].items():
            assert manifest["source"]["files"][split]["sha256"] == sha256(file)


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


def test_what_a_baseline_learned_and_learns_from(again):
    folder, config = again
    (name,) = [n for n, b in config["baselines"].items() if b["kind"] == "tfidf"]
    run, data = f"results/small/runs/{name}/seed0", "results/small/data/films"
    target = f"results/small/predictions/books/{name}/seed0.parquet"
    (folder / target).unlink()
    weights = next(f for f in (folder / run / "model").iterdir() if f.suffix == ".npz")
    swap(weights)
    done = snakemake(folder, "--", target)
    assert done.returncode != 0
    told = f"{run}/model/{weights.name}: not the file {run}/run.json describes; delete {run}"
    assert told in done.stderr
    swap(folder / data / "train.parquet")
    shutil.rmtree(folder / run)
    refused(folder, f"{run}/run.json", f"{data}/train.parquet", f"{data}/manifest.json")


def test_a_checkpoint_of_the_users_own(again):
    folder, config = again
    config["models"]["tiny"]["path"] = str(write_bert(folder / "mine"))
    tokens = "results/small/tokens/books/test/tiny.arrow"
    assert snakemake(folder, "--", tokens, config=config).returncode == 0
    assert scheduled(folder, tokens) == {}
    write_bert(folder / "mine", seed=1)
    assert scheduled(folder, tokens) == {"download_model": 1, "tokenize": 1}
