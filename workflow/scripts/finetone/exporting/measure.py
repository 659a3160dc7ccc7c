"""What an exported model costs and keeps: logits of the test rows, and times beside the original."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from finetone import files, machine
from finetone.engine.batches import by_length
from finetone.engine.execution import Execution
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


def measure(
    exported: Path,
    checkpoint: Path,
    tokens: Path,
    targets: Mapping[str, Path],
    speed: Path,
    *,
    threads: int,
    provenance: Mapping[str, Provenance] | None = None,
) -> None:
    """Predict the test rows with every form, and time all of them and the original in turn.

    Parameters
    ----------
    exported
        The folder that `onnx_files.export` made.
    checkpoint
        The original's folder, beside its run.json.
    tokens
        Token file of the test rows.
    targets
        {form: prediction file to write}. Its method is called `<model> <form>`.
    speed
        The timings to write, by form, with the original's.
    threads
        CPU threads.
    provenance
        {form or "speed": its record}.
    """
    require()
    files.check_folder(exported)
    record = run_record.check(checkpoint.with_name("run.json"), checkpoint.name)
    data, given = read_tokens(tokens), provenance or {}
    made_from = {
        "tokens": files.sha256(tokens),
        "exported": files.sha256(exported / "manifest.json"),
    }
    for form, target in targets.items():
        session = Session(exported / FORMS[form], threads)
        logits = np.empty((len(data), len(record.labels)), dtype=np.float32)
        for some in by_length(data.lengths, BUDGET):
            logits[some] = session.logits(padded(data, some))
        meta = {
            "dataset": record.dataset,
            "method": f"{record.method} {form}",
            "seed": record.seed,
            "labels": record.labels,
            "kept_epoch": record.kept_epoch,
            "made_from": made_from,
        }
        predictions.write(
            target, data.ids, data.labels, {record.kept_epoch: logits}, meta, given.get(form)
        )
    cpu = torch.device("cpu")
    methods: dict[str, Any] = {ORIGINAL: partial(_original, checkpoint, record, data, threads)}
    methods |= {form: partial(_form, exported / FORMS[form], data, threads) for form in targets}
    rows, timed = in_turn(methods, data.lengths, BATCH_SIZE, cpu)
    found = {name: TimedMethod(timed[name]) for name in methods}
    about = (len(rows[0]), cpu.type, machine.processor(), threads)
    rounds.write(speed, Rounds(found, *about), given.get("speed"))


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
