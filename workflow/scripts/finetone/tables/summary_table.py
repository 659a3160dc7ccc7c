"""summary.csv: from single runs to one row per method, every figure with its spread over seeds."""

from pathlib import Path
from typing import Any

import pandas as pd

from finetone.formats.csv_table import read_csv
from finetone.statistics import intervals
from finetone.statistics.metrics import METRICS

BOUNDS = dict.fromkeys(METRICS, (0.0, 1.0)) | {"loss": (0.0, float("inf")), "mcc": (-1.0, 1.0)}
EACH_KEPT = 0  # the `epoch` of a row that takes each seed's own kept epoch


def table(runs: Path, confidence: float) -> pd.DataFrame:
    """summary.csv from runs.csv."""
    return summarise(read_csv(runs), confidence)


def summarise(runs: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """runs.csv → summary.csv, one row per dataset, method and epoch.

    Exactly one row of each dataset and method has `kept` true. Where seeds kept different epochs
    (chosen on a dev split) that is an extra row with epoch 0, made of each seed's kept epoch.
    A mean over seeds is empty if the metric is undefined for any of them.
    """
    rows = []
    for _, of_method in runs.groupby(["dataset", "method"], sort=False):
        kept = of_method[of_method["kept"]]
        same = kept["epoch"].nunique() == 1
        for epoch, chosen in of_method.groupby("epoch"):
            is_kept = same and epoch == kept["epoch"].iloc[0]
            rows.append(_row(epoch, is_kept, chosen, confidence))
        if not same:
            rows.append(_row(EACH_KEPT, True, kept, confidence))
    return pd.DataFrame(rows)


def _row(epoch: Any, kept: bool, runs: pd.DataFrame, confidence: float) -> dict[str, object]:
    accuracy = (runs["correct"] / runs["n"]).to_numpy()  # the printed one is rounded
    low, high = intervals.over_seeds(accuracy, int(runs["n"].iloc[0]), confidence)
    seeds_low, seeds_high = intervals.student(accuracy, confidence)
    return {
        "dataset": runs["dataset"].iloc[0],
        "method": runs["method"].iloc[0],
        "epoch": epoch,
        "kept": kept,
        "seeds": len(runs),
        "n": int(runs["n"].iloc[0]),
        "accuracy_mean": runs["correct"].sum() / runs["n"].sum(),
        "accuracy_sd": accuracy.std(ddof=1) if len(runs) > 1 else float("nan"),
        "accuracy_min": accuracy.min(),
        "accuracy_max": accuracy.max(),
        "accuracy_low": low,
        "accuracy_high": high,
        "seeds_low": seeds_low,
        "seeds_high": seeds_high,
        "loss_mean": runs["loss"].mean(),
        "loss_sd": runs["loss"].std(),
        **{f"{metric}_mean": runs[metric].mean(skipna=False) for metric in METRICS},
        **_intervals(runs, confidence),
    }


def _intervals(runs: pd.DataFrame, confidence: float) -> dict[str, float]:
    found = {}
    for metric in ("loss", *METRICS):
        values, errors = runs[metric].to_numpy(float), runs[f"{metric}_se"].to_numpy(float)
        found[f"{metric}_low"], found[f"{metric}_high"] = intervals.metric_over_seeds(
            values, errors, confidence, BOUNDS[metric]
        )
    return found
