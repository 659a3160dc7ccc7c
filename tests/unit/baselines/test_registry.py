"""Whatever kind the configuration allows has a class behind it."""

from pathlib import Path

import yaml

from finetone.baselines.registry import KINDS, baseline
from tests.unit.baselines.test_fit_predict import BLOCKS

SCHEMA = Path(__file__).parents[3] / "workflow/schemas/config.schema.yaml"


def test_the_kinds_are_those_of_the_schema() -> None:
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    entry = schema["properties"]["baselines"]["additionalProperties"]
    assert list(KINDS) == entry["properties"]["kind"]["enum"]


def test_every_kind_that_reads_texts_is_fitted_by_tests() -> None:
    kinds = {kind for kind, about in KINDS.items() if not about.averages and not about.frozen}
    assert kinds == set(BLOCKS), (
        "give it a row in BLOCKS of tests/unit/baselines/test_fit_predict.py"
    )


def test_every_kind_that_learns_can_be_fitted_and_loaded() -> None:
    for kind in (kind for kind, about in KINDS.items() if not about.averages):
        found = baseline(kind)
        assert callable(found.fit) and callable(found.load) and isinstance(found.libraries, tuple)
