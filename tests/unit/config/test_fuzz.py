"""Whatever is done to a configuration, the answer is a complete configuration or one sentence.

FINETONE_FUZZ=1000 runs the long form.
"""

import copy
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finetone.config import checking as configuration
from finetone.errors import UserError

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
BASES = [
    yaml.safe_load((ROOT / "config" / name).read_text()) for name in ("demo.yaml", "config.yaml")
]
LONG = settings(
    max_examples=int(os.environ.get("FINETONE_FUZZ", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(), st.text(max_size=12),
    st.sampled_from(["../x", "/etc/passwd", "a/b", "", " ", "{x}", "<results>", "$(id)", "train", "on"]),
    st.lists(st.integers(0, 3), max_size=3), st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)  # fmt: skip


def places(value, path=()):
    """Every path into nested dicts and lists."""
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def at(value, path):
    for key in path:
        value = value[key]
    return value


@st.composite
def mutated(draw):
    config = copy.deepcopy(draw(st.sampled_from(BASES)))
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(sorted(places(config), key=str)))
        parent, key = at(config, path[:-1]), path[-1]
        what = draw(st.sampled_from(["delete", "replace", "rename", "add"]))
        if what == "delete":
            del parent[key]
        elif what == "replace":
            parent[key] = draw(JUNK)
        elif isinstance(parent, dict):
            name = draw(st.one_of(st.text(max_size=6), st.just(f"{key}s")))
            parent[name] = parent.pop(key) if what == "rename" else draw(JUNK)
    return config


@LONG
@given(mutated())
def test_a_mutated_configuration_is_complete_or_refused_in_one_sentence(config):
    try:
        complete = configuration.check(config, SCHEMA)
    except UserError as error:
        assert str(error).strip() and "\n" not in str(error)
        return
    assert configuration.check(complete, SCHEMA) == complete
    for kind in ("datasets", "models", "baselines"):
        for name in complete[kind]:
            assert Path(name).name == name and not name.startswith("."), "a name is one path part"
    for model in complete["models"]:
        assert set(configuration.recipe_of(complete, model)) >= {
            "epochs",
            "batch_size",
            "learning_rate",
        }
    for dataset in complete["datasets"].values():
        assert set(configuration.split_names(dataset)) <= {"train", "dev", "test"}


@pytest.mark.parametrize("base", BASES, ids=lambda b: b["experiment"])
def test_the_unmutated_ones_are_valid(base):
    assert configuration.check(base, SCHEMA)["experiment"] == base["experiment"]
