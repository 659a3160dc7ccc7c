"""Names of weights, as the classes of transformers themselves have them.

What of a checkpoint is body, head of pretraining or head of another task is not kept in a list
here: every class that the library has for an architecture is built without memory and asked for
the names of its weights.
"""

import copy
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import transformers
from transformers import PretrainedConfig, PreTrainedModel
from transformers.models.auto import modeling_auto

from finetone.models import architecture

BODY = modeling_auto.MODEL_MAPPING
PRETRAINING = (
    modeling_auto.MODEL_FOR_PRETRAINING_MAPPING,
    modeling_auto.MODEL_FOR_MASKED_LM_MAPPING,
    modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING,
    modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
)
OTHER_TASKS = (
    modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    modeling_auto.MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING,
    modeling_auto.MODEL_FOR_QUESTION_ANSWERING_MAPPING,
    modeling_auto.MODEL_FOR_MULTIPLE_CHOICE_MAPPING,
    modeling_auto.MODEL_FOR_NEXT_SENTENCE_PREDICTION_MAPPING,
)
# a constant that GPT-2 was saved with for years and no class of today knows
CAUSAL_MASK = re.compile(r"\.attn\.(masked_)?bias$")


@dataclass(frozen=True)
class WeightNames:
    """The weights of an architecture; all names lack the prefix of the body ("bert.").

    Attributes
    ----------
    body
        Of the model without any head.
    pretrained
        Of the body and of all heads of pretraining.
    required
        Those that the body and every model of a pretraining have: never to be missing. BERT's
        pooler is not among them, for masked-language models have none.
    """

    config: PretrainedConfig
    body: frozenset[str]
    pretrained: frozenset[str]
    required: frozenset[str]

    @classmethod
    def of(cls, config: PretrainedConfig) -> "WeightNames":
        """Of the architecture that `config` describes."""
        # of an encoder-decoder, the causal model is the decoder alone
        causal = modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING
        skip = causal if getattr(config, "is_encoder_decoder", False) else None
        mappings = [BODY, *(mapping for mapping in PRETRAINING if mapping is not skip)]
        body, *others = list(_names(config, mappings)) or [frozenset()]
        return cls(config, body, body.union(*others), body.intersection(*others))

    def head(self, model: PreTrainedModel) -> list[str]:
        """Names, with prefix, of the weights that no pretraining has: the new classifier's own."""
        prefix = model.base_model_prefix
        return [key for key in model.state_dict() if without(prefix, key) not in self.pretrained]

    def explains(self, key: str, model: PreTrainedModel) -> bool:
        """Whether a weight that `model` has no place for is none of its body.

        Such are weights of another head, constants that the library computes by itself, and
        whatever lies beside the body, where no classifier could use it.
        """
        key = without(model.base_model_prefix, key)
        beside = key.split(".")[0] not in {name.split(".")[0] for name in self.body}
        constant = key in _constants(model) or CAUSAL_MASK.search(key) is not None
        return beside or constant or key in self.pretrained or key in self._elsewhere

    @cached_property
    def _elsewhere(self) -> set[str]:
        found: set[str] = set()
        return found.union(*_names(self.config, OTHER_TASKS), *_named_class(self.config))


def without(prefix: str, key: str) -> str:
    """A weight's name without the prefix of the body."""
    return key.removeprefix(f"{prefix}.")


def _constants(model: PreTrainedModel) -> set[str]:
    """Buffers that are never saved today, but may have been: positions, causal masks."""
    prefix = model.base_model_prefix
    return {without(prefix, name) for name, _ in model.named_buffers()}


def _names(config: PretrainedConfig, mappings: Iterable[object]) -> Iterator[frozenset[str]]:
    for mapping in mappings:
        if type(config) in mapping:  # type: ignore[operator]
            found = mapping[type(config)]  # type: ignore[index]
            for kind in found if isinstance(found, tuple) else (found,):
                yield from _of_class(kind, config)


def _named_class(config: PretrainedConfig) -> Iterator[frozenset[str]]:
    """Of the class that config.json says the checkpoint was saved from."""
    for name in getattr(config, "architectures", None) or []:
        kind = getattr(transformers, str(name), None)
        if isinstance(kind, type) and issubclass(kind, PreTrainedModel):
            yield from _of_class(kind, config)


def _of_class(kind: type[PreTrainedModel], config: PretrainedConfig) -> Iterator[frozenset[str]]:
    # a class that cannot be built from this configuration knows nothing about it
    with suppress(Exception), architecture.on_meta():
        model = kind._from_config(copy.deepcopy(config))
        yield frozenset(without(model.base_model_prefix, key) for key in model.state_dict())
