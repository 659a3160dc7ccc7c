"""What goes wrong between here and a hub ends in success or in one clear sentence."""

import json
import time
from pathlib import Path

import pytest
from huggingface_hub import constants

from finetone.errors import UserError
from finetone.hub import client as downloads
from finetone.hub.repository import Repository
from finetone.models import hub_checkpoint as client
from finetone.models.prepare import prepare
from finetone.squad import questions
from tests.hub.server import Hub

ID = "nghuyong/ernie-2.0-base-en"
BERT = "google-bert/bert-base-uncased"
WEIGHTS = "pytorch_model.bin"


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waiting is recorded, not done."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


def succeeds(hub: Hub, tmp_path: Path, id: str = ID, **block: object) -> dict:
    """Prepare `id` and see that the result is exactly that of a hub without faults."""
    prepare("m", {"hub": {"id": id, **block}}, tmp_path / "m")
    cache = sorted((tmp_path / "cache").rglob("*"))
    for file in cache:
        assert not file.name.endswith(".incomplete")
        if file.parent.name == "blobs":
            blobs = [b for tree in hub.model(id).commits.values() for b in tree.values()]
            wanted = {b.sha256 or b.oid: b.content for b in blobs}
            assert file.read_bytes() == wanted[file.name]
    return json.loads((tmp_path / "m" / "manifest.json").read_text())


def fails(tmp_path: Path, match: str, id: str = ID, **block: object) -> str:
    """Prepare `id`, which must end in one sentence and leave nothing behind."""
    with pytest.raises(UserError, match=match) as caught:
        prepare("m", {"hub": {"id": id, **block}}, tmp_path / "m")
    message = str(caught.value)
    assert message.startswith("models.m") and "\n" not in message
    assert [p.name for p in tmp_path.iterdir() if p.name != "cache"] == []
    return message


def test_connection_cut_mid_file_is_resumed(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)
    hub.fault(ID, WEIGHTS, cut=0.5, times=2)
    succeeds(hub, tmp_path)
    ranges = [r for method, path, r in hub.requests if path.endswith(WEIGHTS) and r]
    assert len(ranges) == 2 and all(int(r[6:-1]) > 0 for r in ranges)


def test_connection_that_is_always_cut_fails(hub: Hub, tmp_path: Path) -> None:
    hub.fault(ID, WEIGHTS, cut=0.0, times=10_000)
    fails(tmp_path, "cannot be reached")


@pytest.mark.parametrize("file", [WEIGHTS, "vocab.txt"])
def test_wrong_content_is_fetched_again(hub: Hub, tmp_path: Path, file: str) -> None:
    hub.fault(ID, file, corrupt=True)
    succeeds(hub, tmp_path)


@pytest.mark.parametrize("file", [WEIGHTS, "vocab.txt"])
def test_content_that_stays_wrong_never_counts(hub: Hub, tmp_path: Path, file: str) -> None:
    fault = hub.fault(ID, file, corrupt=True, times=2)
    fails(tmp_path, f"{file}.*hash")
    assert fault.times == 0
    succeeds(hub, tmp_path)  # the hub mended: nothing bad is left in the cache


