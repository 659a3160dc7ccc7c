"""Architectures at their true size, with random weights: speed does not depend on them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from torch import nn
from transformers import initialization

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
    # Not in the original study.
    "modernbert-base": lambda: hf.ModernBertConfig(pad_token_id=0),
    "distilbert": lambda: hf.DistilBertConfig(),
    "deberta-v3-base": lambda: hf.DebertaV2Config(
        vocab_size=128100, type_vocab_size=0, relative_attention=True, position_buckets=256,
        norm_rel_ebd="layer_norm", share_att_key=True, pos_att_type=["p2c", "c2p"],
        position_biased_input=False, pooler_dropout=0.0, **BASE,
    ),
    "mpnet-base": lambda: hf.MPNetConfig(max_position_embeddings=514, pad_token_id=0),
    "albert-base": lambda: hf.AlbertConfig(
        vocab_size=30522, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1, **BASE
    ),
    "qwen3-small": lambda: hf.Qwen3Config(  # Qwen3-0.6B's layers, 8 of its 28
        hidden_size=1024, intermediate_size=3072, num_hidden_layers=8, num_attention_heads=16,
        num_key_value_heads=8, head_dim=128, vocab_size=151936, pad_token_id=0,
    ),
}  # fmt: skip
MODERN = list(CONFIGS)[-6:]


PER_TEXT = ("pooler", "classif", "score")  # modules that see one vector per text, not every token


def build(name: str | Callable[[], nn.Module]) -> nn.Module:
    """A model by name with random weights, or the one in a folder, as a two-class classifier."""
    torch.manual_seed(0)
    if callable(name):
        return name()
    if Path(name).is_dir():
        return hf.AutoModelForSequenceClassification.from_pretrained(  # type: ignore[no-any-return]
            name, dtype=torch.float32, num_labels=2
        )
    config = CONFIGS[name]()
    config.num_labels = 2
    initialization.trunc_normal_ = _normal  # ModernBERT's takes minutes to draw
    return hf.AutoModelForSequenceClassification.from_config(config)  # type: ignore[no-any-return]


def _normal(
    tensor: torch.Tensor, mean: float = 0.0, std: float = 1.0, *_: Any, **__: Any
) -> torch.Tensor:
    return initialization.normal_(tensor, mean, std)


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
    matrices *= layers // getattr(config, "num_hidden_groups", layers)  # ALBERT shares layers
    width = config.num_attention_heads * getattr(config, "head_dim", 0) or config.hidden_size
    return sum(6 * matrices * n + 12 * layers * width * n * n for n in lengths)
