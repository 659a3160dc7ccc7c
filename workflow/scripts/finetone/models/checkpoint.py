"""Load the checkpoint in a folder as a classifier; every missing or additional weight is named."""

import json
import pickle
import re
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from transformers import AutoModelForSequenceClassification, PreTrainedModel
from transformers.utils import logging

from finetone.errors import UserError, first_line
from finetone.log import out_of_memory
from finetone.models import architecture, layers
from finetone.models.weight_names import WeightNames, without

QUANTIZED = re.compile("[IU][48]$|F[48]$|F[468]_")  # types of safetensors
MOST_HEADER = 100_000_000  # bytes, as the format allows
SMALL = 100_000_000  # parameters that fit into memory whatever the files hold


@dataclass
class Loaded:
    """A classifier whose body comes from a checkpoint.

    `weights` holds what the checkpoint really gave (fp32, no classifier head). What is in the model
    but not there is drawn at random: the classifier's `head`, and what is `missing`. `unexpected`
    is in the checkpoint, but not in the model.
    """

    model: PreTrainedModel
    weights: dict[str, torch.Tensor]
    missing: list[str]
    unexpected: list[str]
    head: list[str]


def load(
    folder: Path,
    config_key: str,
    *,
    labels: int = 2,
    keep_layers: int | None = None,
    allow_missing: Iterable[str] = (),
    allow_unexpected: Iterable[str] = (),
) -> Loaded:
    """Load `folder` as a classifier in fp32 and account for every key.

    Weights are read as safetensors, or as pytorch_model.bin with `weights_only`; nothing is ever
    unpickled freely. `config_key` names the config key for error messages.

    Raises
    ------
    UserError
        The files cannot be read, or backbone keys are missing, left over or of another shape,
        unless they match a regular expression of `allow_missing` / `allow_unexpected`.
    """
    config = architecture.read_config(folder, config_key)
    config.num_labels = labels
    config.problem_type = None  # left over from another task it would choose another loss
    described = architecture.skeleton(config, config_key)
    whole, names = set(described.state_dict()), WeightNames.of(config)
    _refuse_few(folder, described.num_parameters(), config_key)
    _refuse_quantized(folder, config_key)
    if keep_layers is not None:
        layers.keep(config, keep_layers, config_key.removeprefix("models."))
    try:
        with quiet():
            model, info = AutoModelForSequenceClassification.from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # reported below, by name
                trust_remote_code=False,
                local_files_only=True,
            )
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{config_key}: the weights in {folder} are a pickle that wants to run code and were "
            f"refused ({first_line(error)}); choose a revision with model.safetensors"
        ) from None
    except Exception as error:  # by format and kind of damage
        if out_of_memory(error):
            raise
        raise UserError(
            f"{config_key}: the weights in {folder} cannot be loaded ({first_line(error)}); "
            "fetch them again or choose another revision"
        ) from None

    own_storage(model)
    head = set(names.head(model))
    # a head of the same name in pretraining may have another shape (Perceiver's decoder)
    odd = {key: (tuple(a), tuple(b)) for key, a, b in info["mismatched_keys"] if key not in head}
    head |= {key for key in odd if without(model.base_model_prefix, key) not in names.body}
    if wrong := sorted(odd.keys() - head):
        theirs, ours = odd[wrong[0]]
        raise UserError(
            f"{config_key}: {len(wrong)} weights do not have the shape config.json says, such as "
            f"{wrong[0]} ({theirs} in the file, {ours} in the model); config and weights do not match"
        )
    missing = sorted(set(info["missing_keys"]) - head)
    needed = [k for k in missing if without(model.base_model_prefix, k) in names.required]
    _refuse(needed, allow_missing, config_key, "are missing from", "allow_missing")
    # layers that keep_layers cut off are not unexpected: the whole model has them
    unexpected = sorted(key for key in info["unexpected_keys"] if not _belongs(key, whole, model))
    strange = [key for key in unexpected if not names.explains(key, model)]
    _refuse(
        strange,
        allow_unexpected,
        config_key,
        "have no place in the model but are in",
        "allow_unexpected",
    )

    absent = head | set(missing)
    weights = {key: value for key, value in model.state_dict().items() if key not in absent}
    _refuse_not_finite(model, absent, config_key)
    return Loaded(model, weights, missing, unexpected, sorted(head))


