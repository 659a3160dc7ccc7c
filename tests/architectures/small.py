"""A small pretrained checkpoint of any architecture that transformers classifies texts with."""

from pathlib import Path
from typing import Any

import torch
import transformers as hf
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import nn
from transformers.models.auto import modeling_auto

PAD, UNKNOWN, START, END, MASK = "<pad>", "<unk>", "<s>", "</s>", "<mask>"
SPECIAL = [PAD, UNKNOWN, START, END, MASK]
VOCABULARY = [*SPECIAL, *(f"w{i}" for i in range(59))]
LONGEST = 32  # tokens that every small model can read
KINDS = sorted(modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES)
PRETRAINING = (
    modeling_auto.MODEL_FOR_MASKED_LM_MAPPING,
    modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
    modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING,
    modeling_auto.MODEL_FOR_PRETRAINING_MAPPING,
    modeling_auto.MODEL_MAPPING,
)

# What configurations call their sizes, and how large they are here.
SIZES: dict[str, Any] = {
    **dict.fromkeys(["hidden_size", "d_model", "n_embd", "dim", "emb_dim", "embedding_size"], 32),
    **dict.fromkeys(["input_embedding_size", "output_embedding_size", "true_hidden_size"], 32),
    **dict.fromkeys(["intermediate_size", "ffn_dim", "d_ff", "d_inner", "dff", "hidden_dim"], 48),
    **dict.fromkeys(["encoder_ffn_dim", "decoder_ffn_dim", "n_inner", "moe_intermediate_size"], 48),
    **dict.fromkeys(["num_hidden_layers", "n_layer", "n_layers", "num_layers"], 2),
    **dict.fromkeys(["encoder_layers", "decoder_layers", "num_decoder_layers"], 2),
    **dict.fromkeys(["num_attention_heads", "n_head", "n_heads", "num_heads"], 4),
    **dict.fromkeys(["encoder_attention_heads", "decoder_attention_heads"], 4),
    **dict.fromkeys(["num_key_value_heads", "num_kv_heads"], 2),
    **dict.fromkeys(["head_dim", "d_kv", "d_head", "qk_nope_head_dim", "v_head_dim"], 8),
    **dict.fromkeys(["max_position_embeddings", "n_positions", "max_seq_len", "n_ctx"], 48),
    **dict.fromkeys(["num_experts", "num_local_experts", "n_routed_experts"], 4),
    **dict.fromkeys(["num_experts_per_tok", "n_group", "topk_group"], 1),
    **dict.fromkeys(["q_lora_rank", "kv_lora_rank"], 16),
    "qk_rope_head_dim": 8,
    "rotary_dim": 4,
    "vocab_size": len(VOCABULARY),
    "sliding_window": 8,
    "attention_window": 8,
    "block_size": 4,
    "num_random_blocks": 1,
    "type_vocab_size": 2,
}
IDS = {
    "pad_token_id": 0, "bos_token_id": 2, "cls_token_id": 2, "eos_token_id": 3, "sep_token_id": 3,
    "mask_token_id": 4, "decoder_start_token_id": 0, "forced_eos_token_id": None,
}  # fmt: skip
# Settings that an architecture cannot do without.
ALL_HEADS = {"num_key_value_heads": 4}
MORE: dict[str, dict[str, Any]] = {
    **dict.fromkeys(["axk1", "axk2", "deepseek_v2", "deepseek_v3", "esmc", "minicpm3"], ALL_HEADS),
    "funnel": {"block_sizes": [1, 1]},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "window_size": 8},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1},
    "layoutlmv3": {"coordinate_size": 6, "shape_size": 4},
    "lilt": {"hidden_size": 48},
    "mistral4": {**ALL_HEADS, "head_dim": 16},
    "mobilebert": {"intra_bottleneck_size": 32},
    "modernbert-decoder": {"pad_token_id": 3},
    "qwen2": {"vocab_size": 72},
    "qwen3_5_text": {"layer_types": ["linear_attention", "full_attention"]},
    "qwen3_next": {"layer_types": ["linear_attention", "full_attention"]},
    "t5": {"decoder_start_token_id": 0},
    "zamba": {
        "num_hidden_layers": 3,
        "layers_block_type": ["linear_attention", "hybrid", "hybrid"],
    },
    "zamba2": {"layers_block_type": ["linear_attention", "hybrid"]},
    "cohere_compass_text": {
        "layer_types": ["sliding_attention", "full_attention"],
        "rope_parameters": {
            name: {"rope_type": "default", "rope_theta": 10000.0}
            for name in ("sliding_attention", "full_attention")
        },
    },
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
}
STEEP = ("t5", "mt5", "umt5")  # their weights are large as they are


