"""The whole way of one architecture through the project, compared with plain transformers."""

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
import transformers as hf
from torch import nn

from finetone.data.tokenization import tokenize
from finetone.engine import loop
from finetone.engine.batches import collate, epoch_order
from finetone.engine.execution import Execution
from finetone.engine.fast.full_attention import full_attention
from finetone.engine.finetune import classifier
from finetone.engine.predict import predict_module
from finetone.engine.recipe import EngineOptions, Recipe, adamw
from finetone.files import manifest_of
from finetone.formats.token_file import Tokens, read_tokens
from finetone.models.prepare import prepare
from tests.architectures import small
from tests.reading import write_split

CPU = torch.device("cpu")
FP32 = EngineOptions(precision="fp32")
RECIPE = Recipe(epochs=2, batch_size=4, learning_rate=1e-4)


@dataclass
class Found:
    """What the walk saw of an architecture."""

    execution: str  # unpadded, padded, padded on the left, padded to equal length
    bf16: bool
    drawn_alike: bool  # whether what is drawn at random is what the manifest says
    start_differs: list[str]  # weights
    prediction: float  # largest relative difference of a text's logits
    history: float  # largest relative difference of a step's loss
    notes: list[str]


def walk(kind: str, folder: Path) -> Found:
    """Prepare, tokenize, predict and train a small checkpoint."""
    source, target = small.save(kind, folder / "source"), folder / "model"
    prepare("model", {"path": str(source)}, target)
    manifest, texts = manifest_of(target), small.texts(kind)
    frame = {"id": np.arange(len(texts)), "text": texts, "label": np.arange(len(texts)) % 2}
    write_split(pd.DataFrame(frame).astype({"label": np.int8}), folder / "train.parquet")
    tokenize(folder / "train.parquet", target, ["no", "yes"], small.LONGEST, folder / "t.arrow")
    tokens = read_tokens(folder / "t.arrow")
    module = classifier(target, tokens, seed=1)
    plain, info = hf.AutoModelForSequenceClassification.from_pretrained(
        source, num_labels=2, dtype=torch.float32, output_loading_info=True
    )
    new = sorted(info["missing_keys"])
    ours, theirs = module.state_dict(), plain.state_dict()
    differs = [k for k in ours if k not in new and not torch.equal(ours[k], theirs[k])]
    differs += sorted(ours.keys() ^ theirs.keys())
    plain.load_state_dict(ours)
    for part in (plain.config, plain.config.get_text_config()):
        if getattr(part, "pad_token_id", None) is None:
            part.pad_token_id = tokens.meta.pad_token_id

    execution = Execution(FP32, 1, CPU)
    with execution.running(module, tokens, 0):
        logits = torch.from_numpy(predict_module(module, tokens, execution=execution))
    alone = one_at_a_time(plain, tokens)
    scale = alone.abs().amax(1)
    plan = execution.plan
    matters = plan.padding_matters
    history = loop.train(
        module, tokens, RECIPE, FP32, 1, state=folder / "state", device=CPU
    ).history.column("loss")
    expected = plain_history(plain, tokens, padded=matters)
    bf16 = Execution(EngineOptions(precision="bf16", padding_free="off"), 1, CPU)
    with bf16.running(module, tokens, 0, training_texts=[tokens]):
        pass
    return Found(
        execution="unpadded" if plan.padding_free
        else "padded to equal length" if matters
        else "padded on the left" if plan.padding_side == "left" else "padded",
        bf16=bf16.precision == "bf16",
        drawn_alike=sorted([*manifest["new_keys"], *manifest["missing_keys"]]) == new,
        start_differs=differs,
        prediction=float(((logits - alone).abs().amax(1) / scale).max()),
        history=float(np.abs(history.to_numpy() / expected - 1).max()),
        notes=execution.notes,
    )  # fmt: skip


def one_at_a_time(plain: nn.Module, tokens: Tokens) -> torch.Tensor:
    """Logits of each text by a fresh copy of a plain model."""
    logits = []
    for row in range(len(tokens)):
        model = copy.deepcopy(plain).eval()
        batch = collate(tokens, np.array([row]), CPU)
        with torch.no_grad(), full_attention(model):
            logits.append(
                model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
            )
    return torch.cat(logits)


def plain_history(plain: nn.Module, tokens: Tokens, padded: bool) -> np.ndarray:
    """The losses of a plain training loop on batches that are padded, or one text at a time."""
    model = copy.deepcopy(plain).train()
    optimizer, losses = adamw(model, RECIPE), []
    with full_attention(model):
        for epoch in range(1, RECIPE.epochs + 1):
            order = epoch_order(1, epoch, len(tokens))
            for start in range(0, len(order), RECIPE.batch_size):
                rows = order[start : start + RECIPE.batch_size]
                optimizer.zero_grad()
                total = 0.0
                for part in [rows] if padded else rows[:, None]:
                    batch = collate(tokens, part, CPU)
                    output = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
                    loss = F.cross_entropy(output.logits, batch.labels, reduction="sum") / len(rows)
                    loss.backward()
                    total += loss.item()
                optimizer.step()
                losses.append(total)
    return np.array(losses)
