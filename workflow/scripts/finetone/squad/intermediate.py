"""An intermediate fine-tune on SQuAD v1.1, before the task that is compared.

The recipe is that of the usual reference scripts for extractive question answering: AdamW without
weight decay, learning rate falling linearly to 0, gradients clipped to norm 1, windows of 384
tokens that overlap by 128, a window without the answer pointing at [CLS]. The paper's
`ernie-2.0-base-en-finetuned-squad` was published for another framework only, so ours is made
anew and says so ("re-created") wherever it appears.
"""

import re
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import AutoModelForQuestionAnswering, PreTrainedModel, PreTrainedTokenizerBase

from finetone import files
from finetone.engine import device as devices
from finetone.engine import snapshot
from finetone.engine import state as saved
from finetone.engine.recipe import save_every
from finetone.errors import UserError
from finetone.log import logger
from finetone.models import architecture, checkpoint, layers, prepare, tokenizer
from finetone.provenance import Provenance
from finetone.seeds import derive
from finetone.squad import exact_match
from finetone.squad.questions import read
from finetone.squad.windows import Question, Window, best_span, collate, windows

LABEL = "re-created"


def intermediate(
    name: str,
    block: dict[str, Any],
    base: Path,
    questions: Path,
    target: Path,
    *,
    state: Path,
    threads: int = 1,
    provenance: Provenance | None = None,
) -> None:
    """Make folder `target` of model `name`, whose entry `block` has `intermediate:`.

    `base` is the prepared folder of `intermediate.from`, `questions` the folder that
    `finetone.squad.questions.download` wrote; `state` holds what a killed run goes on from and is removed at the
    end.

    Raises
    ------
    UserError
        The questions cannot be read, or the architecture cannot answer questions.
    """
    manifest = files.check_folder(questions)
    files.check_folder(base)
    fine_tune(
        name,
        block,
        base,
        target,
        read(questions / "train.jsonl"),
        read(questions / "validation.jsonl"),
        state=state,
        threads=threads,
        dataset={"dataset": manifest["id"], "revision": manifest["revision"]},
        provenance=provenance,
    )


def fine_tune(
    name: str,
    block: dict[str, Any],
    base: Path,
    target: Path,
    train: Sequence[Question],
    validation: Sequence[Question],
    *,
    state: Path,
    threads: int = 1,
    dataset: dict[str, Any],
    provenance: Provenance | None = None,
) -> None:
    """Fine-tune `base` on `train`, score it on `validation` and write the prepared folder `target`.

    The backbone's weights are the fine-tuned ones; what a question answering model does not have,
    such as the pooler, stays as it is in `base`.
    """
    config_key = f"models.{name}.intermediate"
    settings = block["intermediate"]
    torch.set_num_threads(threads)
    device = devices.pick()
    manifest = files.read_json(base / "manifest.json")
    if manifest["weights"] == "random":
        raise UserError(
            f"{config_key}.from: {settings['from']!r} has no pretrained weights; start from one that has"
        )
    train = train[: settings["rows"]] if settings.get("rows") else train

    model, reader = _question_answerer(base, block, config_key)
    cut = {"max_length": settings["max_length"], "stride": settings["stride"], "where": config_key}
    # where a token stands in the text is for answering only: much memory saved on all of SQuAD
    nowhere = np.empty((0, 2), dtype=np.int32)
    learning = [replace(w, offsets=nowhere) for w in windows(reader, train, **cut)]
    fingerprint = saved.digest(
        {key: value for key, value in settings.items() if key != "hub"},
        dataset,
        block.get("keep_layers"),
        manifest["files"],
        len(learning),
        torch.__version__,
    )
    nn.Module.to(model, device)  # its own `to` is typed too narrowly
    notes = _train(model, learning, settings, reader, state, fingerprint)
    scores = evaluate(model, reader, validation, list(windows(reader, validation, **cut)))
    logger.info("%s: exact match %.4f, F1 %.4f", config_key, scores["exact_match"], scores["f1"])

    loaded = checkpoint.load(
        base,
        f"models.{name}",
        keep_layers=block.get("keep_layers"),
        allow_missing=[re.escape(key) for key in manifest["missing_keys"]],
    )
    learned = model.cpu().state_dict()
    loaded.weights |= {key: learned[key] for key in loaded.weights if key in learned}
    loaded.unexpected = manifest["unexpected_keys"]
    prepare.write(
        name, loaded, reader, target, provenance=provenance,
        source={
            "kind": "intermediate",
            "from": settings["from"],
            "base": manifest["source"],
            "revision": manifest["revision"],
        },
        keep_layers=block.get("keep_layers"),
        intermediate={
            "task": "question answering (SQuAD v1.1)",
            **dataset,
            "train_questions": len(train),
            "validation_questions": len(validation),
            **{key: value for key, value in settings.items() if key not in ("from", "hub", "rows")},
            **scores,
            "label": LABEL,
            **({"notes": notes} if notes else {}),
        },
    )  # fmt: skip
    saved.discard(state)


