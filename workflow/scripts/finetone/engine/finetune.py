"""One fine-tuning run: a model folder and token files in, history, checkpoint and run.json out."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification

from finetone.cards.run_card import card
from finetone.engine import loop, saved_state
from finetone.engine.hardware import devices, footprint, machine
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.errors import UserError
from finetone.files import atomic, manifest_of, sha256
from finetone.formats import row_subset, run_record
from finetone.formats.run_record import RunRecord
from finetone.formats.token_file import Tokens, read_tokens
from finetone.models import parameters, positions
from finetone.models.checkpoint import own_storage
from finetone.models.tokenizer import is_token
from finetone.provenance import Provenance
from finetone.seeds import derive

# files of a model folder that `save_pretrained` writes anew or that speak of the base model only
NOT_COPIED = {"config.json", "manifest.json", "README.md", ".snakemake_timestamp"}
OFFSET = 4  # positions that a configuration states and no text can have, at most (RoBERTa: 2)
WEIGHTS = {".safetensors", ".bin", ".h5", ".msgpack", ".onnx", ".pt", ".index"}


@dataclass(frozen=True)
class RunPaths:
    """What a run writes, as docs/architecture.md describes it, and where its state is meanwhile."""

    history: Path
    run: Path  # run.json
    checkpoint: Path
    epochs: Path
    state: Path  # folder that a killed run continues from; removed on success


@dataclass(frozen=True)
class RunIdentity:
    """What a run is called in its record; `seed` also determines all that is random in it."""

    method: str
    seed: int
    dataset: str = ""
    made_from: dict[str, str] | None = None  # hashes; by default of the model and the token file
    tuned: dict[str, Any] | None = None  # values of the recipe that the dev split decided
    provenance: Provenance | None = None


def finetune(
    model_dir: Path,
    train: Path,
    paths: RunPaths,
    identity: RunIdentity,
    *,
    dev: Path | None,
    recipe: Recipe,
    options: EngineOptions,
    threads: int,
    rows: Path | None = None,
) -> None:
    """Fine-tune a model on a token file and write the run.

    Parameters
    ----------
    model_dir
        Folder of a pretrained model.
    train
        Token file to learn from.
    paths
        Files and folders to write.
    identity
        What the run is called.
    dev
        Token file to measure the recipe's `choose_by` on after every epoch.
    recipe, options
        What is learned, and how it is executed.
    threads
        CPU threads.
    rows
        Row subset of the token file to learn from, instead of all of it. Random numbers then depend
        on its name as well.

    Raises
    ------
    UserError
        The texts do not fit the model, or the model the device; or as `loop.train` does.
    """
    seed = identity.seed
    data = read_tokens(train)
    chosen, draws = row_subset.for_training(rows, len(data), seed)
    data = data if chosen is None else data.take(chosen)
    dev_data = read_tokens(dev) if dev else None
    check_memory(model_dir, data, recipe.batch_size, options)
    module = classifier(model_dir, data, draws)
    hashes = identity.made_from or {"train": sha256(train), "model": sha256(model_dir)}
    if rows is not None:
        hashes = hashes | {"rows": sha256(rows)}

    result = loop.train(
        module, data, recipe, options, draws, state=paths.state, dev=dev_data, threads=threads
    )

    record = RunRecord(
        method=identity.method,
        kind="finetune",
        seed=seed,
        dataset=identity.dataset,
        labels=data.meta.labels,
        recipe=recipe.as_dict(),
        tuned=identity.tuned or {},
        engine=options.as_dict(),
        versions=machine.versions("torch", "transformers", "numpy"),
        parameters=parameters.count(module),
        max_length=data.meta.max_length,
        epochs=recipe.epochs,
        made_from=hashes,
        **result.measured(),
    )
    with atomic(paths.history) as partial:
        pq.write_table(result.history, partial)
    with atomic(paths.checkpoint) as partial:
        module.save_pretrained(partial)  # type: ignore[operator]
        copy_tokenizer(model_dir, partial)
        source = manifest_of(model_dir).get("source", {})
        text = card(record, source=source, max_length=data.meta.max_length)
        (partial / "README.md").write_text(text, encoding="utf-8")
    with atomic(paths.epochs) as partial:
        partial.mkdir()
        for epoch, path in enumerate(result.epochs, start=1):
            if epoch != result.kept_epoch:
                shutil.copyfile(path, partial / path.name)
    parts = (path.name for path in (paths.history, paths.checkpoint, paths.epochs))
    run_record.write(paths.run, record, *parts, provenance=identity.provenance)
    saved_state.discard(paths.state)


def classifier(model_dir: Path, tokens: Tokens, seed: int) -> nn.Module:
    """Load a model in fp32 with a new classification head for the labels of a token file.

    Parameters
    ----------
    model_dir
        Folder of a pretrained model, or of an architecture without weights.
    tokens
        Texts the model is for.
    seed
        Of all weights that are new.

    Raises
    ------
    UserError
        The texts do not fit the model.
    """
    labels = tokens.meta.labels
    torch.manual_seed(derive(seed, "head"))
    head: dict[str, Any] = {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {name: number for number, name in enumerate(labels)},
    }
    auto = AutoModelForSequenceClassification
    module: nn.Module
    manifest = manifest_of(model_dir)
    if "pad_token_id" in manifest:  # of the checkpoint; the prepared folder may have been given one
        head["pad_token_id"] = manifest["pad_token_id"]
    if manifest.get("weights") == "random":  # all weights are drawn, not only the head's
        module = auto.from_config(
            AutoConfig.from_pretrained(model_dir, **head), dtype=torch.float32
        )
    else:
        module = auto.from_pretrained(
            model_dir, dtype=torch.float32, ignore_mismatched_sizes=True, **head
        )
    own_storage(module)
    config: Any = module.config
    for part in (config, config.get_text_config()):
        if not is_token(getattr(part, "pad_token_id", None)):  # GPT-2
            part.pad_token_id = tokens.meta.pad_token_id
    check_fits(model_dir, tokens, module)
    return module


def check_memory(model_dir: Path, tokens: Tokens, batch_size: int, options: EngineOptions) -> None:
    """Check that the device has the memory to train the model.

    Raises
    ------
    UserError
        It cannot be enough.
    """
    manifest, device = manifest_of(model_dir), devices.pick()
    if "parameters" not in manifest or len(tokens) == 0:
        return
    text: Any = AutoConfig.from_pretrained(model_dir).get_text_config()
    size = footprint.Size(
        manifest["parameters"]["total"],
        manifest.get("layers", 0),
        getattr(text, "hidden_size", 0),
        untrained=manifest["parameters"]["embedding"] if options.padding_free == "auto" else 0,
    )
    # a GPU that runs out of memory goes on in smaller batches, a CPU does not; and no epoch has
    # only batches below the mean
    whole = int(tokens.lengths.mean() * min(batch_size, len(tokens)))
    least = int(tokens.lengths.max()) if device.type == "cuda" else whole
    footprint.refuse_large(
        model_dir.name, size, least, devices.memory(device), devices.name(device)
    )


def check_fits(model_dir: Path, tokens: Tokens, module: nn.Module) -> None:
    """Check that the model has all the texts' tokens and positions.

    Raises
    ------
    UserError
        The texts are of another tokenizer, or longer than the model allows.
    """
    if len(tokens) == 0:
        return
    config: Any = module.config
    largest = int(tokens.input_ids.max(initial=0))
    vocabulary = getattr(config.get_text_config(), "vocab_size", None)  # CANINE has none
    if vocabulary is not None and largest >= vocabulary:
        raise UserError(
            f"{model_dir}: token id {largest} but the model knows only {vocabulary}; "
            "the texts were tokenized for another model"
        )
    longest = int(tokens.lengths.max())
    stated = positions.stated(config)
    if stated is None or longest <= stated - OFFSET:
        return  # asking the module itself takes longer
    limit = positions.longest(module)
    if limit is not None and longest > limit:
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
