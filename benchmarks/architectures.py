"""The zoo's architectures at their true size, with random weights: speed does not hang on them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from torch import nn

# Token files are WordPiece's: 0 pads, and 102 ends a text, where BART looks for its end token.
ERNIE3 = {"vocab_size": 40000, "max_position_embeddings": 2048, "use_task_id": True}
BASE = {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}
SMALL = {"hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}
CONFIGS: dict[str, Callable[[], Any]] = {
    "minilm-l6": lambda: hf.BertConfig(num_hidden_layers=6, **SMALL),
    "ernie-2.0-base-en": lambda: hf.ErnieConfig(type_vocab_size=4),
    "ernie-3.0-mini-zh": lambda: hf.ErnieConfig(num_hidden_layers=6, **ERNIE3, **SMALL),
    "ernie-3.0-medium-zh": lambda: hf.ErnieConfig(num_hidden_layers=6, **ERNIE3),
    "ernie-3.0-base-zh": lambda: hf.ErnieConfig(**ERNIE3),
    "bert-base": lambda: hf.BertConfig(),
    "squeezebert": lambda: hf.SqueezeBertConfig(embedding_size=768),
    "tinybert": lambda: hf.BertConfig(num_hidden_layers=6),
    "convbert-base": lambda: hf.ConvBertConfig(pad_token_id=0),
    "gpt2-en": lambda: hf.GPT2Config(pad_token_id=0),
    "distilgpt2": lambda: hf.GPT2Config(n_layer=6, pad_token_id=0),
    "electra-small": lambda: hf.ElectraConfig(),
    "electra-base": lambda: hf.ElectraConfig(embedding_size=768, **BASE),
    "roberta-base": lambda: hf.RobertaConfig(
        vocab_size=50265, max_position_embeddings=514, type_vocab_size=1, pad_token_id=0
    ),
    "bart-base": lambda: hf.BartConfig(
        d_model=768, encoder_layers=6, decoder_layers=6, encoder_attention_heads=12,
        decoder_attention_heads=12, encoder_ffn_dim=3072, decoder_ffn_dim=3072, vocab_size=50265,
        attention_dropout=0.1, activation_dropout=0.1, pad_token_id=0, eos_token_id=102,
        decoder_start_token_id=102, forced_eos_token_id=102,
    ),
}  # fmt: skip


PER_TEXT = ("pooler", "classif", "score")  # modules that see one vector per text, not every token


def build(name: str) -> nn.Module:
    """A model by name with random weights, or the one in a folder, as a two-class classifier."""
    torch.manual_seed(0)
    if Path(name).is_dir():
        return hf.AutoModelForSequenceClassification.from_pretrained(  # type: ignore[no-any-return]
            name, dtype=torch.float32, num_labels=2
        )
    config = CONFIGS[name]()
    config.num_labels = 2
    return hf.AutoModelForSequenceClassification.from_config(config)  # type: ignore[no-any-return]


def training_flops(module: nn.Module, lengths: list[int]) -> float:
    """Floating-point operations of one training step over texts of these lengths.

    Six per token and weight of a matrix, and 12·length·H per token and attention (a third of both
    in the forward pass). Element-wise work is left out; a causal attention counts in full.
    """
    config: Any = module.config
    matrices = sum(
        p.numel()
        for name, layer in module.named_modules()
        if not isinstance(layer, nn.Embedding) and not any(part in name for part in PER_TEXT)
        for p in layer.parameters(recurse=False)
        if p.ndim > 1
    )
    layers = getattr(config, "encoder_layers", 0) + 2 * getattr(config, "decoder_layers", 0)
    layers = layers or config.num_hidden_layers
    return sum(6 * matrices * n + 12 * layers * config.hidden_size * n * n for n in lengths)
