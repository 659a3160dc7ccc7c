"""The types of entries have the keys of the schema."""

import pytest
import yaml

from finetone.config import blocks
from tests import ROOT

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
DATASET, MODEL = (
    SCHEMA["properties"][key]["additionalProperties"]["properties"]
    for key in ("datasets", "models")
)


@pytest.mark.parametrize(
    ("block", "keys"),
    [
        (blocks.DatasetBlock, DATASET),
        (blocks.ModelBlock, MODEL),
        (blocks.Hub, DATASET["hub"]["properties"]),
        (blocks.Wheel, SCHEMA["$defs"]["wheel"]["properties"]),
        (blocks.Split, DATASET["split"]["properties"]),
        (blocks.Scratch, MODEL["scratch"]["properties"]),
    ],
)
def test_keys(block: type, keys: dict) -> None:
    assert set(block.__annotations__) == set(keys)