def _question_answerer(
    base: Path, block: dict[str, Any], config_key: str
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model with a fresh head for starts and ends, drawn under the entry's seed."""
    config = architecture.read_config(base, config_key)
    if block.get("keep_layers"):
        layers.keep(config, block["keep_layers"], config_key.split(".")[1])
    reader = tokenizer.load(base, config, config_key)
    torch.manual_seed(derive(block["intermediate"]["seed"], "squad", "head"))
    try:
        with checkpoint.quiet():
            model = AutoModelForQuestionAnswering.from_pretrained(
                base, config=config, dtype=torch.float32, trust_remote_code=False
            )
    except ValueError as error:
        raise UserError(
            f"{config_key}.from: transformers has no question answering for model_type "
            f"{config.model_type!r}; start from another model"
        ) from error
    return model, reader


def _train(
    model: PreTrainedModel,
    learning: list[Window],
    settings: dict[str, Any],
    reader: PreTrainedTokenizerBase,
    state: Path,
    fingerprint: str,
) -> list[str]:
    """Minimise the mean cross-entropy of the answers' first and last tokens.

    Returns a note for each time it went on from a state of another machine.
    """
    device = model.device
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings["learning_rate"], weight_decay=0)
    per_epoch = -(-len(learning) // settings["batch_size"])
    total = per_epoch * settings["epochs"]
    torch.manual_seed(derive(settings["seed"], "squad", "dropout"))
    machine = {
        "device": device.type,
        "device_name": devices.name(device),
        "threads": torch.get_num_threads(),
        "precision": "bf16" if device.type == "cuda" else "fp32",
    }
    progress: dict[str, Any] = {"done": 0, "machines": [machine], "notes": [], "files": {}}

    def restore(before: dict[str, Any]) -> None:
        snapshot.check(before["notes"], [""] * len(before["notes"]), "notes")
        snapshot.restore(before, model, optimizer)
        progress.update({key: before[key] for key in progress})
        logger.info("squad: resuming after step %d of %d", before["done"], total)
        if before["note"]:
            logger.info("squad: %s", before["note"])
            progress["notes"].append(before["note"])

    saved.load(state, fingerprint, machine, restore)
    done = progress["done"]
    model.train()
    interval, last_saved = save_every(), time.monotonic()
    for step in range(done, total):
        epoch, position = divmod(step, per_epoch)
        if step == done or position == 0:
            shuffle = np.random.default_rng(derive(settings["seed"], "squad", "order", epoch))
            order = shuffle.permutation(len(learning))
        rows = order[position * settings["batch_size"] :][: settings["batch_size"]]
        batch = [learning[row] for row in rows]
        start, end = _logits(model, reader, batch)
        targets = torch.tensor([[w.start, w.end] for w in batch], device=device)
        cross_entropy = nn.functional.cross_entropy
        loss = (cross_entropy(start, targets[:, 0]) + cross_entropy(end, targets[:, 1])) / 2
        optimizer.param_groups[0]["lr"] = settings["learning_rate"] * (1 - step / total)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % 100 == 0 or step + 1 == total:
            logger.info("squad: step %d of %d, loss %.4f", step + 1, total, loss.item())
        if time.monotonic() - last_saved > interval or step + 1 == total:
            progress["done"] = step + 1
            saved.save(state, fingerprint, {**snapshot.take(model, optimizer), **progress})
            last_saved = time.monotonic()
    notes: list[str] = progress["notes"]
    return notes


def evaluate(
    model: PreTrainedModel,
    reader: PreTrainedTokenizerBase,
    questions: Sequence[Question],
    cut: Sequence[Window],
    batch_size: int = 64,
) -> dict[str, float]:
    """Exact match and F1 (fractions) of the likeliest span over all windows of each question."""
    model.eval()
    best: dict[int, tuple[float, int, int]] = {}
    with torch.inference_mode():
        for begin in range(0, len(cut), batch_size):
            batch = cut[begin : begin + batch_size]
            starts, ends = (x.cpu().numpy() for x in _logits(model, reader, batch))
            for window, start, end in zip(batch, starts, ends, strict=True):
                n = len(window.ids)
                span = best_span(start[:n], end[:n], window)
                if span and span > best.get(window.question, (-np.inf, 0, 0)):
                    best[window.question] = span
    predictions = {questions[q].id: questions[q].context[a:b] for q, (_, a, b) in best.items()}
    return exact_match.score(predictions, {q.id: q.answers for q in questions})


def _logits(
    model: PreTrainedModel, reader: PreTrainedTokenizerBase, batch: Sequence[Window]
) -> tuple[torch.Tensor, torch.Tensor]:
    """fp32 logits [b, t] of first and last tokens; computed in bf16 on a GPU."""
    types = "token_type_ids" in reader.model_input_names
    inputs = collate(batch, int(reader.pad_token_id), model.device, types)
    gpu = model.device.type == "cuda"
    with torch.autocast("cuda", dtype=torch.bfloat16) if gpu else nullcontext():
        output = model(**inputs)
    return output.start_logits.float(), output.end_logits.float()
