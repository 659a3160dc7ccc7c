"""Every configuration that the schema allows and that makes sense builds a workflow.

FINETONE_DRY_RUNS=200 runs the long form.
"""

import math
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finetone.config import checking as configuration
from tests.tiny import write_reviews
from tests.workflow.dry import scheduled
from tests.workflow.snake import ROOT, snakemake

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
TOP = SCHEMA["properties"]
NAMES = st.from_regex(SCHEMA["$defs"]["name"]["pattern"]).map(lambda name: name[:24])
LONG = settings(
    max_examples=int(os.environ.get("FINETONE_DRY_RUNS", "4")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)

ALIASES = (
    "models: {minilm-scratch: {scratch: {config: {"
    + ", ".join(
        ["a0: &a0 [1]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    )
    + "}}}}"
)


def values(schema: dict) -> st.SearchStrategy:
    """Any value a part of the schema allows; numbers stay near their bounds."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return NAMES if name == "name" else values(SCHEMA["$defs"][name])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema["type"]
    if isinstance(kind, list):
        return st.one_of([values({**schema, "type": each}) for each in kind])
    if kind == "object":
        optional = {key: values(part) for key, part in schema.get("properties", {}).items()}
        return st.fixed_dictionaries({}, optional=optional)
    if kind == "integer":
        least = schema.get("minimum", 0)
        whole = st.integers(least, min(schema.get("maximum", math.inf), least + 1000))
        return st.one_of(whole, whole.map(float))  # YAML's 3.0 is as good as 3
    if kind == "number":
        least = schema.get("exclusiveMinimum", schema.get("minimum", 0))
        most = schema.get("exclusiveMaximum", schema.get("maximum", least + 1000))
        return st.floats(
            least, most,
            exclude_min="exclusiveMinimum" in schema, exclude_max="exclusiveMaximum" in schema,
        )  # fmt: skip
    if kind == "string":
        return st.from_regex(schema["pattern"]) if "pattern" in schema else st.text(max_size=12)
    return {"boolean": st.booleans(), "null": st.none()}[kind]


@st.composite
def configurations(draw: st.DrawFn, reviews: str) -> dict:
    """Datasets, models and baselines of every kind, with names that refer to each other."""
    names = draw(st.lists(NAMES, min_size=8, max_size=8, unique_by=str.lower))
    hub = {"id": "some/repository"}
    wheel = {"requirement": "p==1", "sha256": "0" * 64}
    columns = {"text": "review", "label": "mood", "labels": ["neg", "pos"]}
    cut = {"split": draw(st.sampled_from([{"test": 0.2}, {"test": 0.2, "dev": 0.1}]))}
    sources = [
        {"hub": hub},
        {"hub": hub, "splits": {"train": "train"}, **cut},
        {"file": reviews, **cut},
        {"file": {"train": reviews, "test": reviews.replace(".csv", "-test.csv")}},
        {"wheel": {**wheel, "member": "rows.csv"}, **cut},
    ]
    datasets = {name: {**draw(st.sampled_from(sources)), **columns} for name in names[:2]}
    recipe = draw(values(SCHEMA["$defs"]["recipe"])) | {"choose_epoch": "last"}
    models = {
        names[2]: draw(st.sampled_from([{"hub": hub}, {"wheel": {**wheel, "folder": "m"}}])),
        names[3]: {"scratch": {"like": names[2]}, "recipe": recipe},
        names[4]: {"intermediate": {"from": names[2], "hub": hub}, "title": draw(st.text())},
    }
    chosen = draw(st.sets(st.sampled_from(names[2:5])))
    if chosen:
        chosen.add(names[2])
    every = TOP["baselines"]["additionalProperties"]["properties"]["kind"]["enum"]
    kinds = [kind for kind in every if kind not in ("probe", "ensemble")]  # made of a model
    baselines = {
        name: {"kind": draw(st.sampled_from(kinds))}
        for name in draw(st.sets(st.sampled_from(names[5:]), min_size=0 if chosen else 1))
    }
    config = {
        "experiment": draw(NAMES),
        "title": draw(st.text(max_size=30)),
        "seeds": draw(st.lists(st.integers(0, 10**6), min_size=1, max_size=3, unique=True)),
        "source": names[0],
        "transfer": draw(st.sampled_from([[], [names[1]]])),
        "datasets": datasets,
        "models": {name: models[name] for name in models if name in chosen},
        "baselines": baselines,
        "recipe": draw(values(SCHEMA["$defs"]["recipe"])) | {"choose_epoch": "last"},
        "resources": {
            rule: draw(values(TOP["resources"]["additionalProperties"]))
            for rule in draw(st.sets(st.sampled_from(TOP["resources"]["propertyNames"]["enum"])))
        },
        **{key: draw(values(TOP[key])) for key in ("engine", "max_length")},
        "compare": draw(values(TOP["compare"])) | {"baseline": None},
        "report": {"language": draw(st.sampled_from(["en", "zh"]))},
    }
    return config


def reversed_keys(value: object, ordered: bool = False) -> object:
    if not isinstance(value, dict):
        return value
    kept = ("datasets", "models", "baselines")  # their order is that of tables and figures
    keys = list(value) if ordered else reversed(value)
    return {key: reversed_keys(value[key], key in kept) for key in keys}


def test_the_same_settings_in_other_words_repeat_nothing(again: tuple[Path, dict]) -> None:
    """Other order of keys, defaults spelled out, numbers as YAML may read them."""
    folder, config = again
    complete = configuration.check(config, ROOT / "workflow/schemas/config.schema.yaml")
    recipe = complete["recipe"]
    written = {
        **complete,
        "recipe": {
            **recipe,
            "learning_rate": f"{recipe['learning_rate']:e}",
            "epochs": float(recipe["epochs"]),
        },
        "seeds": [float(seed) for seed in complete["seeds"]],
    }
    assert scheduled(folder, config=reversed_keys(written)) == {}


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("recipe: {learning_rate: .nan}", "recipe.learning_rate: nan is not a finite number"),
        ("compare: {confidence: .inf}", "compare.confidence: inf is not a finite number"),
        ("pathvars: {results: ''}", "pathvars.results: '' names no folder"),
        (ALIASES, "line 1: more than 100,000 values"),
    ],
    ids=["nan", "inf", "root", "aliases"],
)
def test_what_no_job_can_use_is_one_sentence_before_the_first(
    tmp_path: Path, written: str, told: str
) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(written)
    demo = str(ROOT / "config/demo.yaml")
    done = snakemake(tmp_path, "--dry-run", "--configfile", demo, str(overlay), timeout=120)
    output = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in output
    assert f"{overlay}" in output and told in output


def test_what_the_schema_allows_builds_a_workflow(tmp_path: Path) -> None:
    reviews = str(write_reviews(tmp_path / "reviews.csv", 60, 1))
    write_reviews(tmp_path / "reviews-test.csv", 60, 2)

    @LONG
    @given(configurations(reviews))
    def holds(config: dict) -> None:
        done = snakemake(tmp_path, "--dry-run", "--quiet", "all", config=config)
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]

    holds()
