"""Published numbers against ours: which of our accuracies they match, and where counts differ."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from finetone.errors import UserError
from finetone.files import read_json
from finetone.formats.csv_table import read_csv as read_table
from finetone.formats.csv_table import write_csv
from finetone.formats.history import read_history
from finetone.published.checks import repeats
from finetone.published.reading import Published, number, read_csv, read_published
from finetone.statistics.intervals import student

LEAST_MODELS = 3
ALL = "all"


def write_column_match(
    published: Path,
    runs: Path,
    histories: Mapping[str, Sequence[Path]],
    source: str,
    target: Path,
    confidence: float,
) -> None:
    """Compare the published accuracy with ours on test and on training rows; write the table.

    It has one row per epoch, and the row `all`. Columns: `epoch`, `models` (that both have),
    `mean_absolute_to_test`, `rmse_to_test` and the same `_to_training`, in fractions; `difference`
    (how much nearer training is than test, mean over models), `low`, `high`, and `verdict`:
    `training`, `test` or `cannot tell`.

    Parameters
    ----------
    published
        Folder of the published table.
    runs
        The table runs.csv.
    histories
        {model: its history.parquet files, one per seed}.
    source
        Name of the source dataset.
    target
        The CSV file to write.
    confidence
        Confidence level of the intervals, in (0, 1).

    Raises
    ------
    UserError
        A file cannot be read.
    """
    ours = pd.concat([_test(read_table(runs), source), _training(histories)], axis=1, join="inner")
    theirs = _published(read_published(published))
    write_csv(match(theirs.to_frame().join(ours, how="inner"), confidence), target)


def match(table: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Compare published accuracies with those on test and on training rows.

    The verdict is a t-interval over models of |published - test| - |published - training|, each
    averaged over the epochs compared: models are independent of each other, epochs are not.

    Parameters
    ----------
    table
        Columns `published`, `test` and `training`, by (method, epoch), as fractions.
    confidence
        Confidence level of the intervals, in (0, 1).
    """
    distances = table[["test", "training"]].rsub(table["published"], axis=0)
    epoch = distances.index.get_level_values("epoch")
    rows = [_match_row(str(e), distances[epoch == e], confidence) for e in sorted(set(epoch))]
    return pd.DataFrame([*rows, _match_row(ALL, distances, confidence)])


def _match_row(epoch: str, distances: pd.DataFrame, confidence: float) -> dict[str, Any]:
    absolute = distances.abs()
    nearer = (absolute["test"] - absolute["training"]).groupby(level="method").mean().to_numpy()
    low, high = student(nearer, confidence)
    verdict = "cannot tell"
    if len(nearer) >= LEAST_MODELS and low > 0:
        verdict = "training"
    elif len(nearer) >= LEAST_MODELS and high < 0:
        verdict = "test"
    return {
        "epoch": epoch,
        "models": len(nearer),
        "mean_absolute_to_test": absolute["test"].mean(),
        "rmse_to_test": np.sqrt((distances["test"] ** 2).mean()),
        "mean_absolute_to_training": absolute["training"].mean(),
        "rmse_to_training": np.sqrt((distances["training"] ** 2).mean()),
        "difference": nearer.mean() if len(nearer) else np.nan,
        "low": low,
        "high": high,
        "verdict": verdict,
    }


def _published(published: Published) -> pd.Series:
    """Published accuracies by (method, epoch); a row that repeats another is left out."""
    copied = {copy.model for copy in repeats(published.results)}
    rows = {
        (r.method, r.epoch): float(r.accuracy.share)
        for r in published.results
        if r.accuracy and r.model not in copied
    }
    return _by_epoch(rows, "published")


def _test(runs: pd.DataFrame, source: str) -> pd.Series:
    """Mean test accuracy over seeds by (method, epoch)."""
    rows = runs[runs["dataset"] == source]
    return rows.groupby(["method", "epoch"])["accuracy"].mean().rename("test")


def _training(histories: Mapping[str, Sequence[Path]]) -> pd.Series:
    """Mean over seeds of the cumulative training accuracy at the end of every epoch."""
    rows: dict[tuple[str, int], list[float]] = {}
    for method, paths in histories.items():
        for path in paths:
            ends = read_history(path).groupby("epoch")["cumulative_accuracy"].last()
            for epoch, accuracy in ends.items():
                rows.setdefault((method, int(str(epoch))), []).append(float(accuracy))
    return _by_epoch({key: float(np.mean(values)) for key, values in rows.items()}, "training")


def _by_epoch(rows: Mapping[tuple[str, int], float], name: str) -> pd.Series:
    index = pd.MultiIndex.from_frame(pd.DataFrame(list(rows), columns=["method", "epoch"]))
    return pd.Series(list(rows.values()), index=index, name=name, dtype=float)


def write_parameters(published: Path, runs_json: Sequence[Path], target: Path) -> None:
    """Compare published and counted parameters of every model that was run; write the table.

    Columns: `method`, `published_millions`, `parameters`, `difference` (counted minus published),
    `agrees` (within one unit of the last printed digit), `reason`, `reason_zh`.

    Parameters
    ----------
    published
        Folder of the published table; its `reasons.csv`, if present, explains differences.
    runs_json
        Every run.json.
    target
        The CSV file to write.

    Raises
    ------
    UserError
        A file cannot be read, or a run states no parameters.
    """
    reasons = _reasons(published / "reasons.csv")
    file, printed = published / "published.csv", {}
    for line, row in read_csv(file, ["model"]):
        text = row.get("parameters_millions", "")
        printed[row["model"]] = number(file, line, "parameters_millions", text) if text else None
    rows = []
    for method, counted in _counts(runs_json).items():
        if method not in printed:
            continue
        stated = printed[method]
        difference = None if stated is None else counted - round(stated.value * 10**6)
        unit = 0 if stated is None else 10 ** (6 - stated.decimals)
        rows.append(
            {
                "method": method,
                "published_millions": stated.text if stated else None,
                "parameters": counted,
                "difference": difference,
                "agrees": None if difference is None else abs(difference) <= unit,
                **reasons.get(method, {"reason": "", "reason_zh": ""}),
            }
        )
    names = ["method", "published_millions", "parameters", "difference", "agrees", "reason"]
    names.append("reason_zh")
    table = pd.DataFrame(rows, columns=names)
    write_csv(table.astype({"parameters": "Int64", "difference": "Int64"}), target)


def _reasons(path: Path) -> dict[str, dict[str, str]]:
    if not path.exists():
        return {}
    rows = read_csv(path, ["model", "reason"])
    names = ("reason", "reason_zh")
    return {row["model"]: {name: row.get(name, "") for name in names} for _, row in rows}


def _counts(runs_json: Sequence[Path]) -> dict[str, int]:
    """Total parameters by method; all seeds of a method have the same."""
    counts = {}
    for path in runs_json:
        run = read_json(path)
        try:
            counts[str(run["method"])] = int(run["parameters"]["total"])
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{path}: no method or parameter count ({error!r}); delete it and rerun"
            ) from None
    return counts
