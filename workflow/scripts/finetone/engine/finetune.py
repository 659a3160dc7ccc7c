"""One fine-tuning run: a model folder and token files in, history, checkpoint and run.json out."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification

from finetone import machine
from finetone.cards.run_card import card
from finetone.engine import state as states
from finetone.engine.loop import train as run_loop
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.errors import UserError
from finetone.files import atomic, manifest_of, sha256
from finetone.formats import run_record
from finetone.formats.run_record import RunRecord
from finetone.formats.token_file import Tokens, read_tokens
from finetone.models import parameters
from finetone.provenance import Provenance
from finetone.seeds import derive

# files of a model folder that `save_pretrained` writes anew or that speak of the base model only
NOT_COPIED = {"config.json", "manifest.json", "README.md", ".snakemake_timestamp"}
WEIGHTS = {".safetensors", ".bin", ".h5", ".msgpack", ".onnx", ".pt", ".index"}


def finetune(
    model_dir: Path,
    train: Path,
    *,
    dev: Path | None,
    recipe: dict[str, Any],
    engine: dict[str, Any],
    seed: int,
    method: str,
    history: Path,
    run: Path,
    checkpoint: Path,
    epochs: Path,
    state: Path,
    threads: int,
    made_from: dict[str, str] | None = None,
    dataset: str = "",
    provenance: Provenance | None = None,
) -> None:
    """Fine-tune the model in `model_dir` on a token file and write the run's four outputs.

    `history`, `run`, `checkpoint` and `epochs` are written as docs/architecture.md has them;
    `state` is a folder that survives a kill and is removed on success.
    """
    rules, options = Recipe.of(recipe), EngineOptions.of(engine)
    data = read_tokens(train)
    dev_data = read_tokens(dev) if dev else None
    module = classifier(model_dir, data, seed)
    if made_from is None:
        made_from = {"train": sha256(train), "model": sha256(model_dir)}

    result = run_loop(
        module, data, rules, options, seed, state=state, dev=dev_data, threads=threads
    )

    record = RunRecord(
        method=method,
        kind="finetune",
        seed=seed,
        dataset=dataset,
        labels=data.meta.labels,
        recipe=rules.as_dict(),
        engine=options.as_dict(),
        versions=machine.versions("torch", "transformers", "numpy"),
        parameters=parameters.count(module),
        epochs=rules.epochs,
        made_from=made_from,
        **result.measured(),
    )
    with atomic(history) as partial:
        pq.write_table(result.history, partial)
    with atomic(checkpoint) as partial:
        module.save_pretrained(partial)  # type: ignore[operator]
        copy_tokenizer(model_dir, partial)
        source = manifest_of(model_dir).get("source", {})
        text = card(record, source=source, max_length=data.meta.max_length)
        (partial / "README.md").write_text(text, encoding="utf-8")
    with atomic(epochs) as partial:
        partial.mkdir()
        for epoch, path in enumerate(result.epochs, start=1):
            if epoch != result.kept_epoch:
                shutil.copyfile(path, partial / path.name)
    parts = (path.name for path in (history, checkpoint, epochs))
    run_record.write(run, record, *parts, provenance=provenance)
    states.discard(state)


def classifier(model_dir: Path, tokens: Tokens, seed: int) -> nn.Module:
    """The folder's model in fp32 with a classification head whose random weights hang on `seed`."""
    labels = tokens.meta["labels"]
    torch.manual_seed(derive(seed, "head"))
    head: dict[str, Any] = {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {name: number for number, name in enumerate(labels)},
    }
    auto = AutoModelForSequenceClassification
    module: nn.Module
    if has_random_weights(model_dir):  # un-pretrained: the whole network is drawn from the seed
        module = auto.from_config(
            AutoConfig.from_pretrained(model_dir, **head), dtype=torch.float32
        )
    else:
        module = auto.from_pretrained(
            model_dir, dtype=torch.float32, ignore_mismatched_sizes=True, **head
        )
    config: Any = module.config
    if config.pad_token_id is None:  # GPT-2 and its kin
        config.pad_token_id = tokens.meta["pad_token_id"]
    check_fits(model_dir, tokens, module)
    return module


def has_random_weights(model_dir: Path) -> bool:
    """Whether the folder is an architecture without weights (its manifest says so)."""
    return bool(manifest_of(model_dir).get("weights") == "random")


def check_fits(model_dir: Path, tokens: Tokens, module: nn.Module) -> None:
    """Refuse token files of another tokenizer or of texts longer than the model's positions."""
    if len(tokens) == 0:
        return
    config: Any = module.config
    largest, vocabulary = int(tokens.input_ids.max(initial=0)), config.get_text_config().vocab_size
    if largest >= vocabulary:
        raise UserError(
            f"{model_dir}: token id {largest} but the model knows only {vocabulary}; "
            "the texts were tokenized for another model"
        )
    longest, limit = int(tokens.lengths.max()), getattr(config, "max_position_embeddings", None)
    for (
        name,
        layer,
    ) in module.named_modules():  # RoBERTa counts positions from behind its padding id
        if limit and name.endswith("position_embeddings") and isinstance(layer, nn.Embedding):
            limit -= 0 if layer.padding_idx is None else layer.padding_idx + 1
    if limit and longest > limit:
        raise UserError(
            f"max_length: texts of {longest} tokens, but {model_dir.name} has {limit} positions; "
            f"set max_length to {limit} or less"
        )


def copy_tokenizer(source: Path, target: Path) -> None:
    """Copy a model folder's tokenizer files (all that is neither weights nor configuration)."""
    for file in source.iterdir():
        weights = file.suffix in WEIGHTS or file.name.endswith(".index.json")
        if file.is_file() and not weights and file.name not in NOT_COPIED:
            shutil.copyfile(file, target / file.name)
