"""From somebody's checkpoint folder to weights of ours, with nothing lost or made up in silence."""

import json
import pickle
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    AutoConfig,
    AutoModelForSequenceClassification,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.utils import logging

from finetone.errors import UserError, first_line
from finetone.models import layers

# Keys of a checkpoint that a classifier has no place for and that nobody misses: heads of
# pretraining or of another task, poolers that this classifier skips, constant buffers.
HEADS = [
    r"cls\.",  # BERT, ERNIE, SqueezeBERT: masked words and next sentence
    r"lm_head\.",  # RoBERTa, GPT-2
    r"(mask_|lm_)?predictions\.",  # ALBERT, DeBERTa
    r"vocab_(transform|layer_norm|projector)\.",  # DistilBERT
    r"(discriminator|generator)_(predictions|lm_head)\.",  # ELECTRA, ConvBERT
    r"fit_denses?\b",  # TinyBERT's projections for distillation
    r"final_logits_bias$",  # BART
    r"qa_outputs\.",
    r"(classifier|score|classification_head|sop_classifier)\.",  # of another task
    r"([a-z_]+\.)?pooler\.",  # RoBERTa keeps one that its classifier does not use
    r".*\bposition_ids$",
    r".*\battn\.(masked_)?bias$",  # GPT-2's causal mask
]


@dataclass
class Loaded:
    """A classifier whose body comes from a checkpoint.

    `weights` holds what the checkpoint really gave (fp32, no classifier head); what is in the
    model but not there was drawn at random and is listed in `missing`.
    """

    model: PreTrainedModel
    weights: dict[str, torch.Tensor]
    missing: list[str]
    unexpected: list[str]


def read_config(folder: Path, where: str) -> PretrainedConfig:
    """The configuration in `folder`, made sure to be one that transformers itself implements.

    Raises:
        UserError: no or broken config.json, code from the repository wanted, no classifier.
    """
    file = folder / "config.json"
    if not file.is_file():
        raise UserError(
            f"{where}: there is no config.json in {folder}; name a folder or repository that holds "
            "one model in the format of transformers"
        )
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        kind = raw.get("model_type")
    except (ValueError, AttributeError) as error:
        raise UserError(f"{where}: {file} is not a JSON object ({error})") from None
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # whatever a malformed file makes the library stumble over
        if "auto_map" in raw:
            raise UserError(
                f"{where}: model_type {kind!r} runs Python code from its repository, which "
                "finetone never does; choose a model that transformers implements"
            ) from None
        raise UserError(
            f"{where}: model_type {kind!r} in {file} is unknown or its settings are broken "
            f"({first_line(error)})"
        ) from None
    if type(config) not in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING:
        raise UserError(
            f"{where}: transformers has no sequence classifier for model_type {kind!r}; choose a "
            "model of another architecture"
        )
    if hasattr(config, "auto_map"):  # code that ours does without: nobody is to find it later
        del config.auto_map
    return config


def load(
    folder: Path,
    where: str,
    *,
    labels: int = 2,
    keep_layers: int | None = None,
    allow_missing: Iterable[str] = (),
    allow_unexpected: Iterable[str] = (),
) -> Loaded:
    """Load `folder` as a classifier in fp32 and account for every key.

    Weights are read as safetensors, or as pytorch_model.bin with `weights_only`; nothing is ever
    unpickled freely. `where` names the config key for error messages.

    Raises:
        UserError: the files cannot be read, or backbone keys are missing, left over or of another
            shape, unless they match a regular expression of `allow_missing` / `allow_unexpected`.
    """
    config = read_config(folder, where)
    config.num_labels = labels
    config.problem_type = None  # left over from another task it would choose another loss
    whole = _shapes(config)
    if keep_layers is not None:
        layers.keep(config, keep_layers, where.removeprefix("models."))
    try:
        with quiet():
            model, info = AutoModelForSequenceClassification.from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # reported below, by name
                trust_remote_code=False,
                local_files_only=True,
            )
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{where}: the weights in {folder} are a pickle that wants to run code and were "
            f"refused ({first_line(error)}); choose a revision with model.safetensors"
        ) from None
    except (SafetensorError, OSError, RuntimeError, ValueError, EOFError) as error:
        raise UserError(
            f"{where}: the weights in {folder} cannot be loaded ({first_line(error)}); "
            "fetch them again or choose another revision"
        ) from None

    head = set(head_keys(model))
    wrong = {key: (tuple(a), tuple(b)) for key, a, b in info["mismatched_keys"] if key not in head}
    if wrong:
        key, (theirs, ours) = next(iter(sorted(wrong.items())))
        raise UserError(
            f"{where}: {len(wrong)} weights do not have the shape config.json says, such as {key} "
            f"({theirs} in the file, {ours} in the model); config and weights do not match"
        )
    missing = sorted(set(info["missing_keys"]) - head)
    _refuse(missing, allow_missing, where, "are missing from", "allow_missing")
    # layers that keep_layers cut off are not unexpected: the whole model has them
    unexpected = sorted(key for key in info["unexpected_keys"] if not _belongs(key, whole, model))
    strange = [key for key in unexpected if not any(re.match(pattern, key) for pattern in HEADS)]
    _refuse(
        strange,
        allow_unexpected,
        where,
        "have no place in the model but are in",
        "allow_unexpected",
    )

    absent = head | set(missing)
    weights = {key: value for key, value in model.state_dict().items() if key not in absent}
    return Loaded(model, weights, missing, unexpected)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from reporting keys and progress: that is told here, by name."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        logging.enable_progress_bar()


def head_keys(model: PreTrainedModel) -> list[str]:
    """Names of the classifier's own weights: all that lie outside the backbone."""
    return [key for key in model.state_dict() if not key.startswith(f"{model.base_model_prefix}.")]


def skeleton(config: PretrainedConfig) -> PreTrainedModel:
    """The classifier `config` describes, without memory for its weights."""
    with torch.device("meta"):
        return AutoModelForSequenceClassification.from_config(config)


def _shapes(config: PretrainedConfig) -> set[str]:
    return set(skeleton(config).state_dict())


def _belongs(key: str, whole: set[str], model: PreTrainedModel) -> bool:
    return key in whole or f"{model.base_model_prefix}.{key}" in whole


def _refuse(
    keys: list[str], allowed: Iterable[str], where: str, what: str, config_key: str
) -> None:
    patterns = list(allowed)
    bad = [key for key in keys if not any(re.search(pattern, key) for pattern in patterns)]
    if bad:
        shown = ", ".join(bad[:5]) + (f" and {len(bad) - 5} more" if len(bad) > 5 else "")
        raise UserError(
            f"{where}: weights {what} the checkpoint: {shown}; if that is right, list them under "
            f"{where}.{config_key}"
        )
