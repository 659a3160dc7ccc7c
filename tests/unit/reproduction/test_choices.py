"""Every choice that decides results is listed, whether the publication states it or not."""

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from finetone.config.checking import check
from finetone.errors import UserError
from finetone.provenance import Provenance
from finetone.published.reading import read_csv
from finetone.reproduction.choices import choices, deviations
from finetone.reproduction.side_by_side import readings
from finetone.reproduction.study_file import check_study, read_study, write_study

ROOT = Path(__file__).parents[3]
PAPER = ROOT / "config/paper"
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"


def load(*names: str) -> dict[str, Any]:
    """The checked configuration of files that are laid over each other."""
    merged: dict[str, Any] = {}
    for name in names:
        merged = overlay(merged, yaml.safe_load((ROOT / "config" / name).read_text()))
    return check(merged, SCHEMA)


def overlay(base: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    for key, value in other.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        base = {**base, key: overlay(base[key], value) if both else value}
    return base


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return load("config.yaml")


def test_all_that_decides_results_is_a_choice(config: dict[str, Any]) -> None:
    found = choices(config)
    assert {f"recipe.{key}" for key in config["recipe"]} <= set(found)
    assert {f"engine.{key}" for key in config["engine"]} <= set(found)
    assert {"seeds", "max_length", "datasets.imdb.sample.test", "models.*.hub"} <= set(found)
    assert found["models.*.recipe.batch_size"]["bert-base"] == 16
    assert "hidden 128" in found["baselines.bilstm"] and "baselines.majority" not in found
    words = " ".join(found)
    assert not re.search("title|colour|group|resources|compare|report", words)


def test_what_is_tuned_is_not_said_to_be_as_configured(config: dict[str, Any]) -> None:
    tuned = deepcopy(config) | {"tune": {"learning_rate": [1e-5, 2e-5], "batch_size": [8, 16]}}
    tuned["models"]["bert-base"]["recipe"] = {"batch_size": 16, "warmup": 0.1}
    found = choices(tuned)
    assert found["recipe.learning_rate"] == found["recipe.batch_size"] == "tuned"
    assert found["tune.learning_rate"] == [1e-5, 2e-5]
    assert found["models.*.recipe.warmup"] == {"bert-base": 0.1}
    assert "models.*.recipe.batch_size" not in found
    assert (
        "learning_rate" not in found["baselines.bilstm"] and "hidden" in found["baselines.bilstm"]
    )


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("recipe.epochs", lambda c: c["recipe"].update(epochs=4)),
        ("seeds", lambda c: c["seeds"].append(2)),
        ("models.*.hub", lambda c: c["models"]["bert-base"]["hub"].update(revision="0" * 40)),
        ("baselines.bilstm", lambda c: c["baselines"]["bilstm"].update(hidden=7)),
        ("datasets.sst2.sample.test", lambda c: c["datasets"]["sst2"]["sample"].update(test=9)),
    ],
)
def test_a_changed_choice_shows(config: dict[str, Any], key: str, change: Any) -> None:
    other = deepcopy(dict(config))
    change(other)
    before, after = choices(config), choices(other)
    assert {name for name in before if before[name] != after[name]} == {key}


def test_what_differs_comes_first_and_what_is_stated_last() -> None:
    known = {"a": 1, "b": 2.0, "c": {"x": 3, "y": 3, "z": None}, "d": True}
    why = {"b": {"en": "usual", "zh": "常用"}}
    table = deviations(known, {"a": 1, "d": False}, why, {"t: e": ("m", {"en": "guess", "zh": ""})})
    assert table[["key", "status"]].values.tolist() == [
        ["d", "differs"], ["b", "not stated"], ["c", "not stated"], ["t: e", "not stated"],
        ["a", "as stated"],
    ]  # fmt: skip
    assert table["here"].tolist() == ["true", "2", "x, y: 3; z: null", "m", "1"]
    assert table["stated"].tolist() == ["false", "", "", "", "1"]
    assert table["reason"].tolist()[1] == "usual" and table["reason_zh"].tolist()[1] == "常用"


