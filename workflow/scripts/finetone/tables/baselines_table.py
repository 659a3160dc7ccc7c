"""baselines.csv: the methods without pretraining on the source."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from finetone.errors import UserError
from finetone.statistics.intervals import bounded
from finetone.tables.method_facts import kept_rows, run_facts, whole


def table(
    summary: Path, runs_json: Sequence[Path], source: str, baselines: Sequence[str]
) -> pd.DataFrame:
    """Accuracy and loss of the kept epoch, parameters and training seconds, one row per baseline.

    Parameters
    ----------
    summary
        The table summary.csv.
    runs_json
        Every run.json.
    source
        Name of the source dataset.
    baselines
        The baselines, in the order of the rows.

    Raises
    ------
    UserError
        A baseline has no row in summary.csv.
    """
    kept = kept_rows(summary, source)
    if absent := [method for method in baselines if method not in kept.index]:
        raise UserError(f"{summary}: no row for baseline '{absent[0]}' on '{source}'")
    kept = kept.rename(columns={"accuracy_mean": "accuracy", "loss_mean": "loss"})
    names = ["kind", *bounded("accuracy"), *bounded("loss")]
    names += ["parameters", "train_seconds", "train_seconds_sd", "seeds"]
    found = kept.join(run_facts(runs_json)).loc[list(baselines), names]
    return whole(found.reset_index(names="method"))
