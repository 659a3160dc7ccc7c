"""From a model folder and token files to checkpoint, history and predictions."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from transformers import AutoModelForSequenceClassification

from finetone.engine.finetune import RunIdentity, RunPaths, finetune
from finetone.engine.predict import predict, predict_module
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.errors import UserError
from finetone.files import read_json, sha256, write_json
from finetone.formats import row_subset
from finetone.formats.row_subset import RowSubset
from finetone.formats.token_file import Tokens, read_tokens
from finetone.seeds import derive
from tests.unit.engine.zoo import model, texts

CPU = torch.device("cpu")
RUN = {
    "history": "history.parquet", "run": "run.json", "checkpoint": "checkpoint", "epochs": "epochs",
    "state": "state",
}  # fmt: skip


def write_tokens(path: Path, tokens: Tokens) -> Path:
    offsets = pa.array(tokens.offsets.astype(np.int32))
    table = pa.table(
        {
            "id": pa.array(tokens.ids),
            "label": pa.array(tokens.labels.astype(np.int8)),
            "input_ids": pa.ListArray.from_arrays(offsets, pa.array(tokens.input_ids)),
        }
    ).replace_schema_metadata({"finetone": json.dumps(vars(tokens.meta))})
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    module = model("gpt2")
    module.config.pad_token_id = None
    module.transformer.save_pretrained(tmp_path / "model")
    (tmp_path / "model" / "vocab.txt").write_text("a\nb\n")
    write_json(tmp_path / "model" / "manifest.json", {"model": "tiny"})
    lengths = np.random.default_rng(1).integers(2, 30, 40).tolist()
    write_tokens(tmp_path / "train.arrow", texts(lengths))
    write_tokens(tmp_path / "test.arrow", texts(lengths[:17], seed=2))
    return tmp_path


def fine_tune(
    folder: Path, out: str, seed: int = 4, method: str = "tiny", dataset: str = "toys",
    recipe: dict[str, Any] | None = None, train: str = "train.arrow", rows: Path | None = None,
) -> Path:  # fmt: skip
    target = folder / out
    finetune(
        folder / "model",
        folder / train,
        RunPaths(**{name: target / file for name, file in RUN.items()}),
        RunIdentity(method, seed, dataset),
        dev=None,
        recipe=Recipe.of(recipe or {"epochs": 2, "batch_size": 8}),
        options=EngineOptions(precision="fp32"),
        threads=1,
        rows=rows,
    )
    return target


def test_a_run_writes_what_the_contract_says(folder: Path) -> None:
    out = fine_tune(folder, "a")
    facts = read_json(out / "run.json")
    assert facts["labels"] == ["no", "yes"] and facts["kind"] == "finetune"
    assert facts["rows"] == 40 and facts["steps"] == 10 and facts["kept_epoch"] == 2
    assert facts["execution"]["precision"] == "fp32" and facts["execution"]["device"] == "cpu"
    assert set(facts["made_from"]) == {"train", "model"}
    assert facts["parameters"]["embedding"] == (64 + 80) * 48
    assert len(pq.read_table(out / "history.parquet")) == 10
    assert [p.name for p in (out / "epochs").iterdir()] == ["epoch1.safetensors"]
    names = {p.name for p in (out / "checkpoint").iterdir()}
    assert names >= {"config.json", "model.safetensors", "vocab.txt", "README.md"}
    assert "manifest.json" not in names
    assert not (out / "state").exists()
    card = (out / "checkpoint" / "README.md").read_text()
    assert "0 = `no`, 1 = `yes`" in card and "fine-tuned on `toys`" in card and "Limits" in card
    assert "Base model: not recorded" in card and "base_model" not in card
    assert "save_every" not in facts["engine"]
    again = AutoModelForSequenceClassification.from_pretrained(out / "checkpoint")
    assert again.config.id2label == {0: "no", 1: "yes"} and again.config.pad_token_id == 1
    assert again.config.use_cache is model("gpt2").config.use_cache


def test_the_head_and_the_run_depend_on_the_seed_alone(folder: Path) -> None:
    files = [
        (fine_tune(folder, out, seed=seed) / "checkpoint" / "model.safetensors").read_bytes()
        for out, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert files[0] == files[1] != files[2]


def test_a_run_on_some_rows_is_one_on_a_file_of_these_rows(folder: Path) -> None:
    rows = np.array([1, 5, 6, 20, 39])
    row_subset.write(folder / "rows.parquet", RowSubset("rows5", "toys", 40, rows))
    few = read_tokens(folder / "train.arrow").take(rows)
    write_tokens(folder / "few.arrow", few)
    out = fine_tune(folder, "a", rows=folder / "rows.parquet")
    same = fine_tune(folder, "b", seed=derive(4, "rows5"), train="few.arrow")
    facts = read_json(out / "run.json")
    assert facts["rows"] == 5 and facts["made_from"]["rows"] == sha256(folder / "rows.parquet")
    weights = [run / "checkpoint" / "model.safetensors" for run in (out, same)]
    assert sha256(weights[0]) == sha256(weights[1])


def test_predictions_of_every_epoch_in_the_order_of_the_file(folder: Path) -> None:
    out = fine_tune(folder, "a")
    predict(
        out / "checkpoint", {1: out / "epochs" / "epoch1.safetensors", 2: None},
        folder / "test.arrow", dataset="toys", method="tiny", seed=4, kept_epoch=2,
        engine={"precision": "fp32"}, threads=1, target=folder / "p.parquet",
    )  # fmt: skip
    table = pq.read_table(folder / "p.parquet")
    assert table.schema.field("logits").type == pa.list_(pa.float32())
    meta = json.loads(table.schema.metadata[b"finetone"])
    assert list(meta.pop("checksums")) == ["1", "2"]
    assert meta == {
        "dataset": "toys", "method": "tiny", "seed": 4, "labels": ["no", "yes"], "kept_epoch": 2,
        "made_from": {
            "tokens": sha256(folder / "test.arrow"),
            "epoch 1": sha256(out / "epochs/epoch1.safetensors"),
            "epoch 2": sha256(out / "checkpoint/model.safetensors"),
        },
    }  # fmt: skip
    assert table.column("epoch").to_pylist() == [1] * 17 + [2] * 17
    assert table.column("id").to_pylist() == list(range(17)) * 2
    module = AutoModelForSequenceClassification.from_pretrained(out / "checkpoint").eval()
    test = read_tokens(folder / "test.arrow")
    logits = np.array(table.column("logits").to_pylist())
    for i in range(17):  # one by one, without any padding, by transformers alone
        ids = test.input_ids[test.offsets[i] : test.offsets[i + 1]].astype(np.int64)
        with torch.no_grad():
            expected = module(input_ids=torch.from_numpy(ids)[None]).logits[0].numpy()
        np.testing.assert_allclose(logits[17 + i], expected, rtol=1e-4, atol=1e-5)
    assert not np.allclose(logits[:17], logits[17:])


@pytest.mark.parametrize("lengths", [[], [1], [5]])
def test_predicting_no_or_one_row(lengths: list[int]) -> None:
    assert predict_module(model("bert"), texts(lengths), device=CPU).shape == (len(lengths), 2)


def test_texts_that_do_not_fit_the_model_are_the_users_business(folder: Path) -> None:
    write_tokens(folder / "train.arrow", texts([81]))
    with pytest.raises(UserError, match="max_length to 80"):
        fine_tune(folder, "a")
    foreign = texts([5])
    foreign.input_ids[0] = 64
    write_tokens(folder / "train.arrow", foreign)
    with pytest.raises(UserError, match="token id 64"):
        fine_tune(folder, "a")
    write_tokens(folder / "train.arrow", texts([]))
    with pytest.raises(UserError, match="no rows"):
        fine_tune(folder, "a")


HUB = {"kind": "hub", "id": "some/net", "revision": "abc", "license": "apache-2.0"}


@pytest.mark.parametrize(
    ("source", "words", "base"),
    [
        (HUB, "`some/net`, revision `abc`", "some/net"),
        ({"kind": "intermediate", "from": "x", "base": HUB}, "another task first", "some/net"),
        ({"kind": "wheel", "requirement": "net==1"}, "Python package `net==1`", None),
        ({"kind": "path", "path": "/home/me/net"}, "a local folder, `net`.", None),
        ({"kind": "scratch", "like": "net"}, "architecture of `net`", None),
    ],
)
def test_the_card_names_the_base_model(
    folder: Path, source: dict[str, Any], words: str, base: str | None
) -> None:
    write_json(folder / "model" / "manifest.json", {"model": "tiny", "source": source})
    out = fine_tune(folder, "a", recipe={"epochs": 1, "batch_size": 40})
    _, front, body = (out / "checkpoint" / "README.md").read_text().split("---\n", 2)
    assert yaml.safe_load(front).get("base_model") == base
    assert yaml.safe_load(front).get("license") == (base and "apache-2.0")
    assert words in body and "/home" not in body


def test_names_in_the_card_are_no_markup(folder: Path) -> None:
    tokens = texts([5, 6, 7, 8])
    names = ["<script>x</script>\n---\n# no", "`a` | ``b``"]
    write_tokens(folder / "train.arrow", replace(tokens, meta=replace(tokens.meta, labels=names)))
    hostile = "[a](b)\n---\nlicense: none"
    out = fine_tune(folder, "a", recipe={"epochs": 1}, method=hostile, dataset="*d*\n\n# e")
    _, front, body = (out / "checkpoint" / "README.md").read_text().split("---\n", 2)
    assert set(yaml.safe_load(front)) == {"library_name", "pipeline_tag", "tags"}
    assert body.startswith("# `[a](b) --- license: none` fine-tuned on `*d* # e`\n")
    assert "0 = `<script>x</script> --- # no`, 1 = ``` `a` | ``b`` ```." in body
