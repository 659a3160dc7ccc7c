"""history.parquet: loss and accuracy at every optimizer step of a run."""

from pathlib import Path

import pandas as pd

from finetone.errors import UserError
from finetone.formats import run_record

COLUMNS = ["epoch", "step", "loss", "accuracy", "cumulative_loss", "cumulative_accuracy"]
COLUMNS += ["examples"]


def read_history(path: str | Path) -> pd.DataFrame:
    """Read the steps of one run, in order.

    Returns
    -------
    DataFrame
        The columns COLUMNS, one row per step.

    Raises
    ------
    UserError
        The file is not a history, or not the one that its run.json describes.
    """
    path = Path(path)
    run = path.with_name("run.json")
    if run.exists():
        run_record.check(run, path.name)
    try:
        history = pd.read_parquet(path, columns=COLUMNS)
    except (ValueError, KeyError, OSError) as error:  # pyarrow's errors are ValueErrors
        raise UserError(f"{path}: not a training history ({error}); delete it and rerun") from None
    if history.empty:
        raise UserError(f"{path}: a history without steps; delete it and rerun")
    return history.sort_values("step", ignore_index=True)
