"""A branch of the hub that moves between two runs is noticed, and the user decides."""

import json
from pathlib import Path

import pytest

from tests.hub.fixtures import client_environment
from tests.hub.server import Hub
from tests.workflow.dry import scheduled
from tests.workflow.snake import snakemake

ID = "google-bert/bert-base-uncased"
MODEL, TOKENS = "results/x/models/m", "results/x/tokens/t/test/m.arrow"
OBTAINED = "Prepare model m"


def config(folder: Path, revision: str = "main") -> dict:
    rows = "".join(f"a text,{i % 2}\n" for i in range(8))
    for split in ("train", "test"):
        if not (folder / f"{split}.csv").exists():
            (folder / f"{split}.csv").write_text("text,label\n" + rows)
    return {
        "experiment": "x", "source": "t", "seeds": [1],
        "datasets": {"t": {
            "file": {"train": "train.csv", "test": "test.csv"},
            "text": "text", "label": "label", "labels": ["no", "yes"],
        }},
        "models": {"m": {"hub": {"id": ID, "revision": revision}}},
    }  # fmt: skip


class Experiment:
    """One model of the hub's `main`, fetched and used by a first run."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        self.folder, self.hub = folder, hub
        self.repository = hub.model(ID)
        self.before = self.repository.refs["main"]
        assert self.run().returncode == 0
        assert self.manifest()["revision"] == self.before

    def run(self, *options: str, revision: str = "main", **environment: str):
        (self.folder / TOKENS).unlink(missing_ok=True)
        environment = client_environment(self.hub.endpoint, self.folder / "home") | environment
        files = config(self.folder, revision)
        return snakemake(self.folder, *options, "--", TOKENS, config=files, **environment)

    def manifest(self) -> dict:
        return json.loads((self.folder / MODEL / "manifest.json").read_text())

    def move(self, **files: bytes) -> str:
        """Put new files on main, beside the old ones."""
        tree = self.repository.commits[self.before]
        old = {name: blob.content for name, blob in tree.items()}
        return self.repository.commit(old | files)


@pytest.fixture
def experiment(hub: Hub, tmp_path: Path):
    made = Experiment(tmp_path, hub)
    yield made
    made.repository.refs["main"] = made.before


@pytest.mark.slow
def test_other_files_stop_the_run_and_both_ways_out_work(experiment: Experiment) -> None:
    vocabulary = experiment.repository.commits[experiment.before]["vocab.txt"].content
    after = experiment.move(**{"vocab.txt": vocabulary + b"\nmoved"})
    stopped = experiment.run()
    assert stopped.returncode != 0
    assert f"models.m.hub: main of {ID} has moved to {after}" in stopped.stderr
    assert not (experiment.folder / TOKENS).exists()
    assert "Traceback" not in stopped.stderr

    kept = experiment.run(revision=experiment.before)  # as the message says
    assert kept.returncode == 0, kept.stderr
    assert OBTAINED not in kept.stderr and experiment.manifest()["revision"] == experiment.before

    again = experiment.run("--forcerun", "download_model", revision=experiment.before)
    assert again.returncode == 0 and OBTAINED in again.stderr
    assert experiment.manifest()["revision"] == experiment.before  # what is written, not main

    for file in (experiment.folder / MODEL).iterdir():
        file.unlink()
    (experiment.folder / MODEL).rmdir()
    new = experiment.run()
    assert new.returncode == 0, new.stderr
    assert OBTAINED in new.stderr and experiment.manifest()["revision"] == after


@pytest.mark.slow
def test_another_card_or_a_silent_hub_stops_nothing(experiment: Experiment) -> None:
    experiment.move(**{"README.md": b"# a better card"})
    assert experiment.run().returncode == 0
    experiment.hub.fault(ID, "", status=503, times=100)
    quiet = experiment.run()
    assert quiet.returncode == 0 and "whether main of" in quiet.stderr
    offline = experiment.run(HF_HUB_OFFLINE="1")
    assert offline.returncode == 0 and "whether main of" not in offline.stderr


def test_questions_are_watched_and_writing_their_commit_down_makes_nothing_again(
    hub: Hub, tmp_path: Path
) -> None:
    squad = hub.repositories["datasets", "rajpurkar/squad"]
    before, target = squad.refs["main"], "results/x/models/q"
    environment = client_environment(hub.endpoint, tmp_path / "home")

    def asked(revision: str) -> dict:
        files = config(tmp_path)
        questions = {"id": "rajpurkar/squad", "revision": revision}
        small = {"epochs": 1, "max_length": 64, "stride": 16}
        files["models"]["q"] = {"intermediate": {"from": "m", "hub": questions} | small}
        return files | {"resources": {"intermediate": {"threads": 1}}}

    made = snakemake(tmp_path, "--", target, config=asked("main"), **environment)
    assert made.returncode == 0, made.stderr
    assert scheduled(tmp_path, target, config=asked(before)) == {}

    content = {name: blob.content for name, blob in squad.commits[before].items()}
    after = squad.commit(content | {"more.jsonl": b"{}"})
    try:
        again = ("--forcerun", "intermediate", "--", target)
        stopped = snakemake(tmp_path, *again, config=asked("main"), **environment)
    finally:
        squad.refs["main"] = before
    assert stopped.returncode != 0
    assert f"models.q.intermediate.hub: main of rajpurkar/squad has moved to {after}" in (
        stopped.stderr
    )
    assert (tmp_path / target / "manifest.json").exists()
