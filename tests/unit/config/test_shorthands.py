"""`probe` and `ensemble` stand for entries under `baselines`."""

import copy
from typing import Any

import pytest

from finetone.config import checking as configuration
from finetone.errors import UserError
from finetone.experiment.artifacts import Experiment
from tests.unit.config.test_checking import DEMO, SCHEMA, demo, set_at


def plain() -> dict[str, Any]:
    """The demo without probes and ensembles."""
    config: dict[str, Any] = demo()
    for kind in ("probe", "ensemble"):
        config.pop(kind, None)
    return config


def checked(**more: Any) -> dict[str, Any]:
    return configuration.check(plain() | more, SCHEMA)


def test_all_are_those_with_pretrained_weights_before_other_baselines() -> None:
    found = checked(probe={"models": "all"})["baselines"]
    assert list(found) == ["minilm-l6-probe", "minilm-l3-probe", *plain()["baselines"]]
    assert found["minilm-l6-probe"] == {
        "title": "MiniLM-L6 (probe)", "kind": "probe", "model": "minilm-l6", "pooling": "auto",
        "C": None,
    }  # fmt: skip


def test_written_in_full_it_is_the_same_experiment() -> None:
    given = checked(probe={"models": ["minilm-l6"], "C": 1}, ensemble={"models": ["minilm-l3"]})
    config = plain()
    config["baselines"] = {
        "minilm-l6-probe": {
            "kind": "probe", "model": "minilm-l6", "C": 1.0, "title": "MiniLM-L6 (probe)",
        },
        "minilm-l3-ensemble": {
            "kind": "ensemble", "of": "minilm-l3", "title": "MiniLM-L3 (ensemble)",
        },
    } | config["baselines"]  # fmt: skip
    in_full = configuration.check(config, SCHEMA)
    assert given == in_full and list(given["baselines"]) == list(in_full["baselines"])
    assert configuration.check(given, SCHEMA) == given


def test_an_entry_of_that_name_changes_it_or_takes_it_away() -> None:
    config = plain() | {"probe": {"models": "all"}}
    config["baselines"] |= {"minilm-l6-probe": {"title": "Frozen"}, "minilm-l3-probe": None}
    found = configuration.check(config, SCHEMA)["baselines"]
    assert found["minilm-l6-probe"]["title"] == "Frozen"
    assert found["minilm-l6-probe"]["model"] == "minilm-l6"
    assert "minilm-l3-probe" not in found


def test_an_overlay_takes_the_key_away() -> None:
    assert checked(probe=None) == configuration.check(plain(), SCHEMA)


def test_seeds_and_chance_of_what_is_made_of_models() -> None:
    config = checked(probe={"models": ["minilm-l6"]}, ensemble={"models": ["minilm-l6"]})
    names = Experiment(config, DEMO.parent)
    assert names.seeds_of("minilm-l6-probe") == names.seeds_of("minilm-l6-ensemble") == [0]
    assert "minilm-l6-probe" in names.deterministic
    assert "minilm-l6-ensemble" not in names.deterministic
    made = names.made("predictions/movies/minilm-l6-ensemble/seed0.parquet")
    assert made == ({}, [f"predictions/movies/minilm-l6/seed{k}.parquet" for k in (1, 2, 3)])


def test_probes_alike_share_their_embeddings_and_seeds_share_all() -> None:
    config = plain()
    config["baselines"] |= {
        name: {"kind": "probe", "model": "minilm-l6", "C": C} for name, C in (("a", 1), ("b", 2))
    }
    names = Experiment(configuration.check(config, SCHEMA), DEMO.parent)
    inputs = [names.made(f"runs/{name}/seed0/run.json")[1] for name in "ab"]
    assert inputs[0] == inputs[1]
    assert inputs[0][-1] == "embeddings/movies/train/minilm-l6/auto.arrow"


def test_an_experiment_without_them_has_the_records_it_had() -> None:
    """Keys that are not used may not make anything again."""
    config = checked()
    assert not {"probe", "ensemble"} & config.keys()
    names = Experiment(config, DEMO.parent)
    settings, inputs = names.made("speed/rounds.json")
    assert settings.keys() == {"batch_sizes", "engine"}
    assert [each for each in inputs if each.startswith("runs/")] == [
        f"runs/{name}/seed{names.seeds_of(name)[0]}/run.json" for name in sorted(names.baselines)
    ]


