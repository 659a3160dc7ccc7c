"""A configuration is a bounded number of plain values, however it was written."""

import copy
import math

import pytest
import yaml

from finetone.config import checking as configuration
from finetone.errors import UserError
from tests.unit.config.test_checking import DEMO, SCHEMA, demo, set_at

SETTINGS = "models.minilm-scratch.scratch.config"


def refused(tmp_path, text, merged=None):
    """The sentence about a file with `text`, in front of which `merged` lies."""
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as error:
        configuration.check(merged or demo(), SCHEMA, [DEMO, file])
    message = str(error.value)
    assert message.startswith(str(file)) and "\n" not in message and len(message) < 400
    return message.removeprefix(str(file))


def bomb(first, item, levels=7):
    """YAML whose last value repeats the first 10 ** levels times."""
    rows = [f"a0: &a0 {first}"]
    for level in range(1, levels + 1):
        rows.append(f"a{level}: &a{level} {item.format(f'*a{level - 1}')}")
    return "\n".join(rows)


LISTS = bomb("[1]", "[" + ", ".join(["{0}"] * 10) + "]")
MAPPINGS = bomb("{k: 1}", "{{" + ", ".join(f"k{i}: {{0}}" for i in range(10)) + "}}")
MERGES = bomb("{k: 1}", "{{<<: [" + ", ".join(["{0}"] * 10) + "]}}")


@pytest.mark.parametrize("text", [LISTS, MAPPINGS, MERGES], ids=["lists", "mappings", "merges"])
def test_aliases_that_repeat_aliases_are_counted_in_a_file(tmp_path, text):
    assert ": more than 100,000 values" in refused(tmp_path, text)


@pytest.mark.parametrize("text", [LISTS, MAPPINGS], ids=["lists", "mappings"])
def test_and_in_what_snakemake_has_read(text):
    given = demo()
    set_at(given, SETTINGS, yaml.safe_load(text))
    with pytest.raises(UserError, match=f"{SETTINGS}: more than 100,000 values"):
        configuration.check(given, SCHEMA)


def test_an_anchor_inside_itself_is_refused(tmp_path):
    assert refused(tmp_path, "title: &a [*a]").startswith(", line 1: an alias (*name) inside")
    given = demo()
    endless: dict = {}
    endless["again"] = endless
    set_at(given, SETTINGS, endless)
    with pytest.raises(UserError, match=f"{SETTINGS}: nested deeper than 100 levels"):
        configuration.check(given, SCHEMA)


def test_deep_nesting_is_refused(tmp_path):
    text = "title: " + "[" * 10_000 + "]" * 10_000
    assert refused(tmp_path, text) == ", line 1: nested deeper than 100 levels"
    deep: list = []
    for _ in range(10_000):
        deep = [deep]
    given = demo()
    set_at(given, f"{SETTINGS}.layers", deep)
    with pytest.raises(UserError, match=f"{SETTINGS}.*: nested deeper than 100 levels"):
        configuration.check(given, SCHEMA)


def test_too_many_keys_are_refused(tmp_path):
    many = {f"k{i}": 1 for i in range(100_001)}
    given = demo()
    set_at(given, SETTINGS, many)
    with pytest.raises(UserError, match=f"{SETTINGS}: more than 100,000 values"):
        configuration.check(given, SCHEMA)
    assert ": more than 100,000 values" in refused(tmp_path, "k: [" + "1, " * 100_001 + "1]")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("2020-01-01", "'2020-01-01' is of type date"),
        ("2020-01-01 10:00:00", "'2020-01-01 10:00:00' is of type date"),
        ("!!binary aGVsbG8=", "is of type bytes"),
        ("!!set {x: }", "is of type set"),
        (".nan", "nan is not a finite number"),
        ("0x" + "f" * 5000, "0xffffffffffffffffff… is too large"),
        ('"\\ud800"', "half of a surrogate pair"),
        ("{~: 1}", "null cannot be a key"),
        ("{2020-01-01: 1}", "2020-01-01 cannot be a key"),
        ("{1: a, '1': b}", "the key '1' is given twice"),
    ],
)
@pytest.mark.parametrize("key", [SETTINGS + ".x", "models.minilm-l6.group.x", "title"])
def test_what_json_has_no_word_for_is_refused_by_name(tmp_path, key, value, told):
    text = "".join(f"{'  ' * i}{part}:\n" for i, part in enumerate(key.split(".")))
    text = f"{text.rstrip()} {value}\n"
    merged = demo()
    set_at(merged, key, yaml.safe_load(f"[{value}]")[0])
    message = refused(tmp_path, text, merged)
    assert message.startswith(f": {key}: ") and told in message


def test_an_alias_that_repeats_a_little_is_welcome(tmp_path):
    file = tmp_path / "mine.yaml"
    text = DEMO.read_text().replace("recipe: {", "recipe: &r {", 1)
    file.write_text(text + "\n")
    given = yaml.safe_load(text)
    given["models"]["minilm-l6"]["recipe"] = given["recipe"]  # one object, as an alias gives
    before = copy.deepcopy(given)
    complete = configuration.check(given, SCHEMA, [file])
    assert given == before
    complete["recipe"]["epochs"] = 9
    assert complete["models"]["minilm-l6"]["recipe"] == before["recipe"]


def test_a_long_value_is_cut_in_the_sentence():
    given = demo()
    given["seeds"] = {f"k{i}": i for i in range(5000)}
    with pytest.raises(UserError, match=r"seeds: .* … .*is not of type 'array'") as error:
        configuration.check(given, SCHEMA)
    assert len(str(error.value)) < 500


def test_numbers_as_yaml_writes_what_is_none(tmp_path):
    merged = demo()
    merged["recipe"]["learning_rate"] = math.nan
    message = refused(tmp_path, "recipe: {learning_rate: .nan}", merged)
    assert message == ": recipe.learning_rate: nan is not a finite number"
