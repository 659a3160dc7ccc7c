"""From somebody's config.json to a model of that architecture, within bounds of time and memory."""

import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as hooks
from transformers import (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    AutoConfig,
    AutoModelForSequenceClassification,
    PretrainedConfig,
    PreTrainedModel,
)

from finetone.errors import UserError, first_line
from finetone.models import layers

MAX_CONFIG = 16 << 20  # bytes of config.json; one that names 20,000 classes has 1 MB
MAX_FILE = 256 << 20  # bytes of any other file of the folder but the weights
MAX_LABELS = 1_000_000
MAX_PARAMETERS = 100 * 10**9
MAX_PARTS = 100_000  # modules and weights; BERT with 1,000 layers has 34,000
ADAPTER = "adapter_config.json"  # of peft
WHOLE = re.compile(r"^(model|pytorch_model)\b.*\.(safetensors|bin)(\.index\.json)?$")
COUNTS = (
    *("hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads"),
    *("encoder_attention_heads", "decoder_attention_heads", "encoder_ffn_dim"),
    *("decoder_ffn_dim", "vocab_size"),
)


class Unusable(ValueError):
    """Why a configuration describes no model that could be trained."""


def read_config(folder: Path, config_key: str) -> PretrainedConfig:
    """The configuration in `folder`, made sure to be one that transformers itself implements.

    Raises
    ------
    UserError
        No, broken or oversized config.json, code from the repository wanted, no classifier.
    """
    file = folder / "config.json"
    if (folder / ADAPTER).is_file():
        whole = (
            "both a whole model and "
            if any(WHOLE.search(each.name) for each in folder.iterdir())
            else ""
        )
        raise UserError(
            f"{config_key}: {folder} holds {whole}an adapter ({ADAPTER}); merge it into the model it "
            f"was trained on (peft: merge_and_unload) and name that folder, or remove {ADAPTER}"
        )
    refuse_large(folder, config_key)
    raw = _parse(file, config_key) if file.is_file() else {}
    inside = sorted(found.parent.name for found in folder.glob("*/config.json"))
    if inside and "model_type" not in raw:  # a model of sentence-transformers, as they once were
        raise UserError(
            f"{config_key}: the model of {folder} is in its sub-folder {inside[0]}; name that folder "
            "under `path:`"
        )
    if not file.is_file():
        raise UserError(
            f"{config_key}: there is no config.json in {folder}; name a folder or repository that holds "
            "one model in the format of transformers"
        )
    if raw.get("quantization_config"):
        raise UserError(
            f"{config_key}: the weights in {folder} are quantized (quantization_config in config.json) "
            "and cannot be trained; choose the repository of the weights they were made from"
        )
    kind = raw.get("model_type")
    kind = kind if kind is None else str(kind)[:40]
    try:
        refuse_sizes(raw)
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        # which kernel computes attention is a matter of the machine, not of the model
        config._attn_implementation = None
    except Unusable as error:
        raise UserError(f"{config_key}: {file} describes no working model ({error})") from None
    except Exception as error:  # whatever a malformed file makes the library stumble over
        if "auto_map" in raw:
            raise UserError(
                f"{config_key}: model_type {kind!r} runs Python code from its repository, which "
                "finetone never does; choose a model that transformers implements"
            ) from None
        raise UserError(
            f"{config_key}: model_type {kind!r} in {file} is unknown or its settings are broken "
            f"({reason(error)})"
        ) from None
    if type(config) not in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING:
        raise UserError(
            f"{config_key}: transformers has no sequence classifier for model_type {kind!r}; choose a "
            "model of another architecture"
        )
    if hasattr(config, "auto_map"):  # code that ours does without: nobody is to find it later
        del config.auto_map
    return config


def skeleton(config: PretrainedConfig, config_key: str) -> PreTrainedModel:
    """The classifier `config` describes, without memory for its weights.

    Raises
    ------
    UserError
        None can be built of it, or it would be beyond any reasonable size.
    """
    try:
        return build(config)
    except Exception as error:  # an unknown activation, an impossible width … fail in many ways
        raise UserError(
            f"{config_key}: config.json describes no working model ({reason(error)})"
        ) from None