def not_stated() -> list[str]:
    """Keys of config.yaml whose comment says that they are not stated."""
    keys, found = [], []
    for line in (ROOT / "config/config.yaml").read_text().splitlines():
        if match := re.match(r"( *)(\w+):", line):
            keys = [*keys[: len(match[1]) // 2], match[2]]
            if "not stated" in line.partition("#")[2]:
                found.append(".".join(keys))
    return found


def test_whatever_the_configuration_marks_as_not_stated_is_listed(config: dict[str, Any]) -> None:
    study, marked = read_study(PAPER), not_stated()
    table = deviations(choices(config), study.states, study.choices, readings(PAPER))
    listed = set(table.loc[table["status"] == "not stated", "key"])
    assert len(marked) >= 4 and set(marked) <= listed
    assert {"transfer.csv: electra", "recipe.schedule", "seeds"} <= listed
    assert set(table["status"]) == {"not stated", "as stated"}, "it is the study's own experiment"
    unexplained = table[(table["status"] == "not stated") & (table["reason"] == "")]
    assert unexplained["key"].tolist() == []
    assert (table["reason_zh"] != "").tolist() == (table["reason"] != "").tolist()


def test_another_experiment_than_the_studys_differs_from_it() -> None:
    config = load("config.yaml", "careful.yaml")
    study = read_study(PAPER)
    check_study(PAPER, choices(config), list(config["models"]))
    table = deviations(choices(config), study.states, study.choices, {}).set_index("key")
    assert table.loc["recipe.choose_epoch", "status"] == "differs"
    assert (table.loc["datasets.imdb.sample.test", ["stated", "here"]] == ["0.2", "25000"]).all()


def test_the_study_says_everything_in_both_languages() -> None:
    study = read_study(PAPER)
    for sentence in (study.scope, *study.easy, *study.hard, *study.limits, *study.choices.values()):
        assert re.search("[\u4e00-\u9fff]", sentence["zh"]) and not re.search(
            "[,;]", sentence["zh"]
        )
    for table in ("reasons", "transfer"):
        for _, row in read_csv(PAPER / f"{table}.csv", ["model"]):
            for name in ("reason", "note"):
                assert bool(row.get(name)) == bool(row.get(f"{name}_zh")), (table, row["model"])


def folder_of(tmp_path: Path, **content: Any) -> Path:
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(content))
    (tmp_path / "published.csv").write_text("model,accuracy\nold,90\n")
    return tmp_path


def test_a_key_that_no_configuration_has_is_refused(tmp_path: Path, config: dict[str, Any]) -> None:
    known = choices(config)
    folder = folder_of(tmp_path, states={"recipe.epoch": 3})
    with pytest.raises(UserError, match=r"states: no choice 'recipe.epoch'.*recipe.epochs"):
        check_study(folder, known, [])
    folder = folder_of(tmp_path, reference="bert")
    with pytest.raises(UserError, match="reference: no method 'bert'"):
        check_study(folder, known, ["bert-base"])
    (tmp_path / "claims.yaml").write_text("claims: [{id: C10}]")
    folder = folder_of(tmp_path, conclusions=["C11"])
    with pytest.raises(UserError, match=r"conclusions: no claim 'C11' in claims.yaml; .*'C10'"):
        check_study(folder, known, [])
    check_study(folder_of(tmp_path, conclusions=["C10"]), known, [])
    gone = {"datasets.gone.hub": 1, "baselines.gone": 2, "models.*.keep_layers": 3}
    check_study(folder_of(tmp_path, reference="old", states=gone), known, [])


def test_a_study_without_a_file_states_nothing(tmp_path: Path) -> None:
    study = read_study(tmp_path)
    assert (study.states, study.reference, study.easy) == ({}, "", ())
    (tmp_path / "study.yaml").write_text("{scope: only in English}")
    with pytest.raises(UserError, match=r"study\.yaml: scope"):
        read_study(tmp_path)


def test_the_parts_that_people_wrote_are_written_down(tmp_path: Path) -> None:
    provenance = Provenance("f" * 64, "i" * 64, {})
    write_study(PAPER, tmp_path / "study.json", provenance)
    written = json.loads((tmp_path / "study.json").read_text())
    assert written["scope"]["zh"].startswith("该研究") and len(written["limits"]) >= 3
    assert written["conclusions"][0] == "C31" and len(written["conclusions"]) == 10
