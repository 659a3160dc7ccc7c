"""Whatever goes wrong at the hub ends in one sentence that names the repository and the key."""

import httpx2 as httpx
import pytest
from huggingface_hub import constants, errors

from finetone.data import hub_dataset
from finetone.errors import UserError
from finetone.hub import client
from finetone.hub.repository import Repository

COMMIT = "a" * 40
BLOCK = {
    "hub": {"id": "owner/films", "revision": COMMIT, "config": None},
    "text": "text",
    "label": "label",
    "labels": ["negative", "positive"],
}


@pytest.fixture
def no_hub(monkeypatch, tmp_path):
    """An address at which nobody listens, and an empty cache."""
    import datasets

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)


def test_an_unreachable_hub_names_the_ways_out(no_hub):
    block = {**BLOCK, "hub": {"id": "owner/films", "revision": "main"}}
    with pytest.raises(UserError) as caught:
        hub_dataset.load("films", block)
    message = str(caught.value)
    assert message.startswith("datasets.films.hub: ") and "owner/films" in message
    assert "cannot be reached" in message
    for way in ("HF_ENDPOINT", "HF_HUB_OFFLINE", "file:", "make demo"):
        assert way in message


def answer(status: int) -> httpx.Response:
    return httpx.Response(status, request=httpx.Request("GET", "http://hub"))


@pytest.mark.parametrize(
    "error,message",
    [
        (errors.GatedRepoError("x", response=answer(401)), "hub.id: owner/films is gated"),
        (
            errors.RepositoryNotFoundError("x", response=answer(404)),
            "hub.id: the hub has no repository 'owner/films'",
        ),
        (
            errors.RevisionNotFoundError("x", response=answer(404)),
            "hub.revision: owner/films has no",
        ),
        (
            errors.HfHubHTTPError("x", response=answer(503)),
            f"hub: {constants.ENDPOINT} keeps answering HTTP 503",
        ),
        (
            errors.OfflineModeIsEnabled("x"),
            f"hub: the hub at {constants.ENDPOINT} cannot be reached",
        ),
        (errors.HFValidationError("x"), "hub.id: 'owner/films' is not a repository id"),
        (httpx.ReadTimeout("x"), f"hub: the hub at {constants.ENDPOINT} cannot be reached"),
        (
            ValueError("Unknown split \"x\". Should be one of ['train']."),
            "splits: owner/films: Unk",
        ),
        (
            ValueError("BuilderConfig 'x' not found. Available: ['y']"),
            "hub.config: owner/films has",
        ),
        (
            RuntimeError("Dataset scripts are no longer supported, but found x"),
            "hub.id: owner/films is",
        ),
        (
            ZeroDivisionError("odd"),
            "hub: owner/films cannot be downloaded (ZeroDivisionError: odd)",
        ),
    ],
)
def test_every_error_becomes_a_sentence_with_its_key(error, message):
    repository = Repository.of("dataset", BLOCK["hub"], "datasets.films")
    told = str(hub_dataset._explain(repository, error))
    assert told.startswith(f"datasets.films.{message}")


@pytest.fixture
def loaded(monkeypatch):
    """Let `datasets.load_dataset` give what the test puts in, without a hub."""
    import datasets

    box = {}
    monkeypatch.setattr(client, "dataset_commit", lambda repository: (COMMIT, "mit"))
    monkeypatch.setattr(datasets, "load_dataset", lambda *args, **kwargs: box["data"])
    return box


def labelled(names: list[str]):
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features({"text": Value("string"), "label": ClassLabel(names=names)})
    return Dataset.from_dict({"text": ["good", "bad"], "label": [1, 0]}, features=features)


def column(table, name: str) -> list:
    return [cell for batch in table.batches(["text", "label"]) for cell in batch[name]]


def test_class_names_of_the_repository_decide_where_they_are_ours(loaded):
    loaded["data"] = labelled(["positive", "negative"])  # not our order
    tables, source = hub_dataset.load("films", {**BLOCK, "splits": {"test": "validation"}})
    assert column(tables["test"], "label") == ["negative", "positive"]
    assert source["revision"] == COMMIT
    assert source["splits"] == {"test": "validation"}


def test_other_class_names_leave_the_numbers(loaded):
    loaded["data"] = labelled(["neg", "pos"])
    tables, _ = hub_dataset.load("films", BLOCK)
    assert list(tables) == ["train", "test"]
    assert column(tables["train"], "text") == ["good", "bad"]
    assert column(tables["train"], "label") == [1, 0]


def test_a_missing_column_is_named(loaded):
    loaded["data"] = labelled(["neg", "pos"])
    with pytest.raises(UserError, match=r"datasets.films.text: .* no column 'review'; there are"):
        hub_dataset.load("films", {**BLOCK, "text": "review"})


def test_another_revision_from_the_cache_is_not_taken_for_ours(loaded, tmp_path, monkeypatch):
    from datasets import Dataset

    folder = tmp_path / "owner___films" / "default" / "0.0.0" / ("b" * 40)
    labelled(["neg", "pos"]).save_to_disk(folder)
    loaded["data"] = Dataset.load_from_disk(str(folder))
    with pytest.raises(UserError, match=f"and not at commit {COMMIT}"):
        hub_dataset.load("films", BLOCK)


@pytest.mark.parametrize(
    "name,limit,message",
    [
        ("MAX_ROWS", 1, r"datasets.films \(train\): has more than 1 rows"),
        ("MAX_CELL", 3, r"datasets.films \(train\), row 1: holds a cell of more than"),
    ],
)
def test_tables_beyond_the_limits_are_refused(loaded, monkeypatch, name, limit, message):
    monkeypatch.setattr(hub_dataset.limits, name, limit)
    loaded["data"] = labelled(["neg", "pos"])
    with pytest.raises(UserError, match=message):
        column(hub_dataset.load("films", BLOCK)[0]["train"], "text")
