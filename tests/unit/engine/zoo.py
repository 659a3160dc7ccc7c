"""Shrunken random models of every architecture of the zoo, and texts for them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import transformers as hf
from torch import nn

from finetone.formats.token_file import Tokens, TokensMeta

VOCABULARY, PAD, EOS = 64, 1, 2
USED_TOKENS = 40  # texts have fewer tokens than the model knows, as real ones do
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY, "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 96, "max_position_embeddings": 80, "pad_token_id": PAD,
}  # fmt: skip
CONFIGS: dict[str, Callable[[], Any]] = {
    "bert": lambda: hf.BertConfig(**SIZES),
    "ernie": lambda: hf.ErnieConfig(**SIZES, use_task_id=True),
    "electra": lambda: hf.ElectraConfig(**SIZES, embedding_size=32),
    "roberta": lambda: hf.RobertaConfig(**SIZES),
    "gpt2": lambda: hf.GPT2Config(
        vocab_size=VOCABULARY, n_embd=48, n_layer=2, n_head=4, n_positions=80,
        pad_token_id=PAD, bos_token_id=EOS, eos_token_id=EOS,
    ),
    "bart": lambda: hf.BartConfig(
        vocab_size=VOCABULARY, d_model=48, encoder_layers=2, decoder_layers=2,
        encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=96,
        decoder_ffn_dim=96, max_position_embeddings=80, pad_token_id=PAD, bos_token_id=0,
        eos_token_id=EOS, decoder_start_token_id=EOS, forced_eos_token_id=EOS,
    ),
    "albert": lambda: hf.AlbertConfig(  # one layer for all passes
        **SIZES | {"num_hidden_layers": 3}, embedding_size=32
    ),
    # rotary; windows shorter than the texts, and fewer heads of keys than of queries
    "modernbert": lambda: hf.ModernBertConfig(
        **SIZES | {"num_hidden_layers": 3}, local_attention=12, global_attn_every_n_layers=2
    ),
    "eurobert": lambda: hf.EuroBertConfig(**SIZES, num_key_value_heads=2),
    "esm": lambda: hf.EsmConfig(**SIZES, position_embedding_type="rotary", mask_token_id=3),
    "llama": lambda: hf.LlamaConfig(**SIZES, num_key_value_heads=2),
    "qwen3": lambda: hf.Qwen3Config(**SIZES, num_key_value_heads=2, head_dim=16),
    "gemma3": lambda: hf.Gemma3TextConfig(
        **SIZES, num_key_value_heads=1, head_dim=16, sliding_window=12, use_bidirectional_attention=False,
        layer_types=["sliding_attention", "full_attention"],
    ),
    "mistral": lambda: hf.MistralConfig(**SIZES, num_key_value_heads=2, sliding_window=12),
    "gpt_neox": lambda: hf.GPTNeoXConfig(**SIZES, bos_token_id=EOS, eos_token_id=EOS),
    # a bias by distance, and an attention of its own
    "mpnet": lambda: hf.MPNetConfig(**SIZES),
    "squeezebert": lambda: hf.SqueezeBertConfig(**SIZES, embedding_size=48),
    "convbert": lambda: hf.ConvBertConfig(**SIZES, embedding_size=48),
}  # fmt: skip
WINDOWED = ("modernbert", "gemma3", "mistral")
UNPADDED = (
    "bert", "ernie", "electra", "roberta", "gpt2", "bart",
    "albert", "eurobert", "esm", "llama", "qwen3", "gpt_neox", "mpnet", *WINDOWED,
)  # fmt: skip


def model(architecture: str, seed: int = 0) -> nn.Module:
    """A random model with two classes; larger weights than usual, so that differences show."""
    torch.manual_seed(seed)
    config = CONFIGS[architecture]()
    config.num_labels = 2
    module: nn.Module = hf.AutoModelForSequenceClassification.from_config(config)
    for parameter in module.parameters():
        if parameter.ndim > 1:
            parameter.data *= 3
    return module.eval()


def texts(lengths: list[int], seed: int = 0) -> Tokens:
    """Random texts that end with the eos token, as BART needs them."""
    random = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ids = random.integers(3, USED_TOKENS, offsets[-1]).astype(np.int32)
    ids[offsets[1:] - 1] = EOS
    labels = random.integers(0, 2, len(lengths))
    meta = TokensMeta(["no", "yes"], max_length=80, pad_token_id=PAD)
    return Tokens(np.arange(len(lengths)), labels, offsets, ids, meta)
