"""`probe` and `ensemble` stand for entries under `baselines`."""

import copy
from typing import Any

import pytest

from finetone.config import checking as configuration
from finetone.errors import UserError
from finetone.experiment import Experiment
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


@pytest.mark.parametrize("models", [3, None, [3], {"a": "b"}, "movies"])
def test_whatever_models_are_given_it_is_a_sentence(models: Any) -> None:
    with pytest.raises(UserError, match="probe"):
        checked(probe={"models": models})
    assert configuration.check(plain(), SCHEMA)