def config_of(kind: str, dropout: float = 0.0) -> Any:
    """A small configuration for the vocabulary above."""
    kind_of = type(hf.AutoConfig.for_model(kind))
    known = kind_of().to_dict()
    settings = {key: value for key, value in {**SIZES, **IDS}.items() if key in known}
    for part in ("encoder", "decoder"):  # configurations inside a configuration
        if isinstance(inside := known.get(part), dict):
            chosen = {key: value for key, value in {**SIZES, **IDS}.items() if key in inside}
            settings[part] = chosen | _dropout(inside, dropout)
    settings |= _dropout(known, dropout)
    if causal(kind):  # as GPT-2: batches are filled up with the end of text
        settings |= {"pad_token_id": None}
    return kind_of(**(settings | MORE.get(kind, {})))


def _dropout(known: dict[str, Any], share: float) -> dict[str, float]:
    """All settings of dropout; whole layers are never dropped."""
    names = [name for name, value in known.items() if isinstance(value, float) and "drop" in name]
    return {name: 0.0 if "layerdrop" in name else share for name in names}


def causal(kind: str) -> bool:
    """Whether its pretraining is to go on writing, so that it has no pad token of its own."""
    config = type(hf.AutoConfig.for_model(kind))
    others = (*PRETRAINING[:2],)
    return config in PRETRAINING[2] and not any(config in mapping for mapping in others)


def tokenizer_of(kind: str, config: Any) -> hf.PreTrainedTokenizerFast:
    """Words between blanks; special tokens stand where the architecture has them."""
    raw = Tokenizer(models.WordLevel({w: i for i, w in enumerate(VOCABULARY)}, unk_token=UNKNOWN))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if not causal(kind):
        form = f"$A {END}" if config.is_encoder_decoder else f"{START} $A {END}"
        raw.post_processor = processors.TemplateProcessing(
            single=form, special_tokens=[(START, 2), (END, 3)]
        )
    names = {"unk_token": UNKNOWN, "eos_token": END, "bos_token": START}
    if not causal(kind):
        names |= {"pad_token": PAD, "mask_token": MASK, "cls_token": START, "sep_token": END}
    return hf.PreTrainedTokenizerFast(tokenizer_object=raw, **names)


def save(kind: str, folder: Path) -> Path:
    """Write what plain transformers writes of a model that was pretrained."""
    config = config_of(kind)
    maker = next(mapping[type(config)] for mapping in PRETRAINING if type(config) in mapping)
    maker = maker[0] if isinstance(maker, tuple) else maker
    torch.manual_seed(0)
    model = maker._from_config(config)
    if kind not in STEEP:
        larger(model)
    model.save_pretrained(folder)
    tokenizer_of(kind, config).save_pretrained(folder)
    return folder


def larger(model: nn.Module) -> None:
    """Weights three times as large as usual, so that differences show."""
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.mul_(3)


def texts(kind: str) -> list[str]:
    """Of one token, of the longest length, that end in the pad token, with special tokens as words."""
    special = 0 if causal(kind) else (1 if config_of(kind).is_encoder_decoder else 2)
    word = [f"w{(7 * i) % 59}" for i in range(200)]
    filler = END if causal(kind) else PAD
    return [
        "w1",
        " ".join(word[: LONGEST - special]),
        f"w3 w4 {filler}",
        f"w5 {filler} w6 w7 {filler} {filler}",
        f"w8 {END} w9 {START} w10 {MASK} w11",
        *(" ".join(word[i : i + 3 + 2 * i]) for i in range(5)),
        f"{END} w12",
    ]
