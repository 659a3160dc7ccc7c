"""A checkpoint as ONNX files, with weights of 32 bits and of 8, that run without torch.

The 8-bit file is onnxruntime's dynamic quantization: matrices of weights become int8, and what they
are multiplied with is quantized batch by batch. Both are compared with the original before they are
written: logits of real texts, padded together, against the original's of each text alone.
"""

import json
import logging
import re
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from finetone import files
from finetone.errors import UserError, first_line
from finetone.formats import run_record, temperature
from finetone.formats.token_file import Tokens, read_tokens
from finetone.log import logger
from finetone.provenance import Provenance, keys_of

LIBRARIES = ("onnx", "onnxruntime", "onnxscript")
FORMS = {"fp32": "model.onnx", "int8": "model.int8.onnx"}
SETTINGS = "settings.json"
EXAMPLE = "example.py"
CHECKED = 8  # texts
TOLERANCE = 1e-3  # of fp32 logits, relative to the largest
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
LARGEST = 2_000_000_000  # bytes of one ONNX file, which is a protocol buffer


def export(
    checkpoint: Path,
    tokens: Path,
    target: Path,
    *,
    fitted: Path | None = None,
    provenance: Provenance | None = None,
) -> None:
    """Write the folder of a model: both forms, tokenizer, settings, an example and a manifest.

    Parameters
    ----------
    checkpoint
        The folder of a fine-tuned model, beside its run.json.
    tokens
        Token file with texts to compare the forms on.
    target
        The folder to make.
    fitted
        Its temperature file.
    provenance
        The record of the folder.

    Raises
    ------
    UserError
        The packages for it are not installed, the model cannot be exported, or the exported one
        gives other logits.
    """
    require()
    name = checkpoint.parts[-3]
    record = run_record.check(checkpoint.with_name("run.json"), checkpoint.name)
    known = None if fitted is None else temperature.read(fitted).temperature
    data = read_tokens(tokens)
    module, texts = _load(checkpoint, name), _few(data)
    with files.atomic(target) as folder:
        folder.mkdir()
        _write_forms(module, texts, folder, name)
        _check(module, texts, folder / FORMS["fp32"], name)
        for file in sorted(checkpoint.iterdir()):
            if file.name == "config.json" or file.name.startswith(("tokenizer", "special_tokens")):
                shutil.copyfile(file, folder / file.name)
        settings = {
            "labels": record.labels,
            "max_length": data.meta.max_length,
            "pad_token_id": data.meta.pad_token_id,
            "temperature": known,
        }
        (folder / SETTINGS).write_text(json.dumps(settings, ensure_ascii=False), encoding="utf-8")
        shutil.copyfile(Path(__file__).with_name("example.py.txt"), folder / EXAMPLE)
        hashes = {file.name: files.sha256(file) for file in sorted(folder.iterdir())}
        sizes = {form: (folder / file).stat().st_size for form, file in FORMS.items()}
        original = sum(file.stat().st_size for file in checkpoint.glob("*.safetensors"))
        about = {
            "model": name,
            "seed": record.seed,
            "bytes": {"original": original} | sizes,
            "checkpoint": record.content,
            "files": hashes,
        }
        files.write_json(folder / "manifest.json", keys_of(provenance) | about)
    logger.info("%s: %s", name, ", ".join(f"{form} {n:,} bytes" for form, n in sizes.items()))


def require() -> None:
    """Check that the packages of the group `export` are installed.

    Raises
    ------
    UserError
        One is not.
    """
    if missing := [name for name in LIBRARIES if find_spec(name) is None]:
        raise UserError(
            f"export: needs {', '.join(missing)}; pip install 'finetone[export]' (or -e '.[export]' "
            "in a clone), or take export: out of the configuration"
        )


