"""Equal settings are equal values, whatever way they were written, and numbers are numbers."""

import copy
import json
import math
import random
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from finetone.config import checking as configuration
from finetone.errors import UserError

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
RULES = yaml.safe_load(SCHEMA.read_text())
BASES = [
    yaml.safe_load((ROOT / "config" / name).read_text()) for name in ("demo.yaml", "config.yaml")
]
FULL = yaml.safe_load("""
experiment: full
seeds: [3, 1]
source: films
recipe: {class_weights: balanced, label_smoothing: 0.1}
tune: {learning_rate: [2.0e-5, 1.0e-5], epochs: [2, 1], batch_size: [16], seed: 1, rows: 50}
learning_curve: {rows: [40, 20], seeds: [5]}
datasets:
  films:
    file: {test: b.csv, train: a.csv}
    text: review
    label: stars
    labels: [bad, good]
    threshold: 3
    split: {dev: 0.1}
    sample: {train: 100, test: 0.5, dev: 10}
  snippets:
    hub: {id: x/y, config: z}
    splits: {train: train}
    text: t
    label: l
    labels: [bad, good]
    label_values: {1: bad, 5: good}
    split: {test: 0.1}
  few: {file: c.csv, text: t, label: l, labels: [bad, good], split: {folds: 5, repeats: 2}}
models:
  whole: {path: m, keep_layers: 2, group: {layers: 2, family: BERT}, recipe: {warmup: 0.1, clip_norm: 1, epochs: 2}}
  twin: {scratch: {like: whole, config: {b: 1, a: {d: 1, c: [{f: 1, e: 2}]}}}}
  asked: {intermediate: {from: whole, hub: {id: squad}, rows: 100}}
baselines:
  majority: {kind: majority, group: {layers: 0}}
  lexicon: {kind: lexicon}
  tfidf: {kind: tfidf, tune: {C: [1, 2, 3, 4]}}
  bilstm: {kind: bilstm}
  probe: {kind: probe, model: whole, C: 1}
label:
  later: {file: later.csv, seed: 1}
resources:
  finetune: {threads: 1, mem_mb: 1000, runtime: 10, gpu: 1}
""")
ORDERED = ("datasets", "models", "baselines")


def check(config):
    return configuration.check(config, SCHEMA)


def rewritten(value, complete, chance, place=()):
    """`value` in another order, with some of the defaults of `complete`, and numbers in other words."""
    free = place[-1:] == ("group",) or place[-2:] == ("scratch", "config")
    if isinstance(value, dict):
        result = {}
        complete = complete if isinstance(complete, dict) else {}
        for key in dict.fromkeys([*complete, *value]):  # shorthands are not in what is complete
            given = key in value
            if given or (not free and "recipe" not in place[2:] and chance.random() < 0.5):
                chosen = value[key] if given else complete[key]
                result[key] = rewritten(chosen, complete.get(key), chance, (*place, key))
        keys = list(result)
        if place not in {(name,) for name in ORDERED}:
            chance.shuffle(keys)
        return {key: result[key] for key in keys}
    if isinstance(value, list):
        return [rewritten(item, item, chance, place) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float) or "config" in place:
        return value
    forms = [value, float(value), *([int(value)] if float(value).is_integer() else [])]
    as_text = [] if "group" in place or "label" in place[:1] else [repr(value), f"{value:.17e}"]
    return chance.choice([*forms, *as_text])  # where text is allowed, it is another value


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**32))
@pytest.mark.parametrize("base", [*BASES, FULL], ids=lambda base: base["experiment"])
def test_other_words_for_the_same_settings_are_the_same_value(base, seed):
    complete = check(base)
    written = rewritten(json.loads(json.dumps(base)), complete, random.Random(seed))
    again = check(written)
    assert again == complete
    assert repr(again) == repr(complete)
    assert json.dumps(again) == json.dumps(complete)


def test_the_canonical_form_has_the_schemas_order_and_the_users_where_it_means_something():
    complete = check(FULL)
    assert list(complete) == [key for key in RULES["properties"] if key in complete]
    assert list(complete["recipe"]) == list(RULES["$defs"]["recipe"]["properties"])
    assert list(complete["datasets"]["films"]["file"]) == ["train", "test"]
    assert json.dumps(complete["models"]["whole"]["recipe"]) == (
        '{"epochs": 2, "warmup": 0.1, "clip_norm": 1.0}'
    )
    assert json.dumps(complete["models"]["twin"]["scratch"]["config"]) == (
        '{"a": {"c": [{"e": 2, "f": 1}], "d": 1}, "b": 1}'
    )
    assert list(complete["models"]["whole"]["group"]) == ["family", "layers"]
    assert complete["datasets"]["snippets"]["label_values"] == {"1": "bad", "5": "good"}
    for kind in ORDERED:
        assert list(complete[kind]) == list(FULL[kind])
    assert complete["seeds"] == [3, 1]
    recipe = configuration.recipe_of(complete, "whole")
    assert list(recipe) == list(RULES["$defs"]["recipe"]["properties"])


