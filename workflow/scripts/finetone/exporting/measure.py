"""What an exported model costs and keeps: logits of the test rows, and times beside the original."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from finetone import files
from finetone.engine.batches import by_length
from finetone.engine.execution import Execution
from finetone.engine.hardware import machine
from finetone.engine.recipe import EngineOptions
from finetone.engine.timing import Run, in_turn
from finetone.exporting.onnx_files import FORMS, padded, require
from finetone.exporting.session import Session
from finetone.formats import predictions, rounds, run_record
from finetone.formats.rounds import Rounds, TimedMethod
from finetone.formats.run_record import RunRecord
from finetone.formats.token_file import Tokens, read_tokens
from finetone.models.checkpoint import own_storage
from finetone.provenance import Provenance

BUDGET = 1 << 13  # tokens in a batch, as the engine has on a CPU
BATCH_SIZE = 32  # texts in a round are a multiple of it
ORIGINAL = "original"


def evaluate(
    exported: Path,
    form: str,
    run: Path,
    tokens: Path,
    target: Path,
    *,
    threads: int,
    provenance: Provenance | None = None,
) -> None:
    """Predict the test rows with one form of an exported model, and write the prediction file.

    Parameters
    ----------
    exported
        The folder that `onnx_files.export` made.
    form
        One of FORMS. The method of the file is called `<model> <form>`.
    run
        The original's run.json.
    tokens
        Token file of the test rows.
    target
        The file to write.
    threads
        CPU threads.
    provenance
        Its record.
    """
    require()
    files.check_folder(exported)
    record, data = run_record.read(run), read_tokens(tokens)
    session = Session(exported / FORMS[form], threads)
    logits = np.empty((len(data), len(record.labels)), dtype=np.float32)
    for some in by_length(data.lengths, BUDGET):
        logits[some] = session.logits(padded(data, some))
    manifest = exported / "manifest.json"
    meta = {
        "dataset": record.dataset,
        "method": f"{record.method} {form}",
        "seed": record.seed,
        "labels": record.labels,
        "kept_epoch": record.kept_epoch,
        "made_from": {"tokens": files.sha256(tokens), "exported": files.sha256(manifest)},
    }
    predictions.write(target, data.ids, data.labels, {record.kept_epoch: logits}, meta, provenance)


def time_forms(
    exported: Path,
    checkpoint: Path,
    tokens: Path,
    target: Path,
    *,
    threads: int,
    provenance: Provenance | None = None,
) -> None:
    """Time all forms and the original in turn, on the CPU, and write the timings.

    Parameters
    ----------
    exported
        The folder that `onnx_files.export` made.
    checkpoint
        The original's folder, beside its run.json.
    tokens
        Token file of the texts.
    target
        The file to write.
    threads
        CPU threads.
    provenance
        Its record.
    """
    require()
    files.check_folder(exported)
    record = run_record.check(checkpoint.with_name("run.json"), checkpoint.name)
    data, cpu = read_tokens(tokens), torch.device("cpu")
    methods: dict[str, Any] = {ORIGINAL: partial(_original, checkpoint, record, data, threads)}
    methods |= {
        form: partial(_form, exported / file, data, threads) for form, file in FORMS.items()
    }
    rows, timed = in_turn(methods, data.lengths, BATCH_SIZE, cpu)
    found = {name: TimedMethod(timed[name]) for name in methods}
    rounds.write(
        target, Rounds(found, len(rows[0]), cpu.type, machine.processor(), threads), provenance
    )


@contextmanager
def _original(
    checkpoint: Path, record: RunRecord, data: Tokens, threads: int
) -> Iterator[dict[str, Run]]:
    from transformers import AutoModelForSequenceClassification

    module = AutoModelForSequenceClassification.from_pretrained(checkpoint, dtype=torch.float32)
    own_storage(module)
    execution = Execution(EngineOptions.of(record.engine), threads, torch.device("cpu"))
    with execution.running(module, data, seed=record.seed):
        module.eval()

        def predict(rows: np.ndarray) -> None:
            with torch.inference_mode():
                for batch in execution.prediction_batches(data.lengths[rows]):
                    execution.logits(module, execution.collate(data, rows[batch]))

        yield {"predict": predict}


@contextmanager
def _form(file: Path, data: Tokens, threads: int) -> Iterator[dict[str, Run]]:
    session = Session(file, threads)

    def predict(rows: np.ndarray) -> None:
        for batch in by_length(data.lengths[rows], BUDGET):
            session.logits(padded(data, rows[batch]))

    yield {"predict": predict}
