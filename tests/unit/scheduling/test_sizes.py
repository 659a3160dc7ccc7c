"""Jobs request what they take: megabytes and minutes of a demo, gigabytes and hours of BERT-base."""

import copy
import json
import math
from pathlib import Path

import pytest

from finetone.config import checking
from finetone.engine.hardware.footprint import Size
from finetone.errors import UserError
from finetone.experiment.names import Names
from finetone.scheduling.nodes import (
    TOLD,
    Node,
    Nodes,
    _gpus,
    _minutes,
    ask,
    of_partitions,
    options_of,
    refuse_requests,
)
from finetone.scheduling.sizes import LIBRARIES, Sizes
from tests import ROOT

LABELLED = {"text": "text", "label": "label", "labels": ["no", "yes"]}
CONFIG = {
    "experiment": "sizes",
    "source": "reviews",
    "transfer": ["tweets"],
    "seeds": [1],
    "max_length": 512,
    "recipe": {"epochs": 3, "batch_size": 16},
    "datasets": {
        "reviews": {"hub": {"id": "a/b"}, "splits": {"train": "train", "test": "test"}, **LABELLED},
        "tweets": {
            "hub": {"id": "a/c"},
            "splits": {"test": "test"},
            "sample": {"test": 400},
            **LABELLED,
        },
    },
    "models": {"bert-base": {}, "own": {"hub": {"id": "some/model"}}},
    "baselines": {"majority": {"kind": "majority"}, "bilstm": {"kind": "bilstm", "epochs": 3}},
    "resources": {},
}
SMALL = Nodes("partition 'small'", (Node(0, 2000, 2),), 60)
BERT = {"model": "bert-base"}


@pytest.fixture
def config() -> dict:
    return copy.deepcopy(CONFIG)


def sizes(config: dict, folder: Path, nodes: Nodes | None = None) -> Sizes:
    checked = checking.check(config, ROOT / "workflow/schemas/config.schema.yaml", [])
    found = Sizes(Names(checked, folder))
    found.nodes, found.running = nodes, True
    return found


def prepare(folder: Path, model: str, size: Size, rows: int) -> None:
    """The facts that are there once data and models are."""
    facts = {"parameters": {"total": size.parameters}}
    shape = {"num_hidden_layers": size.layers, "hidden_size": size.hidden}
    for file, content in (
        (f"models/{model}/manifest.json", facts),
        (f"models/{model}/config.json", shape),
        ("data/reviews/manifest.json", {"rows": {"train": {"a": rows}, "test": {"a": rows}}}),
    ):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(json.dumps(content))


def test_bert_base_asks_for_gigabytes_and_hours(config: dict, tmp_path: Path) -> None:
    found = sizes(config, tmp_path)
    assert 8_000 < found.mem_mb("finetune", BERT) < 16_000
    assert 120 < found.runtime("finetune", BERT) < 600
    assert found.runtime("evaluate", BERT) > found.runtime(
        "transfer", {**BERT, "dataset": "tweets"}
    )
    assert found.gpus("finetune", BERT) == 1 == found.gpus("speed", {})


def test_a_small_model_asks_for_megabytes_and_minutes(config: dict, tmp_path: Path) -> None:
    """What is not known is taken to be large; once it is known, it is used."""
    config |= {"max_length": 64}
    found = sizes(config, tmp_path)
    found.nodes = Nodes("here", (Node(0, 64_000, 8),))
    before = found.mem_mb("finetune", {"model": "own"})
    prepare(tmp_path, "own", Size(22_700_000, 6, 384), 600)
    assert found.mem_mb("finetune", {"model": "own"}) < 1800 < before
    for step in ("finetune", "evaluate", "transfer", "tokenize"):
        assert found.runtime(step, {"model": "own"}) <= 15, step
    assert found.mem_mb("fit_baseline", {"method": "majority"}) < 1200
    assert found.runtime("train_network", {"method": "bilstm"}) < 10


def test_until_jobs_run_nothing_is_looked_at_twice(config: dict, tmp_path: Path) -> None:
    """The graph of thousands of jobs is built from files that do not change meanwhile."""
    found = sizes(config, tmp_path)
    found.running = False
    before = found.mem_mb("finetune", {"model": "own", "seed": "1"})
    prepare(tmp_path, "own", Size(22_700_000, 6, 384), 600)
    assert found.mem_mb("finetune", {"model": "own", "seed": "2"}) == before
    found.running = True
    assert found.mem_mb("finetune", {"model": "own", "seed": "2"}) < before


