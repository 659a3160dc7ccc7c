"""The tokenizer of a checkpoint, saved so that it loads alike everywhere."""

from pathlib import Path
from typing import cast

from torch import nn
from transformers import AutoTokenizer, PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

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
# transformers makes an empty tokenizer, without a word, where it finds none of these …
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")


def load(folder: Path, config: PretrainedConfig, config_key: str) -> PreTrainedTokenizerBase:
    """The fast tokenizer in `folder`; one without a pad token (GPT-2) pads with its end of text.

    Raises
    ------
    UserError
        No tokenizer files, none that transformers can read, no token to pad with.
    """
    if not any(list(folder.glob(pattern)) for pattern in VOCABULARIES):
        raise UserError(f"{config_key}: {folder} holds no tokenizer ({', '.join(VOCABULARIES)})")
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
    # tokenizer.json may hold its author's max_length (MiniLM: 128); the experiment has its own
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    for leftover in LEFTOVERS:
        tokenizer.init_kwargs.pop(leftover, None)
    return tokenizer


def check(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, config_key: str) -> None:
    """Raise UserError if the tokenizer can produce an id that the model has no embedding for."""
    highest = max(tokenizer.get_vocab().values(), default=-1) + 1
    rows = cast(nn.Embedding, model.get_input_embeddings()).num_embeddings
    if highest > rows:
        raise UserError(
            f"{config_key}: the tokenizer knows {highest} tokens but the model embeds only {rows}; "
            "tokenizer and weights do not belong together"
        )


def longest_input(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> int | None:
    """How many tokens an example may have, special ones included; None if nothing limits it."""
    limits = []
    positions = getattr(model.config, "max_position_embeddings", None)
    if positions:
        # RoBERTa and similar models count positions from padding_idx + 1
        offsets = [
            module.padding_idx + 1
            for name, module in model.named_modules()
            if name.endswith("position_embeddings") and getattr(module, "padding_idx", None)
        ]
        limits.append(positions - max(offsets, default=0))
    if tokenizer.model_max_length < 10**9:  # the library's "unknown" is 10^30
        limits.append(tokenizer.model_max_length)
    return min(limits, default=None)