def build(config: PretrainedConfig) -> PreTrainedModel:
    """`skeleton`, which raises whatever the library raises."""
    refuse_sizes(config.to_dict())
    for name in (*COUNTS, *layers.NAMES):
        value = getattr(config, name, None)
        if isinstance(value, int) and value < 1:
            raise Unusable(f"{name} is {value}; give 1 or more")
    spread = getattr(config, "initializer_range", None)
    if isinstance(spread, int | float) and not 0 <= spread < math.inf:
        raise Unusable(f"initializer_range is {spread}")
    with on_meta():
        model = AutoModelForSequenceClassification.from_config(config)
    for name, weight in model.named_parameters():
        if not weight.numel():
            raise Unusable(f"{name} would have the shape {tuple(weight.shape)}")
    return model


def reason(error: Exception) -> str:
    """What an error while building says, in one line; a KeyError names a value nobody knows."""
    line = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
    return f"unknown value {line}" if isinstance(error, KeyError) else line


@contextmanager
def on_meta() -> Iterator[None]:
    """Build models in here without memory; stop any as soon as it grows beyond reason."""
    parts = parameters = 0

    def part(module: nn.Module, name: str, value: nn.Module | None) -> None:
        nonlocal parts
        parts += 1
        if parts > MAX_PARTS:
            raise Unusable(f"more than {MAX_PARTS:,} modules and weights")

    def weight(module: nn.Module, name: str, value: nn.Parameter | None) -> None:
        nonlocal parameters
        part(module, name, None)
        parameters += 0 if value is None else value.numel()
        if parameters > MAX_PARAMETERS:
            raise Unusable(f"more than {MAX_PARAMETERS // 10**9} G parameters, with {name}")

    registered = [
        hooks.register_module_module_registration_hook(part),
        hooks.register_module_parameter_registration_hook(weight),
    ]
    try:
        with torch.device("meta"):
            yield
    finally:
        for hook in registered:
            hook.remove()


def refuse_large(folder: Path, config_key: str) -> None:
    """Raise a UserError for a file beside the weights that is larger than any such file is."""
    for file in [*folder.glob("*.json"), *folder.glob("*.txt"), *folder.glob("*.model")]:
        limit = MAX_CONFIG if file.name == "config.json" else MAX_FILE
        if file.stat().st_size > limit:
            raise UserError(f"{config_key}: {file} has more than {limit >> 20} MB; fetch it again")


def refuse_sizes(settings: dict[str, Any]) -> None:
    """Raise Unusable for numbers that no model has, before the library makes lists of that length."""
    for name, value in settings.items():
        if isinstance(value, float) and math.isnan(value):
            raise Unusable(f"{name} is not a number (NaN)")
        most = MAX_LABELS if name == "num_labels" else layers.MOST if "layer" in name else None
        if most and isinstance(value, int) and value > most:
            raise Unusable(f"{name} is {value}; give {most:,} or less")


def _parse(file: Path, config_key: str) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) < len(pairs):
            twice = next(key for key in content if [k for k, _ in pairs].count(key) > 1)
            raise ValueError(f"the key {twice[:40]!r} is in it twice")
        return content

    def constant(word: str) -> float:
        if word == "NaN":
            raise ValueError("NaN is no number")
        return float(word)  # Mamba's time_step_limit ends with Infinity

    read: Callable[..., Any] = json.loads
    try:
        text = file.read_text(encoding="utf-8")
        content = read(text, object_pairs_hook=unique, parse_constant=constant)
    except RecursionError:
        raise UserError(f"{config_key}: {file} is not a JSON object (nested too deeply)") from None
    except (OSError, ValueError) as error:
        raise UserError(
            f"{config_key}: {file} is not a JSON object ({first_line(error)})"
        ) from None
    if not isinstance(content, dict):
        raise UserError(f"{config_key}: {file} is not a JSON object (it holds a {_kind(content)})")
    return content


def _kind(content: object) -> str:
    return {list: "list", str: "text", type(None): "null"}.get(type(content), "number")
