"""An intermediate fine-tune on SQuAD v1.1, before the task that is compared.

The recipe is that of the usual reference scripts for extractive question answering: AdamW without
weight decay, learning rate falling linearly to 0, gradients clipped to norm 1, windows of 384
tokens that overlap by 128, a window without the answer pointing at [CLS]. The paper's
`ernie-2.0-base-en-finetuned-squad` was published for another framework only, so it is made anew
here and labelled "re-created" wherever it appears.
"""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForQuestionAnswering, PreTrainedModel, PreTrainedTokenizerBase

from finetone import files
from finetone.config.blocks import ModelBlock
from finetone.engine import saved_state
from finetone.engine.execution import Execution
from finetone.engine.loop import learn
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.errors import UserError
from finetone.log import logger
from finetone.models import architecture, checkpoint, layers, prepare
from finetone.models.tokenizer import load as load_tokenizer
from finetone.provenance import Provenance
from finetone.seeds import derive
from finetone.squad.questions import read
from finetone.squad.span_prediction import SpanPrediction, evaluate
from finetone.squad.windows import windows

LABEL = "re-created"


def intermediate(
    name: str,
    block: ModelBlock,
    base: Path,
    questions: Path,
    target: Path,
    *,
    state: Path,
    threads: int = 1,
    provenance: Provenance | None = None,
) -> None:
    """Make the prepared folder of a model that is fine-tuned on SQuAD first.

    The backbone's weights are the fine-tuned ones; what a question answering model does not have,
    such as the pooler, stays as it is in `base`.

    Parameters
    ----------
    name, block
        The model and its entry in the configuration, which has `intermediate:`.
    base
        Prepared folder of the model `intermediate.from`.
    questions
        Folder that `finetone.squad.questions.download` wrote.
    target
        Folder to write.
    state
        Folder that a killed run continues from; is removed at the end.
    threads
        CPU threads.
    provenance
        Is recorded.

    Raises
    ------
    UserError
        The questions cannot be read, or the architecture cannot answer questions.
    """
    asked = files.check_folder(questions)
    manifest = files.check_folder(base)
    train, validation = (read(questions / f"{split}.jsonl") for split in ("train", "validation"))
    config_key = f"models.{name}.intermediate"
    settings = block["intermediate"]
    if manifest["weights"] == "random":
        raise UserError(
            f"{config_key}.from: {settings['from']!r} has no pretrained weights; start from one that has"
        )
    train = train[: settings.get("rows") or None]

    model, tokenizer = _question_answerer(base, block, config_key)
    cut = {key: settings[key] for key in ("max_length", "stride")} | {"config_key": config_key}
    # positions in the text are for answering only: without them all of SQuAD needs much less memory
    nowhere = np.empty((0, 2), dtype=np.int32)
    learning = [replace(w, offsets=nowhere) for w in windows(tokenizer, train, **cut)]
    given = {key: settings[key] for key in ("epochs", "batch_size", "learning_rate")}
    recipe = Recipe(**given, weight_decay=0.0, schedule="linear", clip_norm=1.0)
    execution = Execution(EngineOptions(), threads)
    execution.precision = "bf16" if execution.device.type == "cuda" else "fp32"
    seed = derive(settings["seed"], "squad")
    with execution.running(model, None, seed):
        learn(model, SpanPrediction(learning, tokenizer), recipe, execution, seed, state=state)
    held_out = SpanPrediction(list(windows(tokenizer, validation, **cut)), tokenizer)
    scores = evaluate(model, held_out, validation, execution)
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
        name,
        loaded,
        tokenizer,
        target,
        provenance=provenance,
        source={
            "kind": "intermediate",
            "from": settings["from"],
            "base": manifest["source"],
            "revision": manifest["revision"],
        },
        keep_layers=block.get("keep_layers"),
        **{key: manifest[key] for key in ("pad_token_id",) if key in manifest},
        intermediate={
            "task": "question answering (SQuAD v1.1)",
            "dataset": asked["id"],
            "revision": asked["revision"],
            "train_questions": len(train),
            "validation_questions": len(validation),
            **{key: value for key, value in settings.items() if key not in ("from", "hub", "rows")},
            **scores,
            "label": LABEL,
            **({"notes": execution.notes} if execution.notes else {}),
        },
    )
    saved_state.discard(state)


def _question_answerer(
    base: Path, block: ModelBlock, config_key: str
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model with a fresh head for starts and ends, drawn under the entry's seed."""
    config = architecture.read_config(base, config_key)
    if block.get("keep_layers"):
        layers.keep(config, block["keep_layers"], config_key.split(".")[1])
    tokenizer = load_tokenizer(base, config, config_key)
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
    return model, tokenizer