def test_time_follows_the_tokens_that_there_are(config: dict, tmp_path: Path) -> None:
    found = sizes(config, tmp_path)
    longest = found.runtime("finetune", BERT)
    file = tmp_path / "tokens/reviews/train/bert-base.arrow"
    file.parent.mkdir(parents=True)
    file.write_bytes(bytes(4 * 25_000 * 25))  # 25 tokens a text
    assert found.runtime("finetune", BERT) < longest / 10


# docs/performance.md, Memory: 32 texts of 512 tokens, no token of them padding
MEASURED = {
    "minilm-l6": (Size(22_700_000, 6, 384), 4233),
    "electra-small": (Size(13_500_000, 12, 256), 3671),
    "tinybert": (Size(67_000_000, 6, 768), 6167),
    "distilgpt2": (Size(82_000_000, 6, 768), 8428),
    "bert-base": (Size(109_500_000, 12, 768), 12418),
    "gpt2-en": (Size(124_400_000, 12, 768), 15846),
    "bart-base": (Size(139_400_000, 12, 768), 17087),
}


@pytest.mark.parametrize("name", MEASURED)
def test_memory_is_above_what_was_measured(config: dict, tmp_path: Path, name: str) -> None:
    size, peak = MEASURED[name]
    config["recipe"]["batch_size"] = 32
    config["resources"] = {"finetune": {"gpu": 0}}
    prepare(tmp_path, "own", size, 1000)
    asked = sizes(config, tmp_path).mem_mb("finetune", {"model": "own"}) * 1e6 / (1 << 20) - 400
    assert peak < asked < 1.8 * peak


def test_an_attempt_asks_for_more_but_not_for_more_than_a_node_has(
    config: dict, tmp_path: Path
) -> None:
    found = sizes(config, tmp_path)
    once, again = (found.mem_mb("tokenize", BERT, attempt) for attempt in (1, 2))
    assert again == 2 * once
    assert found.runtime("tokenize", BERT, 3) == 3 * found.runtime("tokenize", BERT)
    found.nodes = SMALL
    for step in (
        "finetune",
        "evaluate",
        "embed",
        "tokenize",
        "fit_baseline",
        "export_onnx",
        "speed",
    ):
        of = {"model": "bert-base", "method": "majority", "dataset": "reviews", "split": "train"}
        for attempt in (1, 2, 3):
            assert found.mem_mb(step, of, attempt) <= 2000
            assert found.runtime(step, of, attempt) <= 60
        assert found.gpus(step, of) == 0 and found.threads(step, 4) == 2


def test_steps_of_one_job_stay_together_within_the_limit(config: dict, tmp_path: Path) -> None:
    found = sizes(config, tmp_path, SMALL)
    transfer = found.runtime("transfer", {**BERT, "dataset": "tweets"}, 3)
    steps = [found.runtime(step, BERT, 3) for step in ("finetune", "evaluate")]
    assert sum(steps) + transfer <= 60 and steps[0] > 30
    assert 3 * found.runtime("tokenize", {**BERT, "dataset": "reviews", "split": "train"}, 9) <= 60


def test_what_the_user_says_is_taken_and_grows(config: dict, tmp_path: Path) -> None:
    config["resources"] = {"finetune": {"mem_mb": 1234, "runtime": 7, "gpu": 0, "threads": 3}}
    found = sizes(config, tmp_path)
    assert [found.mem_mb("finetune", BERT, attempt) for attempt in (1, 2)] == [1234, 2468]
    assert found.runtime("finetune", BERT) == 7 and found.gpus("finetune", BERT) == 0
    assert found.threads("finetune", 4) == 3


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ({"speed": {"mem_mb": 2001}}, ["resources.speed.mem_mb: 2001", "2000 MB", "no GPU"]),
        ({"finetune": {"gpu": 1}}, ["resources.finetune.gpu: 1", "no GPU"]),
        ({"embed": {"threads": 3}}, ["resources.embed.threads: 3", "2 threads"]),
        ({"embed": {"runtime": 61}}, ["resources.embed.runtime: 61", "jobs run 60 minutes"]),
        ({}, ["models.bert-base", "the largest node of partition 'small'"]),
    ],
)
def test_what_no_node_gives_is_refused(
    config: dict, tmp_path: Path, resources: dict, words: list[str]
) -> None:
    config["resources"] = resources
    with pytest.raises(UserError) as refused:
        sizes(config, tmp_path, SMALL).refuse()
    for word in words:
        assert word in str(refused.value)