def numbers(rule, value, path=()):
    """(path, rule) of every number in `value`, which is complete under `rule`."""
    if "$ref" in rule:
        rule = RULES["$defs"][rule["$ref"].rsplit("/", 1)[1]]
    if isinstance(value, dict):
        parts = dict(rule.get("properties", {}))
        for branch in rule.get("oneOf", []):
            kind = branch["properties"]["kind"]
            if value["kind"] in kind.get("enum", [kind.get("const")]):
                parts |= {k: v for k, v in branch["properties"].items() if isinstance(v, dict)}
        for key, item in value.items():
            part = parts.get(key, rule.get("additionalProperties"))
            if isinstance(part, dict):
                yield from numbers(part, item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from numbers(rule.get("items", {}), item, (*path, place))
    elif {"integer", "number"} & set(
        [rule["type"]] if isinstance(rule.get("type"), str) else rule.get("type", [])
    ):
        yield path, rule


def numeric_rules(node):
    """Every part of the schema that allows a number."""
    if isinstance(node, dict):
        kinds = node.get("type")
        if {"integer", "number"} & set(
            [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else []
        ):
            yield node
        for part in node.values():
            yield from numeric_rules(part)
    elif isinstance(node, list):
        for part in node:
            yield from numeric_rules(part)


NUMBERS = dict(numbers(RULES, check(FULL)))


def with_value(path, value):
    config = copy.deepcopy(FULL)
    place = config
    for key in path[:-1]:
        place = place[key] if isinstance(place, list) else place.setdefault(key, {})
    place[path[-1]] = value
    return config


def named(path):
    return ".".join(map(str, path))


def test_every_number_of_the_schema_is_tried_here():
    tried = {id(rule) for rule in NUMBERS.values()}
    assert [rule for rule in numeric_rules(RULES) if id(rule) not in tried] == []


@pytest.mark.parametrize("path", NUMBERS, ids=named)
def test_what_is_no_usable_number_is_refused_everywhere(path):
    for value in (math.nan, math.inf, -math.inf, 10**30):
        with pytest.raises(UserError) as error:
            check(with_value(path, value))
        assert str(error.value).startswith(f"{named(path)}: {value} is ")


@pytest.mark.parametrize("path", NUMBERS, ids=named)
def test_true_is_no_number(path):
    if "boolean" in NUMBERS[path]["type"]:
        assert check(with_value(path, True))["experiment"] == "full"
        return
    with pytest.raises(UserError, match="True"):
        check(with_value(path, True))


@pytest.mark.parametrize("path", NUMBERS, ids=named)
def test_a_number_has_one_type_whatever_way_it_is_written(path):
    complete = check(FULL)
    value = complete
    for key in path:
        value = value[key]
    if value is None or isinstance(value, str):
        return
    kinds = NUMBERS[path]["type"]
    forms = [float(value), *([] if "string" in kinds else [str(value), f"{value:.20e}"])]
    for form in forms:
        assert repr(check(with_value(path, form))) == repr(complete)
    if "integer" in kinds:
        assert isinstance(value, int) or (kinds != "integer" and not value.is_integer())
    else:
        assert isinstance(value, float)


@pytest.mark.parametrize(
    "path", [path for path in NUMBERS if "integer" in NUMBERS[path]["type"] and "string" not in NUMBERS[path]["type"]], ids=named
)  # fmt: skip
def test_every_whole_number_has_a_largest_value(path):
    most = NUMBERS[path]["maximum"]
    with pytest.raises(UserError) as error:
        check(with_value(path, most + 1))
    assert str(error.value).startswith(f"{named(path)}: {most + 1} is ")


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("recipe.learning_rate", "2e-5", 2e-5),
        ("recipe.learning_rate", "3E-05", 3e-5),
        ("recipe.epochs", "1e1", 10),
        ("recipe.clip_norm", "1", 1.0),
        ("datasets.films.sample.train", "1e2", 100),
        ("datasets.films.sample.train", "5e-1", 0.5),
        ("recipe.weight_decay", -0.0, 0.0),
    ],
)
def test_a_number_that_yaml_reads_as_text_is_a_number(path, text, value):
    complete = check(with_value(path.split("."), text))
    for key in path.split("."):
        complete = complete[key]
    assert repr(complete) == repr(value)


@pytest.mark.parametrize(
    "text", ["nan", ".inf", "1_0", "0x10", " 1", "1e400", "1,5", "", "1e", "."]
)
def test_other_text_is_no_number(text):
    with pytest.raises(UserError, match=r"recipe\.learning_rate: .* is not of type 'number'"):
        check(with_value(("recipe", "learning_rate"), text))


def test_text_that_looks_like_a_number_stays_text_where_text_is_allowed():
    config = with_value(("title",), "2e-5")
    config["models"]["whole"]["group"] = {"size": "12"}
    complete = check(config)
    assert complete["title"] == "2e-5"
    assert complete["models"]["whole"]["group"] == {"size": "12"}
