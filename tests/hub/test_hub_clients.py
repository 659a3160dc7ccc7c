"""The loopback hub satisfies unmodified clients, in processes of their own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub.fixtures import client_environment
from tests.hub.server import Hub, pins

CLIENT = """
import json
from datasets import load_dataset
from huggingface_hub import HfApi, HfFileSystem, snapshot_download
from transformers import AutoModelForSequenceClassification, AutoTokenizer

imdb, sst2 = load_dataset("stanfordnlp/imdb"), load_dataset("stanfordnlp/sst2")
snapshot = snapshot_download("facebook/bart-base")
model = AutoModelForSequenceClassification.from_pretrained("squeezebert/squeezebert-uncased")
tokenizer = AutoTokenizer.from_pretrained("openai-community/gpt2")
api = HfApi()
part = HfFileSystem().read_bytes("google-bert/bert-base-uncased/vocab.txt")
with HfFileSystem().open("google-bert/bert-base-uncased/model.safetensors", block_size=64) as file:
    file.seek(1000)
    part = part + file.read(10)

from pathlib import Path
from finetone.models.prepare import prepare
from finetone.squad.questions import download
from finetone.squad.intermediate import intermediate
prepare("base", {"hub": {"id": "nghuyong/ernie-2.0-base-en"}}, Path("base"))
block = {"from": "base", "hub": {"id": "rajpurkar/squad"}, "epochs": 1, "batch_size": 32,
         "learning_rate": 1e-3, "max_length": 64, "stride": 16, "seed": 0, "rows": None}
download(block["hub"], "models.m.intermediate", Path("questions"))
base, questions = Path("base"), Path("questions")
intermediate("m", {"intermediate": block}, base, questions, Path("m"), state=Path("state"))

print(json.dumps({
    "imdb": {split: rows.num_rows for split, rows in imdb.items()},
    "names": imdb["train"].features["label"].names,
    "sorted": imdb["train"]["label"] == sorted(imdb["train"]["label"]),
    "sst2": {split: sorted(set(rows["label"])) for split, rows in sst2.items()},
    "snapshot": snapshot.split("/")[-1],
    "dtype": str(model.dtype),
    "pad": tokenizer.pad_token,
    "branches": [b.name for b in api.list_repo_refs("facebook/bart-base").branches],
    "info": api.get_paths_info("facebook/bart-base", ["config.json"])[0].size,
    "tree": [f.path for f in api.list_repo_tree("stanfordnlp/imdb", repo_type="dataset")],
    "part": part.hex(),
    "squad": json.loads(Path("m/manifest.json").read_text()),
}))
"""


def test_unmodified_clients(hub: Hub, hub_root: Path, tmp_path: Path) -> None:
    environment = client_environment(hub.endpoint, tmp_path)
    environment["PYTHONPATH"] = str(Path(__file__).parents[2] / "workflow" / "scripts")
    done = subprocess.run(
        [sys.executable, "-c", CLIENT],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["imdb"] == {"train": 160, "test": 80, "unsupervised": 20}
    assert seen["names"] == ["neg", "pos"] and seen["sorted"]
    assert seen["sst2"] == {"train": [0, 1], "validation": [0, 1], "test": [-1]}
    assert seen["snapshot"] == hub.model("facebook/bart-base").refs["main"]
    assert seen["dtype"] == "torch.float16"  # the trap the real repository sets
    assert seen["pad"] is None
    assert seen["branches"] == ["main"]
    assert seen["info"] == (hub_root / "models/facebook/bart-base/config.json").stat().st_size
    assert seen["tree"] == ["plain_text", "README.md"]
    bert = hub_root / "models/google-bert/bert-base-uncased"
    weights = (bert / "model.safetensors").read_bytes()
    assert bytes.fromhex(seen["part"]) == (bert / "vocab.txt").read_bytes() + weights[1000:1010]
    made = seen["squad"]["intermediate"]
    assert made["dataset"] == "rajpurkar/squad" and made["label"] == "re-created"
    assert made["revision"] == hub.repositories["datasets", "rajpurkar/squad"].refs["main"]
    assert (made["train_questions"], made["validation_questions"]) == (160, 80)
    assert seen["squad"]["revision"] == hub.model("nghuyong/ernie-2.0-base-en").refs["main"]


@pytest.mark.parametrize("pinned", [True, False])
def test_server_can_be_told_the_commits_a_config_pins(hub_root: Path, pinned: bool) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    config = {"models": {"b": {"hub": {"id": "facebook/bart-base", "revision": commit}}}}
    other = Hub()
    other.add_tree(hub_root, pins(config) if pinned else None)
    assert (commit in other.model("facebook/bart-base").commits) == pinned
