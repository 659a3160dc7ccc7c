"""YAML that a person would write says what was meant."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from finetone.proposal.yaml_text import block, entry, flow, noted, scalar

TEXTS = ["yes", "no", "null", "~", "1e5", "1_000", "0x1f", "2020-01-01", "a: b", "a #b", "#x", "{y}",
         "it's", '"q"', "- a", "=", "", " a", "a\nb", "\x85", "\u2028", "😀", "名", "a, b", "1:30", "!t",
         "&a", "*a", "on", "Off", ".5", "NaN", ".nan", "\x7f", "\ufeff", "a\\b", "<<", "?"]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_text_stays_text(text):
    assert yaml.safe_load(scalar(text)) == text
    assert yaml.safe_load(flow([text, {text: text}])) == [text, {text: text}]
    assert yaml.safe_load("\n".join(entry(text or "k", text, text, 0)))


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_text_stays_text(text):
    assert yaml.safe_load(flow({"a": text, "b": [text]})) == {"a": text, "b": [text]}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (3e-5, "3.0e-5"), (1e-4, "1.0e-4"), (0.1, "0.1"), (1.0, "1.0"), (5, "5"), (True, "true"),
        (None, "null"), ("negative", "negative"), ("data/my film.csv", "data/my film.csv"),
        ([1, "a"], "[1, a]"), ({"test": 0.2}, "{test: 0.2}"),
    ],
)  # fmt: skip
def test_values_as_a_person_writes_them(value, written):
    assert flow(value) == written
    assert yaml.safe_load(written) == value


def test_comments_stand_behind_or_above():
    assert entry("a", 1, "why", 2) == ["  a: 1".ljust(26) + "  # why"]
    above = entry("a", 1, "why " * 40, 2)
    assert above[-1] == "  a: 1" and all(line.startswith("  # why") for line in above[:-1])
    assert max(map(len, above)) <= 100
    assert noted("  - a", "", 2) == ["  - a"]
    assert "\n" not in entry("a", 1, "two\nlines")[0]


def test_long_collections_and_blocks():
    labels = [f"a class of number {i}" for i in range(40)]
    lines = entry("labels", labels, "", 4)
    assert yaml.safe_load("\n".join(lines)) == {"labels": labels} and max(map(len, lines)) <= 100
    mapping = {f"{label}, written so": label for label in labels}
    lines = entry("map", mapping, "why", 0)
    assert yaml.safe_load("\n".join(lines)) == {"map": mapping} and lines[0] == "# why"
    wheel = {"requirement": "x==1", "sha256": "0" * 64}
    text = "\n".join(block("- own", {"wheel": wheel, "recipe": {"epochs": 1}}, "about", 2))
    assert yaml.safe_load(text) == [{"own": {"wheel": wheel, "recipe": {"epochs": 1}}}]
