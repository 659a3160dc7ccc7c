"""Real models, timed beside a busy process: equal methods do not differ significantly."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from transformers import BertConfig, BertModel

from finetone.engine import speed, timing
from finetone.engine.speed import Model, measure
from finetone.files import write_json
from finetone.formats import rounds
from finetone.formats.rounds import Timed
from finetone.tables.timings import ratio
from tests.unit.engine.test_finetune import write_tokens
from tests.unit.engine.zoo import SIZES, texts

BUSY = "while True: pass"


@pytest.fixture
def busy() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    yield
    process.kill()
    process.wait()


def write_model(folder: Path, layers: int, weights: str = "pretrained") -> Path:
    config = BertConfig(**SIZES | {"num_hidden_layers": layers})
    if weights == "random":
        config.save_pretrained(folder)
    else:
        BertModel(config).save_pretrained(folder)
    write_json(folder / "manifest.json", {"weights": weights})
    return folder


@pytest.mark.usefixtures("busy")
def test_twins_agree_and_a_deeper_model_is_slower(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    for name, value in {"SHORT": 0.05, "WARM_SECONDS": 0.05, "MOST": timing.ROUNDS}.items():
        monkeypatch.setattr(timing, name, value)
    tokens = texts(np.random.default_rng(1).integers(2, 30, 64).tolist())
    path = write_tokens(tmp_path / "train.arrow", tokens)
    train = tmp_path / "train.parquet"
    pq.write_table(pa.table({"text": ["word " * int(n) for n in tokens.lengths]}), train)
    models = {
        "one": Model(write_model(tmp_path / "one", 2), path, 8),
        "twin": Model(write_model(tmp_path / "twin", 2, "random"), path, 8),
        "deep": Model(write_model(tmp_path / "deep", 8), path, 8),
    }
    seen: list[str] = []

    def load() -> object:
        return lambda of: seen.extend(of)

    target = tmp_path / "rounds.json"
    measure(models, {"words": load}, train, engine={"precision": "fp32"}, threads=1, target=target)
    found = rounds.read(target)
    assert set(found.methods) == {*models, "words"} and found.device == "cpu"
    assert set(seen) <= set(pq.read_table(train)["text"].to_pylist()) and seen
    assert (found.methods["one"].tokens == found.methods["deep"].tokens).all()
    assert found.rows in range(8, 65, 8)
    for task in ("train", "predict"):
        same = ratio(found, "one", "twin", task, confidence=0.99)
        assert same.low <= 1 <= same.high or same.doubtful, (task, same)
        deep = ratio(found, "deep", "one", task)
        assert deep.value > 1.5 and (deep.low > 1 or deep.doubtful), (task, deep)


def test_one_task_alone_can_be_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    tokens = texts([5, 9, 3, 7])
    path = write_tokens(tmp_path / "train.arrow", tokens)
    train = tmp_path / "train.parquet"
    pq.write_table(pa.table({"text": ["word " * int(n) for n in tokens.lengths]}), train)
    held = []

    def in_turn(methods, lengths, batch_size, device):  # type: ignore[no-untyped-def]
        with methods["one"]() as tasks:
            held.extend(tasks)
            tasks["train"](np.arange(4))
        timed = {"train": Timed(np.ones(9), np.ones(9))}
        return [np.arange(4)] * 9, {"one": timed}

    monkeypatch.setattr(speed, "in_turn", in_turn)
    models = {"one": Model(write_model(tmp_path / "one", 2), path, 2)}
    engine = {"precision": "fp32", "padding_free": "off"}
    target = tmp_path / "padded.json"
    measure(models, {}, train, engine=engine, threads=1, tasks=["train"], target=target)
    assert held == ["train"] and set(rounds.read(target).methods["one"].tasks) == {"train"}
