"""main.csv: accuracy and loss after each epoch on the source, parameters and time per model."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from finetone.errors import UserError
from finetone.statistics.intervals import bounded
from finetone.tables.method_facts import run_facts, summary_rows, whole
from finetone.tables.timings import timings

SPREAD = {"": "mean", "_sd": "sd", "_low": "low", "_high": "high"}


def table(
    summary: Path,
    runs_json: Sequence[Path],
    speed: Path,
    source: str,
    models: Sequence[str],
    confidence: float,
) -> pd.DataFrame:
    """Accuracy and loss after each epoch on the source dataset, one row per model.

    Parameters
    ----------
    summary
        The table summary.csv.
    runs_json
        Every run.json.
    speed
        The file speed/rounds.json.
    source
        Name of the source dataset.
    models
        The fine-tuned models, in the order of the rows.
    confidence
        Level of the interval of times, in (0, 1).

    Returns
    -------
    DataFrame
        Columns `acc_<epoch>` and `loss_<epoch>`, each with `_sd`, `_low` and `_high`.

    Raises
    ------
    UserError
        A model has no row in summary.csv.
    """
    scores = summary_rows(summary, source)
    scores = scores[(scores["epoch"] > 0) & scores["method"].isin(models)]
    if absent := [model for model in models if model not in set(scores["method"])]:
        raise UserError(f"{summary}: no row for model '{absent[0]}' on '{source}'; rerun summary")
    wide = {
        f"{short}_{epoch}{end}": rows.set_index("method")[f"{metric}_{column}"]
        for epoch, rows in scores.groupby("epoch")
        for short, metric in (("acc", "accuracy"), ("loss", "loss"))
        for end, column in SPREAD.items()
    }
    facts = run_facts(runs_json).join(timings(speed, confidence)[bounded("seconds_per_32")])
    facts = facts.reindex(list(models))[
        ["parameters", *bounded("seconds_per_32"), "train_seconds", "train_seconds_sd"]
    ]
    seeds = scores.groupby("method")["seeds"].max()
    found = pd.DataFrame(wide, index=pd.Index(list(models), name="method")).assign(seeds=seeds)
    return whole(found.join(facts).reset_index())
