"""An exported model gives the original's answers, needs no torch, and is refused where it would not."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from finetone import files
from finetone.errors import UserError
from finetone.exporting import onnx_files
from finetone.exporting.measure import evaluate, time_forms
from finetone.exporting.session import Session
from finetone.formats import predictions, rounds
from finetone.formats.token_file import read_tokens
from tests.unit.engine import zoo
from tests.unit.labelled_results import LABELS, predicted, write_results

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(results of an experiment, the folder of its model `tiny` that was exported)."""
    results = write_results(tmp_path_factory.mktemp("exported"), seeds=(1,))
    target = results / "export/tiny"
    onnx_files.export(
        results / "runs/tiny/seed1/checkpoint",
        results / "tokens/films/test/tiny.arrow",
        target,
        fitted=results / "temperatures/tiny/seed1.json",
    )
    return results, target


def test_the_folder_is_whole_and_names_no_place_of_this_machine(
    exported: tuple[Path, Path],
) -> None:
    _, folder = exported
    about = files.check_folder(folder)
    assert {"model.onnx", "model.int8.onnx", "tokenizer.json", "config.json"} <= set(about["files"])
    assert about["bytes"]["int8"] < about["bytes"]["fp32"] < 3 * about["bytes"]["original"]
    settings = json.loads((folder / "settings.json").read_text())
    assert settings["labels"] == LABELS and settings["max_length"] == 24
    assert settings["temperature"] > 0
    for file in ("model.onnx", "model.int8.onnx"):
        assert b"site-packages" not in (folder / file).read_bytes()


def test_its_forms_predict_and_are_timed_beside_the_original(
    exported: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, folder = exported
    for name, value in (("ROUNDS", 2), ("MOST", 2), ("SHORT", 0.001), ("WARM_UP", 1)):
        monkeypatch.setattr(f"finetone.engine.timing.{name}", value)
    run = results / "runs/tiny/seed1/run.json"
    tokens = results / "tokens/films/test/tiny.arrow"
    time_forms(folder, run.with_name("checkpoint"), tokens, tmp_path / "speed.json", threads=1)
    right = predicted(results, "tiny", 1)
    for form, tolerance in (("fp32", 1e-4), ("int8", 0.1)):
        target = tmp_path / f"{form}.parquet"
        evaluate(folder, form, run, tokens, target, threads=1)
        head = predictions.header(target)
        assert (head.method, head.dataset) == (f"tiny {form}", "films")
        found = predictions.read(head)[0].logits
        assert np.abs(found - right).max() <= tolerance * np.abs(right).max()
    assert list(rounds.read(tmp_path / "speed.json").methods) == ["original", "fp32", "int8"]


def test_the_example_runs_and_gives_calibrated_probabilities(exported: tuple[Path, Path]) -> None:
    results, folder = exported
    texts = ["the plot was dull and tedious", "a wonderful moving film with a great cast"]
    code = (folder / "example.py").read_text()
    assert "torch" not in code and "transformers" not in code
    done = subprocess.run(
        [sys.executable, str(folder / "example.py"), *texts],
        cwd=results, text=True, capture_output=True, env={**os.environ, "PYTHONPATH": ""}, check=True,
    )  # fmt: skip
    lines = [line.split("  ") for line in done.stdout.splitlines()]
    assert [line[2] for line in lines] == texts
    assert all(line[0] in LABELS and 0.5 <= float(line[1]) <= 1 for line in lines)


def test_a_decoder_is_exported_and_reads_the_last_token_of_padded_texts(tmp_path: Path) -> None:
    module, texts = zoo.model("gpt2"), zoo.texts([3, 17, 40])
    onnx_files._write_forms(module, texts, tmp_path, "gpt2")
    onnx_files._check(module, texts, tmp_path / "model.onnx", "gpt2")
    found = Session(tmp_path / "model.int8.onnx").logits(onnx_files.padded(texts, np.arange(3)))
    assert found.shape == (3, 2)
    with torch.no_grad():  # another model's logits are not its own
        next(module.parameters()).mul_(2)
    with pytest.raises(
        UserError, match="gpt2, a GPT2ForSequenceClassification, gives other logits"
    ):
        onnx_files._check(module, texts, tmp_path / "model.onnx", "gpt2")


def test_what_cannot_be_exported_is_refused_by_name(
    exported: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, _ = exported
    zoo.model("bart").save_pretrained(tmp_path / "bart")
    with pytest.raises(
        UserError, match="mine is a BartForSequenceClassification, an encoder-decoder"
    ):
        onnx_files._load(tmp_path / "bart", "mine")
    checkpoint = results / "runs/tiny/seed1/checkpoint"
    tokens = results / "tokens/films/test/tiny.arrow"
    with monkeypatch.context() as patch:
        patch.setattr(onnx_files, "LARGEST", 1000)
        with pytest.raises(UserError, match=r"tiny has [\d,]+ parameters, which do not fit"):
            onnx_files._load(checkpoint, "tiny")

    def fails(*_: object, **__: object) -> None:
        raise NotImplementedError("aten::odd is not supported")

    with monkeypatch.context() as patch:
        patch.setattr(torch.onnx, "export", fails)
        with pytest.raises(UserError, match=r"tiny, a BertFor.*cannot be exported .*aten::odd"):
            onnx_files.export(checkpoint, tokens, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(onnx_files, "find_spec", {"onnx": SimpleNamespace()}.get)
    with pytest.raises(
        UserError, match=r"needs onnxruntime, onnxscript; pip install 'finetone\[export"
    ):
        onnx_files.export(checkpoint, tokens, tmp_path / "out")


def test_texts_are_padded_on_the_right(exported: tuple[Path, Path]) -> None:
    data = read_tokens(exported[0] / "tokens/films/test/tiny.arrow")
    batch = onnx_files.padded(data, np.array([4, 2]))
    assert batch["attention_mask"].sum(axis=1).tolist() == data.lengths[[4, 2]].tolist()
    assert (np.diff(batch["attention_mask"], axis=1) <= 0).all()
    assert (batch["input_ids"][batch["attention_mask"] == 0] == data.meta.pad_token_id).all()
