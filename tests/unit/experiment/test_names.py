"""Names, seeds and sources of an experiment, without Snakemake."""

from pathlib import Path

import pytest

from finetone.config import checking
from finetone.errors import UserError
from finetone.experiment import reruns
from finetone.experiment.artifacts import Experiment
from finetone.experiment.names import published_folder
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


def settings(config: dict, **recipe: object) -> dict[str, dict]:
    """The settings that decide a run of each method."""
    config["recipe"] |= recipe
    checked = checking.check(config, ROOT / "workflow/schemas/config.schema.yaml")
    found = Experiment(checked, Path("results/small"))
    return {method: found.made(f"runs/{method}/seed1/run.json")[0] for method in found.methods}


def test_weights_of_classes_are_for_every_method_that_has_a_loss(tmp_path: Path) -> None:
    config = experiment(tmp_path)
    config["baselines"]["lstm"] = {"kind": "bilstm"}
    before = settings(config)
    assert settings(config, class_weights=None, label_smoothing=0) == before
    config["models"]["tiny"]["recipe"] = {"class_weights": None}
    config["baselines"]["tfidf"]["label_smoothing"] = 0.2
    found = settings(config, class_weights="balanced", label_smoothing=0.1)
    loss = {"class_weights": "balanced", "label_smoothing": 0.1}
    assert found["lstm"] == before["lstm"] | loss
    assert found["tfidf"] == before["tfidf"] | loss | {"label_smoothing": 0.2}
    assert found["tiny"]["recipe"] == before["tiny"]["recipe"] | {"label_smoothing": 0.1}
    assert found["tiny-scratch"]["recipe"] == before["tiny-scratch"]["recipe"] | loss
    assert found["majority"] == before["majority"]


def test_a_learning_curve_is_of_what_learns_from_rows_that_its_seed_draws(tmp_path: Path) -> None:
    config = experiment(tmp_path) | {"learning_curve": {"rows": [40, 20]}}
    checked = checking.check(config, ROOT / "workflow/schemas/config.schema.yaml")
    found = Experiment(checked, Path("results/small"))
    assert found.curve["methods"] == ["tiny", "tiny-scratch", "tfidf"]
    assert found.curve_runs("{rows}/{method}/{seed}")[:3] == ["20/tiny/1", "20/tiny/2", "20/tiny-scratch/1"]  # fmt: skip
    assert found.subsets["rows40-seed2"] == {"rows": 40, "seed": 2}
    of_model, of_tfidf = (
        found.made(f"curve_predictions/rows20/{method}/seed2.parquet")[1]
        for method in ("tiny", "tfidf")
    )
    assert of_model[0] == "subset_runs/rows20-seed2/tiny/seed2/run.json"
    assert of_tfidf[0] == "subset_runs/rows20-seed2/tfidf/seed0/run.json"
    assert "subsets/rows20-seed2.parquet" in found.made(of_tfidf[0])[1]
    config["learning_curve"]["methods"] = ["tfid"]
    assert found.made("curve_predictions/rows20/tfidf/seed2.parquet")[0] == {}
    with pytest.raises(UserError, match="no method is named 'tfid'.*'tfidf'"):
        checking.check(config, ROOT / "workflow/schemas/config.schema.yaml")


def test_a_learning_curve_of_a_cross_validation_is_drawn_within_its_folds(tmp_path: Path) -> None:
    config = experiment(tmp_path) | {"learning_curve": {"rows": [20]}, "seeds": [5], "transfer": []}
    films = config["datasets"]["films"]
    films |= {"file": films["file"]["train"], "split": {"folds": 3}}
    checked = checking.check(config, ROOT / "workflow/schemas/config.schema.yaml")
    found = Experiment(checked, Path("results/small"))
    subset = "repeat1-fold2-rows20-seed5"
    assert found.subsets[subset] == {"rows": 20, "seed": 5, "within": "repeat1-fold2"}
    pooled = found.made("curve_predictions/rows20/tfidf/seed5.parquet")[1]
    assert pooled[1] == f"subset_predictions/{subset}/tfidf/seed0.parquet" and len(pooled) == 3
    run, fold, *_ = found.made(pooled[1])[1]
    assert (run, fold) == (f"subset_runs/{subset}/tfidf/seed0/run.json", "subsets/repeat1-fold2.parquet")  # fmt: skip
    assert f"subsets/{subset}.parquet" in found.made(run)[1]
    assert "subsets/repeat1-fold2.parquet" in found.made(f"subsets/{subset}.parquet")[1]


def test_what_an_entry_is_made_of(small: Experiment) -> None:
    assert small.like_of("models/tiny-scratch") == "tiny"
    assert small.like_of("models/tiny") is None and small.like_of("audit/films.json") is None
    (wheel,) = small.wheels_of("models/packed")
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
