"""What the stages compute on: real IMDB tokens and MiniLM's weights, or small stand-ins."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
import transformers as hf
from architectures import CONFIGS
from architectures import build as build_full
from tests.architectures import small
from torch import nn

from finetone.formats.token_file import Tokens, TokensMeta, read_tokens
from stages import Setting

ROWS = 3200  # texts of the stages that measure rates
ZSTD = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=19))


def tokens(setting: Setting, split: str = "train", rows: int | None = ROWS) -> Tokens:
    """Real texts, some or all of them; invented ones if the setting is tiny."""
    if setting.tiny:
        return invented(64)
    whole = read_tokens(setting.inputs / f"{split}.arrow")
    if rows is None:
        return whole
    chosen = np.random.default_rng(0).permutation(len(whole))[:rows]
    parts = [whole.input_ids[whole.offsets[i] : whole.offsets[i + 1]] for i in chosen]
    return replace(
        whole, ids=whole.ids[chosen], labels=whole.labels[chosen], input_ids=np.concatenate(parts),
        offsets=np.concatenate([[0], np.cumsum([len(part) for part in parts])]),
    )  # fmt: skip


def invented(rows: int, pad: int = 0) -> Tokens:
    """Random texts for small models, whose end token ends each."""
    random = np.random.default_rng(0)
    lengths = random.integers(3, small.LONGEST, rows)
    lengths[0] = small.LONGEST - 2
    ids = random.integers(len(small.SPECIAL), len(small.VOCABULARY), lengths.sum()).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids[offsets[1:] - 1] = small.IDS["eos_token_id"]
    meta = TokensMeta(["no", "yes"], max_length=small.LONGEST, pad_token_id=pad)
    return Tokens(np.arange(rows), random.integers(0, 2, rows), offsets, ids, meta)


def builder(setting: Setting, name: str) -> Callable[[], nn.Module]:
    """Makes an architecture of `architectures.py` on the device, or a small one of its kind."""

    def build() -> nn.Module:
        with torch.device(setting.device):
            return little(CONFIGS[name]().model_type) if setting.tiny else build_full(name)

    return build


def little(kind: str, dropout: float = 0.1) -> nn.Module:
    """A small classifier of any architecture."""
    config = small.config_of(kind, dropout)
    config.num_labels = 2
    for part in (config, config.get_text_config()):
        if getattr(part, "pad_token_id", None) is None:
            part.pad_token_id = small.IDS["pad_token_id"]
    module: nn.Module = hf.AutoModelForSequenceClassification.from_config(config)
    return module


def minilm(setting: Setting) -> nn.Module:
    """The pretrained MiniLM-L6, fp32, with a new head of two classes."""
    if setting.tiny:
        return little("bert")
    config: Any = hf.AutoConfig.for_model(
        **json.loads((setting.inputs / "minilm.json").read_text())
    )
    config.num_labels = 2
    module: nn.Module = hf.AutoModelForSequenceClassification.from_config(config)
    missing, unexpected = module.load_state_dict(
        read_weights(setting.inputs / "minilm.arrow"), strict=False
    )
    if unexpected or any("classifier" not in name for name in missing):
        raise ValueError(f"MiniLM lacks {missing} and has {unexpected}")
    return module


def write_weights(target: Path, weights: dict[str, torch.Tensor]) -> None:
    """As bf16, its upper bytes apart from the lower ones: so they compress to two thirds."""
    names, shapes, planes = [], [], []
    for name, weight in weights.items():
        both = weight.to(torch.bfloat16).contiguous().view(torch.uint8).view(-1, 2)
        names.append(name)
        shapes.append(list(weight.shape))
        planes.append(both.t().contiguous().numpy().tobytes())
    table = pa.table(
        {"name": names, "shape": shapes, "planes": pa.array(planes, pa.large_binary())}
    )
    with pa.ipc.new_file(str(target), table.schema, options=ZSTD) as writer:
        writer.write_table(table)


def read_weights(source: Path) -> dict[str, torch.Tensor]:
    """What `write_weights` wrote, as fp32."""
    found = {}
    for row in pa.ipc.open_file(str(source)).read_all().to_pylist():
        planes = torch.frombuffer(bytearray(row["planes"]), dtype=torch.uint8).view(2, -1)
        weight = planes.t().contiguous().view(torch.bfloat16)
        found[row["name"]] = weight.view(row["shape"]).float()
    return found