def own_storage(module: nn.Module) -> None:
    """Give every weight memory of its own, which saving and training ask for.

    transformers leaves parts of a weight that the checkpoint holds fused as views of one another.
    """
    for weight in [*module.parameters(), *module.buffers()]:
        alone = weight.untyped_storage().nbytes() == weight.numel() * weight.element_size()
        if weight.device.type != "meta" and not (alone and weight.is_contiguous()):
            weight.data = weight.data.clone(memory_format=torch.contiguous_format)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the reports of transformers on keys and progress; ours name each key."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        logging.enable_progress_bar()


def _refuse_few(folder: Path, parameters: int, config_key: str) -> None:
    """Refuse a config.json of far more weights than the files can hold.

    transformers would draw all of them in memory before it can report that they are missing.
    """
    stored = 0
    for file in [*folder.glob("*.safetensors"), *folder.glob("*.bin")]:
        size = file.stat().st_size
        stored += size
        if (unpacked := _unpacked(file)) > 2 * size:  # torch.save does not compress
            raise UserError(
                f"{config_key}: {file} unpacks to {unpacked:,} bytes, which weights never do; "
                "choose a revision with model.safetensors"
            )
    if parameters > max(SMALL, 4 * stored):
        raise UserError(
            f"{config_key}: config.json describes {parameters:,} parameters, but the weights in "
            f"{folder} have {stored:,} bytes; config and weights do not match"
        )


def _refuse_quantized(folder: Path, config_key: str) -> None:
    """Refuse weights of few bits, which without their scales would be read as other numbers."""
    for file in sorted(folder.glob("*.safetensors")):
        try:
            with file.open("rb") as stream:
                size = int.from_bytes(stream.read(8), "little")
                header = json.loads(stream.read(min(size, MOST_HEADER)))
            found = [
                (key, about["dtype"])
                for key, about in header.items()
                # masks and positions may be of whole numbers
                if key.endswith("weight") and QUANTIZED.match(about["dtype"])
            ]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue  # the library says what is broken
        if found:
            raise UserError(
                f"{config_key}: {len(found)} weights in {file} are quantized, such as {found[0][0]} "
                f"({found[0][1]}), and cannot be trained; choose the weights they were made from"
            )


def _unpacked(file: Path) -> int:
    """Bytes of all entries of a zip archive; 0 for other files and broken ones, which torch names."""
    try:
        with zipfile.ZipFile(file) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except Exception:
        return 0


def _refuse_not_finite(model: PreTrainedModel, absent: set[str], config_key: str) -> None:
    for key, weight in model.named_parameters():
        if key not in absent and not torch.stack(torch.aminmax(weight.detach())).isfinite().all():
            what = "NaN" if weight.isnan().any() else "an infinite number"
            raise UserError(
                f"{config_key}: weight {key} holds {what}; the checkpoint is damaged, choose another "
                "revision"
            )


def _belongs(key: str, whole: set[str], model: PreTrainedModel) -> bool:
    return key in whole or f"{model.base_model_prefix}.{key}" in whole


def _refuse(
    keys: list[str], allowed: Iterable[str], config_key: str, what: str, allow: str
) -> None:
    patterns = list(allowed)
    bad = [key for key in keys if not any(re.search(pattern, key) for pattern in patterns)]
    if bad:
        shown = ", ".join(bad[:5]) + (f" and {len(bad) - 5} more" if len(bad) > 5 else "")
        raise UserError(
            f"{config_key}: weights {what} the checkpoint: {shown}; if that is right, list them under "
            f"{config_key}.{allow}"
        )
