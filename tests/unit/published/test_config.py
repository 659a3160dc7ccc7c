"""The paper's experiment, its careful overlay and its claims fit each other."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from finetone.claims.judging import check_methods, read_claims
from finetone.published.reading import read_published

ROOT = Path(__file__).parents[3]
PAPER = ROOT / "config" / "paper"


def overlay(base, other):
    """As `snakemake --configfile a b` merges: mappings key by key, anything else replaced."""
    merged = dict(base)
    for key, value in other.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = overlay(base[key], value) if both else value
    return merged


def load(name):
    return yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def config():
    return load("config.yaml")


def groups_of(config):
    return {
        m: c.get("group", {}) for part in ("models", "baselines") for m, c in config[part].items()
    }


@pytest.mark.parametrize("overlays", [[], ["careful.yaml"]])
def test_config_keeps_to_the_schema(config, overlays):
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    for name in overlays:
        config = overlay(config, load(name))
    jsonschema.Draft202012Validator(schema).validate(config)


def test_all_fifteen_and_their_untrained_twin(config):
    pretrained = {m for m, c in config["models"].items() if c["group"]["pretrained"]}
    assert pretrained == {r.model for r in read_published(PAPER).results}
    assert len(pretrained) == 15 and len(config["models"]) == 16
    assert config["models"]["bert-scratch"]["scratch"] == {"like": "bert-base"}


def test_every_model_states_the_same_facts(config):
    facts = {frozenset(c["group"]) - {"intermediate"} for c in config["models"].values()}
    assert len(facts) == 1


def test_revisions_are_commits_or_main(config):
    for name, model in config["models"].items():
        revision = model.get("hub", {}).get("revision", "main")
        assert revision == "main" or len(revision) == 40, name


def test_careful_overlay_deserves_its_name(config):
    careful = overlay(config, load("careful.yaml"))
    assert careful["experiment"] != config["experiment"] and len(careful["seeds"]) == 5
    recipe = careful["recipe"]
    assert recipe["choose_epoch"] == "dev" and careful["datasets"]["imdb"]["split"]["dev"] == 0.1
    assert (recipe["warmup"], recipe["schedule"], recipe["clip_norm"]) == (0.06, "linear", 1.0)
    assert recipe["decay_bias_and_norm"] is False
    assert careful["datasets"]["imdb"]["sample"] == {"test": 25000}
    assert careful["models"]["bert-base"]["recipe"]["batch_size"] == 16


def test_twenty_claims_about_methods_that_exist(config):
    claims = read_claims(PAPER / "claims.yaml")
    assert [c["id"] for c in claims] == [f"C{i}" for i in range(1, 21)]
    check_methods(claims, set(groups_of(config)), PAPER / "claims.yaml")


def test_published_baselines_are_configured(config):
    methods = set(groups_of(config))
    assert {r.method for r in read_published(PAPER).baselines} <= methods