def _load(checkpoint: Path, name: str) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    config = AutoConfig.from_pretrained(checkpoint)
    if config.is_encoder_decoder:
        kind = (config.architectures or [config.model_type])[0]
        raise UserError(
            f"export: {name} is a {kind}, an encoder-decoder; encoders and decoders alone are exported"
        )
    module = AutoModelForSequenceClassification.from_pretrained(checkpoint, dtype=torch.float32)
    if 4 * module.num_parameters() > LARGEST:
        raise UserError(
            f"export: {name} has {module.num_parameters():,} parameters, which do not fit into one "
            "ONNX file of 2 GB; export a smaller one"
        )
    module.eval().config.use_cache = False
    return module


def _few(data: Tokens) -> Tokens:
    """Some texts from short to long."""
    order = np.argsort(data.lengths, kind="stable")
    rows = order[np.linspace(0, len(order) - 1, min(CHECKED, len(order))).astype(int)]
    parts = [data.input_ids[data.offsets[row] : data.offsets[row + 1]] for row in rows]
    offsets = np.cumsum([0, *map(len, parts)], dtype=np.int64)
    ids, labels = data.ids[rows], data.labels[rows]
    return Tokens(ids, labels, offsets, np.concatenate(parts), data.meta)


def _write_forms(module: Any, texts: Tokens, folder: Path, name: str) -> None:
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.module(input_ids, attention_mask=attention_mask).logits
            return logits

    names = ["input_ids", "attention_mask"]
    rows = np.argsort(texts.lengths)[[-1, 0]] if len(texts) > 1 else np.array([0, 0])
    example = padded(texts, rows)
    sizes = {0: torch.export.Dim("texts"), 1: torch.export.Dim("tokens")}
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                Logits(), tuple(torch.from_numpy(example[key]) for key in names), dynamo=True,
                input_names=names, output_names=["logits"], dynamic_shapes=(sizes, sizes),
                verbose=False,
            )  # fmt: skip
            assert program is not None
            _forget_places(program.model)
            program.save(folder / FORMS["fp32"])
            quantize_dynamic(
                folder / FORMS["fp32"], folder / FORMS["int8"], weight_type=QuantType.QInt8
            )
    except Exception as error:  # whatever the exporter meets in a model's code
        raise UserError(
            f"export: {name}, a {type(module).__name__}, cannot be exported to ONNX "
            f"({_reason(error)}); take it out of export:"
        ) from error


def _reason(error: BaseException) -> str:
    """What is behind an error of the exporter, which tells of its own steps, in colours."""
    while error.__cause__ is not None:
        error = error.__cause__
    return COLOURS.sub("", first_line(error))


def _forget_places(model: Any) -> None:
    """Take out the exporter's notes, which name files of this machine."""
    for graph in [model.graph, *(function.graph for function in model.functions.values())]:
        for node in graph.all_nodes():
            node.metadata_props.clear()
            node.doc_string = None
    model.graph.metadata_props.clear()


def _check(module: Any, texts: Tokens, file: Path, name: str) -> None:
    """Refuse an exported model whose logits are not the original's."""
    import torch

    from finetone.exporting.session import Session

    with torch.no_grad():
        right = np.concatenate(
            [
                module(**{key: torch.from_numpy(ids) for key, ids in one.items()}).logits.numpy()
                for one in (padded(texts, np.array([row])) for row in range(len(texts)))
            ]
        )
    found = Session(file).logits(padded(texts, np.arange(len(texts))))
    largest = max(float(np.abs(right).max()), 1e-3)
    if not np.abs(found - right).max() <= TOLERANCE * largest:
        raise UserError(
            f"export: {name}, a {type(module).__name__}, gives other logits as ONNX (by "
            f"{np.abs(found - right).max():.2g}); take it out of export:"
        )


def padded(data: Tokens, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Rows of a token file, padded on the right: `input_ids`, `attention_mask`, int64 [b, t]."""
    lengths = data.lengths[rows]
    real = np.arange(lengths.max()) < lengths[:, None]
    source = data.offsets[rows][:, None] + np.arange(lengths.max())
    ids = np.full(real.shape, data.meta.pad_token_id, dtype=np.int64)
    ids[real] = data.input_ids[source[real]]
    return {"input_ids": ids, "attention_mask": real.astype(np.int64)}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks, which concern its authors."""
    before = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)
