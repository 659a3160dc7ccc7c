"""Models that an experiment names are those it would describe, and the catalogue is right."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from finetone.config import catalogue, checking
from finetone.config.catalogue import in_full
from finetone.errors import UserError
from tests import ROOT
from tests.unit.config.test_checking import DEMO, SCHEMA, demo

PAPER = ROOT / "config/config.yaml"
NAMES = list(catalogue.load())
BERT = catalogue.load()["bert-base"].block


def models_of(*files: Any) -> dict[str, Any]:
    """The models of an experiment whose files hold these `models`, merged as Snakemake does it."""
    merged: Any = {}
    for models in files:
        if isinstance(models, dict) and isinstance(merged, dict):
            merged = merged | models
        else:
            merged = models
    documents = {str(number): {"models": models} for number, models in enumerate(files)}
    found: dict[str, Any] = in_full({"models": merged}, documents)["models"]
    return found


def test_the_original_studys_models_are_what_they_were_when_written_in_full() -> None:
    written = yaml.safe_load((Path(__file__).parent / "paper_models.yaml").read_text())
    config = yaml.safe_load(PAPER.read_text())
    named = checking.check(config, SCHEMA, [PAPER])
    in_words = checking.check(config | written, SCHEMA)
    assert json.dumps(named) == json.dumps(in_words), (
        "one resolved experiment, so nothing is remade"
    )
    assert checking.check(named, SCHEMA, [PAPER]) == named, "checking twice changes nothing"


@pytest.mark.parametrize(
    "models",
    [
        ["bert-base"],
        {"bert-base": None},
        {"bert-base": {}},
        [{"bert-base": {}}],
        {"bert-base": BERT},
    ],
    ids=str,
)
def test_a_name_is_the_entry_however_it_is_written(models: Any) -> None:
    assert models_of(models) == {"bert-base": BERT}


def test_a_block_changes_the_entry_of_its_name() -> None:
    pinned = {"hub": {"revision": "a" * 40}, "recipe": {"batch_size": 8}, "group": {"mine": True}}
    block = models_of({"bert-base": pinned})["bert-base"]
    assert block["hub"] == {"id": BERT["hub"]["id"], "revision": "a" * 40}
    assert (block["title"], block["recipe"]) == (BERT["title"], {"batch_size": 8})
    assert block["group"] == BERT["group"] | {"mine": True}
    assert catalogue.load()["bert-base"].block == BERT, "the catalogue itself is left alone"


@pytest.mark.parametrize(
    "own",
    [
        {"hub": {"id": "me/bert"}},
        {"path": "here"},
        {"wheel": {"requirement": "a==1"}},
        {"scratch": {"like": "other"}},
        {"intermediate": {"from": "other", "hub": {"id": "me/questions"}}},
    ],
    ids=str,
)
def test_a_block_with_a_source_of_its_own_has_nothing_of_the_catalogue(own: dict[str, Any]) -> None:
    assert models_of({"bert-base": own}) == {"bert-base": own}


def test_a_mapping_changes_the_list_of_an_earlier_file_and_a_list_replaces_it() -> None:
    first, changed = (
        ["bert-base", "minilm-l6"],
        {"minilm-l6": {"recipe": {"epochs": 1}}, "gpt2-en": None},
    )
    both = models_of(first, changed)
    assert list(both) == ["bert-base", "minilm-l6", "gpt2-en"]
    assert both["minilm-l6"]["recipe"] == {"epochs": 1}
    assert list(models_of(first, changed, ["gte-base"])) == ["gte-base"]
    assert list(models_of({"own": {"path": "p"}}, first)) == first


@pytest.mark.parametrize(
    ("models", "said"),
    [
        (["bert-base", 3], "models: '3' is no name of a model; list names, or write"),
        (["bert-base", {"bert-base": {}}], "models: 'bert-base' is listed twice"),
        (["deberta-v3-bas"], "models.deberta-v3-bas: needs exactly one source of .* the catalogue has no "
         "'deberta-v3-bas'; did you mean 'deberta-v3-base' or 'deberta-v3-small'"),
        ({"qqqqqqqqqq": {}}, "the catalogue has no 'qqqqqqqqqq'; see `finetone models`"),
        ([{"bert-base": {"recipe": {"epoch": 1}}}], "models.bert-base.recipe.epoch: unknown key 'epoch'"),
        ([{"bert-base": 3}], "models.bert-base: 3 is not of type"),
        (["../bert"], "'../bert' cannot be a name here"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_sentence_with_its_place(
    tmp_path: Path, models: Any, said: str
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump({"models": models}))
    with pytest.raises(UserError, match=f"^{file}: .*{said}"):
        checking.check(demo() | {"models": models}, SCHEMA, [DEMO, file])


def test_the_modern_experiment_is_complete() -> None:
    file = ROOT / "config/modern.yaml"
    config = checking.check(yaml.safe_load(file.read_text()), SCHEMA, [file])
    assert (len(config["models"]), len(config["seeds"])) == (8, 5)
    assert set(config["models"]) <= set(NAMES)


def test_every_entry_may_stand_in_an_experiment() -> None:
    config = checking.check(demo() | {"models": NAMES}, SCHEMA)
    assert list(config["models"]) == NAMES
    for name, block in config["models"].items():
        revision = block.get("hub", block.get("intermediate", {}).get("hub", {}))["revision"]
        assert revision == "main" or len(revision) == 40, name
        assert set(BERT["group"]) <= set(block["group"]), name


@pytest.mark.parametrize(
    ("licence", "said"),
    [
        ("MIT", ""), ("Apache-2.0", ""), ("cc-by-sa-4.0", ""), ("BSD-3-Clause", ""), ("", ""),
        ("cc-by-nc-4.0", "commercial"), ("CC-BY-NC-SA-4.0", "commercial"), ("gemma", "terms of its own"),
        ("llama3.2", "terms of its own"), ("bigscience-openrail-m", "terms of its own"),
        ("research-only", "commercial"),
    ],
)  # fmt: skip
def test_licences_that_restrict_use_are_known(licence: str, said: str) -> None:
    limit = catalogue.restriction(licence)
    assert said in limit and bool(said) == bool(limit)


def test_a_restricting_licence_is_named_for_the_catalogues_own_model_only() -> None:
    (notice,) = catalogue.notices(models_of(["bert-base", "gemma3-270m"]))
    assert notice.startswith("models.gemma3-270m: its licence (gemma) restricts use")
    assert list(catalogue.notices({"gemma3-270m": {"path": "mine"}})) == []


def test_without_the_file_there_is_an_empty_catalogue(tmp_path: Path) -> None:
    assert catalogue.load(tmp_path / "models.yaml") == {}
