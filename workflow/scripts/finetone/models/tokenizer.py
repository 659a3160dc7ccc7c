"""The tokenizer of a checkpoint, saved so that it loads alike everywhere."""

import json
from pathlib import Path
from typing import cast

import torch
from transformers import AutoTokenizer, PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.models.auto import tokenization_auto

from finetone.errors import UserError, first_line

# how this copy happened to be loaded or its author cut texts: no property of the tokenizer
LEFTOVERS = (
    "max_length",
    "stride",
    "truncation_strategy",
    "is_local",
    "local_files_only",
    "name_or_path",
    "auto_map",  # code of the repository, which is never run
)
COMMON = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")


def tokenizer_class(folder: Path) -> str | None:
    """The class that a folder's tokenizer_config.json names, if it names one."""
    try:
        settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        return str(settings["tokenizer_class"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def files_of(*names: str | None) -> set[str]:
    """Files that tokenizers of the classes `names` may be built from; one of them is needed."""
    found = {"tokenizer.json", "tokenizer.model"}
    for name in names:
        kind = tokenization_auto.tokenizer_class_from_name(name) if name else None
        found |= set(getattr(kind, "vocab_files_names", {}).values())
    return found - {COMMON[0]}


def files_of_any() -> set[str]:
    """Files that transformers asks for to build a tokenizer of any kind."""
    return {*COMMON, *files_of(*set(tokenization_auto.TOKENIZER_MAPPING_NAMES.values()))}


def load(folder: Path, config: PretrainedConfig, config_key: str) -> PreTrainedTokenizerBase:
    """The fast tokenizer in `folder`; one without a pad token (GPT-2) pads with its end of text.

    Raises
    ------
    UserError
        No tokenizer files, none that transformers can read, no token to pad with.
    """
    of_model = tokenization_auto.TOKENIZER_MAPPING_NAMES.get(config.model_type)
    named = tokenizer_class(folder) or ""
    names = files_of(of_model, named, named.removesuffix("Fast"))
    if not any((folder / name).exists() for name in names) and not list(folder.glob("*.model")):
        raise UserError(f"{config_key}: {folder} holds no tokenizer ({', '.join(sorted(names))})")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, config=config, trust_remote_code=False)
    except Exception as error:  # any of a dozen, by kind of tokenizer and of damage
        raise UserError(
            f"{config_key}: no usable tokenizer in {folder} ({first_line(error)})"
        ) from None
    if not tokenizer.is_fast:
        raise UserError(
            f"{config_key}: the tokenizer in {folder} has no fast (tokenizer.json) form"
        )
    if len(tokenizer) <= len(tokenizer.all_special_tokens):  # … or only half of them
        raise UserError(
            f"{config_key}: the tokenizer in {folder} knows no words; files are missing"
        )
    if tokenizer.pad_token_id is None:
        if tokenizer.eos_token_id is None:
            raise UserError(
                f"{config_key}: the tokenizer in {folder} has neither pad nor end token"
            )
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "right"
    tokenizer.truncation_side = "right"  # all models read the beginnings of texts
    # tokenizer.json may hold its author's max_length (MiniLM: 128); the experiment has its own
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    for leftover in LEFTOVERS:
        tokenizer.init_kwargs.pop(leftover, None)
    return tokenizer


def is_token(number: object) -> bool:
    """Whether a setting such as pad_token_id names a token; some configurations say -1."""
    return isinstance(number, int) and number >= 0


def check(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, config_key: str) -> None:
    """Raise UserError if the tokenizer can produce an id that the model has no embedding for."""
    highest = max(tokenizer.get_vocab().values(), default=-1) + 1
    try:
        table = model.get_input_embeddings()
    except NotImplementedError:  # CANINE embeds whatever it is given
        return
    rows = len(cast(torch.Tensor, getattr(table, "weight", table)))
    if highest > rows:
        raise UserError(
            f"{config_key}: the tokenizer knows {highest} tokens but the model embeds only {rows}; "
            "tokenizer and weights do not belong together"
        )