def test_memory_is_that_of_nodes_with_enough_gpus() -> None:
    nodes = Nodes("p", (Node(0, 500_000, 64), Node(2, 64_000, 16)))
    assert [nodes.memory_mb(gpus) for gpus in (0, 1, 3)] == [500_000, 64_000, 500_000]
    assert "as long as they want" in nodes.largest and "2 GPUs" in nodes.largest


def test_jobs_inherit_what_nodes_give(
    config: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Snakemake within a job would else ask for a GPU that Slurm has not given to it."""
    monkeypatch.delenv(TOLD, raising=False)
    assert Nodes.told() is None and sizes(config, tmp_path).gpus("finetune") == 1
    monkeypatch.setenv(TOLD, "")
    Nodes("p", (Node(0, 2000, 2), Node(0, 4000, 1))).tell_jobs()
    found = Sizes(sizes(config, tmp_path)._experiment)
    assert found.gpus("finetune") == 0 and found.threads("speed", 4) == 2
    assert found.nodes == Nodes("p", (Node(0, 2000, 2), Node(0, 4000, 1)))


def test_words_of_slurm() -> None:
    found = [_gpus(w) for w in ("(null)", "gpu:1", "gpu:a100:4(S:0-1)", "ssd:2,gpu:h100:2", "gpu")]
    assert found == [0, 1, 4, 2, 1]
    limits = [_minutes(w) for w in ("infinite", "1-00:00:00", "2:00:00", "30:00", "90")]
    assert limits == [math.inf, 1440, 120, 30, 1.5]
    asked = {"gpu": 1, "gpu_model": "a100", "mem_mb": 5, "runtime": 9, "threads": 2, "qos": None}
    expected = ["--gpus=a100:1", "--cpus-per-task=2", "--mem=5", "--time=9"]
    assert options_of(asked) == expected and LIBRARIES < 1 << 30


def says(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    monkeypatch.setattr("finetone.scheduling.nodes.ask", lambda *command: words)


def test_nodes_are_those_of_the_partitions_that_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    says(
        monkeypatch,
        "main*|1-00:00:00|16|64000|(null)\nmain*|1-00:00:00|8|32000+|gpu:2\nold|60:00|4|8000|\n",
    )
    found = of_partitions([None])
    assert found.place == "the default partition" and found.minutes == 1440
    assert set(found.nodes) == {Node(0, 64_000, 16), Node(2, 32_000, 8)}
    both = of_partitions(["old", "main"])
    assert both.minutes == 60 and len(both.nodes) == 3
    with pytest.raises(UserError, match="'new' does not exist; this cluster has main, old"):
        of_partitions(["new"])
    says(monkeypatch, "a|infinite|4|8000|\n")
    with pytest.raises(UserError, match="no default partition; set slurm_partition .* one of a"):
        of_partitions([None])


def test_slurm_that_fails_or_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, script in {"sinfo": "echo why >&2; exit 1", "squeue": "exec sleep 9"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(UserError, match="sinfo failed: why"):
        ask("sinfo")
    with pytest.raises(UserError, match="squeue did not answer within 0 s"):
        ask("squeue", seconds=0.1)


def test_a_request_that_slurm_refuses_or_would_never_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*command: str) -> str:
        if command[0] == "sbatch" and "--mem=9000" in command:
            raise UserError("sbatch failed: not available")
        return "a*|60:00|4|8000|\n"

    monkeypatch.setattr("finetone.scheduling.nodes.ask", answer)
    fits = {"mem_mb": 8000, "runtime": 60}
    assert refuse_requests([fits, dict(fits)]) == [fits]
    with pytest.raises(UserError, match="9000 MB .*not available.*: the largest node"):
        refuse_requests([fits, {"mem_mb": 9000}])
    with pytest.raises(UserError, match="cannot run a job of 8000 MB, 61 minutes: the largest"):
        refuse_requests([fits | {"runtime": 61}])