@pytest.mark.parametrize(
    ("path", "value", "parts"),
    [
        ("probe", {"models": ["minilm-l7"]}, ["probe.models", "did you mean 'minilm-l6'"]),
        ("probe", {"models": ["minilm-scratch"]}, ["minilm-scratch-probe.model", "random weights"]),
        ("probe", {}, ["probe", "'models' is missing"]),
        ("probe", {"models": "minilm-l6"}, ["probe.models"]),
        ("probe", {"models": "all", "poling": "mean"}, ["probe.poling", "'pooling'"]),
        ("probe", {"models": "all", "pooling": "max"}, ["pooling", "'max'"]),
        ("probe", {"models": "all", "C": 0}, ["C", "0"]),
        ("ensemble", {"models": ["minilm"]}, ["ensemble.models", "no model is named 'minilm'"]),
        ("baselines.p", {"kind": "probe"}, ["baselines.p", "'model' is missing"]),
        ("baselines.p", {"kind": "probe", "model": "x"}, ["baselines.p.model", "no model is named"]),
        ("baselines.e", {"kind": "ensemble", "of": "tfidf"}, ["e.of", "no method with a run per seed", "bilstm"]),
        ("baselines.e", {"kind": "ensemble"}, ["baselines.e", "'of' is missing"]),
        ("baselines.minilm-l6-probe", 3, ["minilm-l6-probe"]),
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_sentence(path: str, value: Any, parts: list[str]) -> None:
    config = copy.deepcopy(plain())
    set_at(config, path, value)
    with pytest.raises(UserError) as error:
        configuration.check(config, SCHEMA)
    for part in parts:
        assert part in str(error.value), str(error.value)


def test_one_seed_is_no_ensemble() -> None:
    with pytest.raises(UserError, match=r"minilm-l6-ensemble\.of: an ensemble needs several runs"):
        checked(seeds=[1], ensemble={"models": ["minilm-l6"]})


def folded(**over: Any) -> dict[str, Any]:
    """Cross-validated, of one dataset alone."""
    config = copy.deepcopy(plain()) | {"transfer": []}
    block = config["datasets"][config["source"]]
    block["split"] = {key: v for key, v in block.get("split", {}).items() if key != "test"}
    block["split"]["folds"] = 5
    block.get("sample", {}).pop("test", None)
    return configuration.check(config | over, SCHEMA)


def test_a_fold_predicts_with_probes_that_its_other_rows_made() -> None:
    names = Experiment(folded(probe={"models": ["minilm-l6"]}), DEMO.parent)
    embedded = "embeddings/movies/train/minilm-l6/auto.arrow"
    run = "subset_runs/repeat1-fold2/minilm-l6-probe/seed0/run.json"
    made = names.made("subset_predictions/repeat1-fold2/minilm-l6-probe/seed0.parquet")[1]
    assert made == [run, "subsets/repeat1-fold2.parquet", "data/movies", embedded]
    assert {embedded, "subsets/repeat1-fold2.parquet"} <= {*names.made(run)[1]}


def test_what_needs_a_test_split_is_refused_with_folds() -> None:
    with pytest.raises(UserError, match="ensemble is measured on a test split.*cross-validated"):
        folded(ensemble={"models": ["minilm-l6"]})
    assert folded(learning_curve={"rows": [50]})["learning_curve"]["rows"] == [50]


def test_learning_curves_are_of_probes_and_of_no_ensemble() -> None:
    curve = {"rows": [50]}
    both = {name: {"models": ["minilm-l6"]} for name in ("probe", "ensemble")}
    methods = Experiment(checked(**both, learning_curve=curve), DEMO.parent).curve["methods"]
    assert "minilm-l6-probe" in methods and "minilm-l6-ensemble" not in methods
    with pytest.raises(UserError, match="'minilm-l6-ensemble' is an ensemble, which learns"):
        checked(**both, learning_curve=curve | {"methods": ["minilm-l6-ensemble"]})


@pytest.mark.parametrize("models", [3, None, [3], {"a": "b"}, "movies"])
def test_whatever_models_are_given_it_is_a_sentence(models: Any) -> None:
    with pytest.raises(UserError, match="probe"):
        checked(probe={"models": models})
    assert configuration.check(plain(), SCHEMA)
