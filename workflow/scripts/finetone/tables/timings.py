"""Times of methods from the rounds in which they were measured: medians, rates and ratios."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from finetone.formats import rounds
from finetone.formats.rounds import Rounds
from finetone.statistics.intervals import bounded
from finetone.statistics.variance.order_statistics import TimingEstimate, over_rounds

RELATIVE = {"train": "relative_training", "predict": "relative_prediction"}
TIMED = [
    *bounded("seconds_per_32"),
    "train_tokens_per_s",
    *bounded("inference_examples_per_s"),
    *bounded("seconds_per_million_texts"),
    *(name for column in RELATIVE.values() for name in bounded(column)),
]


def timings(
    speed: Path,
    confidence: float,
    reference: str | None = None,
    ensembles: Mapping[str, tuple[str, int]] | None = None,
) -> pd.DataFrame:
    """Times of all methods, with methods as index; what was not timed is NaN.

    Parameters
    ----------
    speed
        The file speed/rounds.json.
    confidence
        Level of the intervals, in (0, 1).
    reference
        The method that relative times are ratios to.
    ensembles
        {ensemble: (method, its runs)}, which are not timed apart.

    Returns
    -------
    DataFrame
        Columns TIMED and `doubtful` (bool).
    """
    found = rounds.read(speed).with_ensembles(ensembles or {})
    table = pd.DataFrame([_row(found, name, confidence, reference) for name in found.methods])
    table = table.reindex(columns=["method", *TIMED, "doubtful"])
    return table.astype(dict.fromkeys(TIMED, float)).set_index("method")


def _row(found: Rounds, name: str, confidence: float, reference: str | None) -> dict[str, Any]:
    """The times of one method."""
    method = found.methods[name]
    predict, train = method.tasks["predict"], method.tasks.get("train")
    per_text = predict.seconds / found.rows
    measured = {
        "inference_examples_per_s": (1 / per_text, predict.undisturbed),
        "seconds_per_million_texts": (1e6 * per_text, predict.undisturbed),
    }
    if train is not None and method.tokens is not None:
        measured["seconds_per_32"] = 32 * train.seconds / found.rows, train.undisturbed
        measured["train_tokens_per_s"] = method.tokens / train.seconds, train.undisturbed
    own = {column: over_rounds(*each, confidence) for column, each in measured.items()}
    relative = {
        RELATIVE[task]: ratio(found, name, reference, task, confidence)
        for task in method.tasks
        if reference is not None and task in found.methods[reference].tasks
    }
    estimates = (own | relative).items()
    numbers = {n: v for column, e in estimates for n, v in zip(bounded(column), e, strict=False)}
    return {"method": name, **numbers, "doubtful": any(e.doubtful for e in own.values())}


def ratio(
    found: Rounds, a: str, b: str, task: str = "train", confidence: float = 0.95
) -> TimingEstimate:
    """How many times as long as `b` a method `a` takes: the median of the ratios within rounds.

    Both took the same texts in every round, within minutes; what slowed down the whole machine
    for a while does not show in it.

    Parameters
    ----------
    found
        What `formats.rounds.read` returns for speed/rounds.json.
    a, b
        Methods.
    task
        "train" (a step on the same texts) or "predict".
    confidence
        Level of the interval, in (0, 1).

    Returns
    -------
    TimingEstimate
        value, low, high; `doubtful` if too few rounds were undisturbed for both.

    Raises
    ------
    KeyError
        One of them was not timed at this task.
    """
    first, second = found.methods[a].tasks[task], found.methods[b].tasks[task]
    undisturbed = first.undisturbed & second.undisturbed
    return over_rounds(first.seconds / second.seconds, undisturbed, confidence)