@pytest.mark.parametrize("token", [None, "hf_of_a_stranger"])
def test_vanished_repository(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    fails(tmp_path, "no repository 'nobody/nothing'", id="nobody/nothing")


def test_file_that_is_listed_but_gone(hub: Hub, tmp_path: Path) -> None:
    hub.fault(
        ID, WEIGHTS, status=404, heads=True, headers={"X-Error-Code": "EntryNotFound"}, times=9
    )
    fails(tmp_path, "lists a file that it does not hold")


def test_malformed_id(hub: Hub, tmp_path: Path) -> None:
    fails(tmp_path, "write owner/name", id="a/b/c")


@pytest.mark.parametrize("token", [None, "hf_of_a_stranger"])
def test_gated_repository(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    monkeypatch.setattr(hub.model(ID), "gated", True)
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    fails(tmp_path, "is gated; accept its terms")


def test_refused_access(hub: Hub, tmp_path: Path) -> None:
    hub.fault(ID, "", status=403, times=9)
    fails(tmp_path, "refuses access .*HTTP 403")


@pytest.mark.parametrize("heads", [False, True])
@pytest.mark.parametrize("file", ["", WEIGHTS])
def test_429_waits_as_long_as_asked(
    hub: Hub, tmp_path: Path, waits: list[float], file: str, heads: bool
) -> None:
    hub.fault(ID, file, status=429, headers={"Retry-After": "7"}, heads=heads)
    succeeds(hub, tmp_path)
    if not heads:  # the client repeats a HEAD once at its own pace before it counts
        assert max(waits) >= 7


def test_429_that_asks_for_hours_is_not_waited_for(
    hub: Hub, tmp_path: Path, waits: list[float]
) -> None:
    hub.fault(ID, "", status=429, headers={"Retry-After": "7200"}, times=9)
    fails(tmp_path, "keeps answering HTTP 429")
    assert not waits


@pytest.mark.parametrize("heads", [False, True])
@pytest.mark.parametrize("file", ["", WEIGHTS])
def test_503_then_success(hub: Hub, tmp_path: Path, file: str, heads: bool) -> None:
    hub.fault(ID, file, status=503, times=2, heads=heads)
    succeeds(hub, tmp_path)


def test_503_for_good(hub: Hub, tmp_path: Path) -> None:
    hub.fault(ID, WEIGHTS, status=503, times=10_000, heads=True)
    fails(tmp_path, "keeps answering HTTP 503")


def test_unknown_revision(hub: Hub, tmp_path: Path) -> None:
    fails(tmp_path, "no revision 'v9'", revision="v9")
    fails(tmp_path, "no revision '" + "0" * 40, revision="0" * 40)


def test_revision_that_moves_during_the_download_is_not_mixed(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = hub.model(ID)
    monkeypatch.setattr(repository, "refs", dict(repository.refs))
    monkeypatch.setattr(repository, "commits", dict(repository.commits))
    before = repository.refs["main"]
    tree = {name: blob.content for name, blob in repository.commits[before].items()}
    moved = {**tree, "vocab.txt": tree["vocab.txt"].replace(b"boring", b"dreary")}
    hub.fault(ID, "", after=lambda: repository.commit(moved) and None)

    assert succeeds(hub, tmp_path)["revision"] == before
    assert "boring" in (tmp_path / "m" / "tokenizer.json").read_text()
    assert succeeds(hub, tmp_path)["revision"] == repository.refs["main"] != before
    assert "dreary" in (tmp_path / "m" / "tokenizer.json").read_text()
    assert succeeds(hub, tmp_path, revision=before)["revision"] == before


def test_unreachable_hub_names_the_ways_out(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    message = fails(tmp_path, "cannot be reached")
    for way_out in ("HF_ENDPOINT", "HF_HUB_OFFLINE", "path:", "make demo"):
        assert way_out in message


@pytest.mark.parametrize("offline", [True, False])
def test_cache_serves_without_a_hub(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: bool
) -> None:
    online = succeeds(hub, tmp_path)
    if offline:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    else:
        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    again = succeeds(hub, tmp_path)
    assert again["files"] == online["files"] and again["revision"] == online["revision"]
    with pytest.raises(UserError, match="not in the cache"):
        prepare("other", {"hub": {"id": BERT}}, tmp_path / "other")


def serve(hub: Hub, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]) -> None:
    """Add a repository that is gone after the test."""
    monkeypatch.setattr(hub, "repositories", dict(hub.repositories))
    hub.add("models", "someone/thing", files)


def test_repository_without_config(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(hub, monkeypatch, {"model.safetensors": b"x"})
    fails(tmp_path, "no config.json", id="someone/thing")


def test_repository_without_pytorch_weights(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(hub, monkeypatch, {"config.json": b"{}", "tf_model.h5": b"x"})
    fails(tmp_path, "neither model.safetensors nor pytorch_model.bin", id="someone/thing")


def test_shards_are_fetched_with_their_index() -> None:
    shards = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    names = [
        *shards,
        "model.safetensors.index.json",
        "pytorch_model.bin",
        "config.json",
        "onnx/x.bin",
    ]
    assert client.choose(names, "r", "models.m") == [
        *shards, "model.safetensors.index.json", "config.json"
    ]  # fmt: skip


def test_questions_that_cannot_be_had(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config_key = "models.m.intermediate"
    with pytest.raises(
        UserError, match=rf"{config_key}.hub.id: the hub has no repository 'no/squad'"
    ):
        questions.load_questions({"id": "no/squad"}, config_key)
    with pytest.raises(
        UserError, match=rf"{config_key}.hub.revision: rajpurkar/squad has no revision"
    ):
        questions.load_questions({"id": "rajpurkar/squad", "revision": "v9"}, config_key)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=rf"{config_key}.hub: .*cannot be reached.*HF_ENDPOINT"):
        questions.load_questions({"id": "rajpurkar/squad"}, config_key)


SQUAD = "rajpurkar/squad"
PARQUET = "plain_text/train-00000-of-00001.parquet"


@pytest.mark.parametrize(
    ("file", "what"),
    [
        (PARQUET, {"corrupt": True}),
        (PARQUET, {"cut": 0.3}),
        (PARQUET, {"status": 503, "times": 2}),
        (PARQUET, {"status": 429, "headers": {"Retry-After": "3"}}),
        ("", {"status": 503, "times": 2}),
    ],
)
def test_data_sets_survive_what_passes(hub: Hub, tmp_path: Path, file: str, what: dict) -> None:
    fault = hub.fault(SQUAD, file, **what)
    info = downloads.fetch_dataset(Repository("dataset", SQUAD, "datasets.d", config="plain_text"))
    assert fault.times == 0
    repository = hub.repositories["datasets", SQUAD]
    assert info.sha == repository.refs["main"]
    cached = Path(tmp_path / "cache" / "datasets--rajpurkar--squad" / "snapshots" / info.sha)
    files = {name: b for name, b in repository.commits[info.sha].items() if b.sha256}
    assert {name: (cached / name).read_bytes() for name in files} == {
        name: blob.content for name, blob in files.items()
    }


def test_data_set_that_stays_wrong_is_not_kept(hub: Hub, tmp_path: Path) -> None:
    hub.fault(SQUAD, PARQUET, corrupt=True, times=2)
    with pytest.raises(UserError, match=r"datasets\.d\.hub: .*train.*parquet.*hash"):
        downloads.fetch_dataset(Repository("dataset", SQUAD, "datasets.d"))
    assert not list((tmp_path / "cache").rglob("train-*.parquet"))
    downloads.fetch_dataset(Repository("dataset", SQUAD, "datasets.d"))


def test_a_configuration_of_a_gigabyte_is_not_fetched(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(hub, monkeypatch, {"config.json": b" " * (17 << 20), "model.safetensors": b"x"})
    fails(tmp_path, "config.json of someone/thing has more than 16 MB", id="someone/thing")
    assert not [path for _, path, _ in hub.requests if "resolve" in path]
