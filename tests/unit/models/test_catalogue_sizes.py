"""What the catalogue says of a model's size is what transformers builds from its published sizes."""

from pathlib import Path

import pytest
import yaml
from transformers import AutoConfig

from finetone.config import catalogue
from finetone.models import architecture, layers, parameters, positions

SIZES = yaml.safe_load((Path(__file__).parent / "sizes.yaml").read_text())


def test_every_model_has_its_sizes_here() -> None:
    assert set(SIZES) == set(catalogue.load())


@pytest.mark.parametrize("name", SIZES)
def test_the_catalogue_states_what_the_sizes_give(name: str) -> None:
    entry, sizes = catalogue.load()[name], dict(SIZES[name])
    config = AutoConfig.for_model(sizes.pop("model_type"), **sizes, num_labels=2)
    assert parameters.count(architecture.build(config))["total"] == entry.parameters
    longest = positions.stated(config)
    assert longest is not None and entry.max_length <= longest
    group = entry.block["group"]
    both = 2 if config.is_encoder_decoder else 1
    assert (group["layers"], group["hidden"]) == (both * layers.count(config), config.hidden_size)
