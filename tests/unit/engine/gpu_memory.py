"""What training takes on a GPU at 32 × 512 tokens, in bf16: python -m tests.unit.engine.gpu_memory"""

import logging
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from transformers import AutoConfig, AutoModelForSequenceClassification

from finetone.engine.hardware.activations import PER_PARAMETER, measure, room
from tests.architectures import small
from tests.support.fake_gpu import MEMORY, on_fake_gpu
from tests.unit.engine.test_gpu_step import without_its_head
from tests.unit.engine.zoo import EOS, texts
from tests.unit.models.test_catalogue_sizes import SIZES

BATCH = np.full(32, 512)


def needs(name: str) -> tuple[float, int]:
    """Bytes that a training step of a model of the catalogue takes, and its parts on 24 GB."""
    sizes = dict(SIZES[name])
    kind = sizes.pop("model_type")
    config = AutoConfig.for_model(kind, **sizes, num_labels=2)
    little = small.config_of(kind)
    for each in (config, config.get_text_config(), little, little.get_text_config()):
        each.pad_token_id, each.eos_token_id = 0, EOS  # EOS ends the texts
    tokens, few = (_padded_with_0(texts(lengths)) for lengths in ([512], [30, 20, 12, 3]))
    like: Any = AutoModelForSequenceClassification.from_config(little)
    with on_fake_gpu(config, tokens, like=like, few=few) as (module, execution):
        if config.is_encoder_decoder:
            module.forward = without_its_head(module)  # type: ignore[method-assign]
        kept = measure(
            module,
            tokens,
            lambda text: execution.logits(module, execution.collate(text, np.arange(1))),
        )
        parts = kept.parts(BATCH, room(module, MEMORY), not execution.plan.padding_free)
        weights = PER_PARAMETER * sum(weight.numel() for weight in module.parameters())
    return weights + kept.bytes(BATCH), len(parts)


def _padded_with_0(tokens: Any) -> Any:
    return replace(tokens, meta=replace(tokens.meta, pad_token_id=0))


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    print("| model | GB | parts on 24 GB |\n|---|---|---|")
    for name in SIZES:
        found, parts = needs(name)
        print(f"| {name} | {found / 1e9:.1f} | {parts} |", flush=True)
