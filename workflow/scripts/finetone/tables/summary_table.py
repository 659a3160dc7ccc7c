"""summary.csv: from single runs to one row per method, every figure with its spread over seeds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from finetone.formats.csv_table import read_csv
from finetone.statistics import intervals
from finetone.statistics.evaluation import SCORES
from finetone.statistics.metrics import METRICS
from finetone.statistics.variance.cross_validation import variance_factor
from finetone.statistics.variance.mixture import Mixture
from finetone.statistics.variance.moderation import SeedVariance, varying_as
from finetone.statistics.variance.roles import Roles, apart, drawing

EACH_KEPT = 0  # the `epoch` of a row that takes each seed's own kept epoch


def table(
    runs: Path,
    confidence: float,
    roles: Roles,
    seed_sd: Mapping[str, float] | None,
    ensembles: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """summary.csv from runs.csv.

    Parameters
    ----------
    roles
        of the methods, which decide how chance is judged
    seed_sd
        {metric: stated standard deviation over seeds, in points}, where no method has two
    ensembles
        {ensemble: the method whose runs it is the mean of}
    """
    stated = {name: sd / 100 for name, sd in (seed_sd or {}).items()}
    return summarise(read_csv(runs), confidence, roles, stated, ensembles)


def summarise(
    runs: pd.DataFrame,
    confidence: float,
    roles: Roles,
    seed_sd: Mapping[str, float],
    ensembles: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """runs.csv → summary.csv, one row per dataset, method and epoch; `seed_sd` in metrics' units.

    Exactly one row of each dataset and method has `kept` true. Where seeds kept different epochs
    (chosen on a dev split) that is an extra row with epoch 0, made of each seed's kept epoch.
    A mean over seeds is empty if the metric is undefined for any of them. The variance over seeds
    is judged (`moderation`) together with those of the other methods' kept rows, or of the other
    methods' rows of the same epoch.
    """
    found = components(runs, roles, confidence)
    for _, chosen in found.groupby(["dataset", "together"], sort=False):
        for name in SCORES:
            _, of_means = errors(chosen, name, seed_sd.get(name), ensembles)
            mean = chosen[f"{name}_mean"].to_numpy(float)
            ends = intervals.of_metric(name, mean, of_means, confidence)
            found.loc[chosen.index, [f"{name}_low", f"{name}_high"]] = np.stack(ends, axis=1)
    found["reason"] = found.apply(_reason, axis=1)
    kept_out = [f"{name}_{part}" for name in SCORES for part in ("own", "rows")]
    return found.drop(columns=[*kept_out, "stochastic", "apart", "together", "worth"])


def components(runs: pd.DataFrame, roles: Roles, confidence: float = 0.95) -> pd.DataFrame:
    """Make the rows of summary.csv, still without the intervals of means.

    Beside its columns: `worth`, as many independent rows as its rows are; of every metric `<metric>_own`, variance over seeds, and `<metric>_rows`,
    variance of the mean that is due to rows alone; `stochastic` and `apart` (`roles`); and `together`, which is the same
    in rows of a dataset whose variances over seeds are judged together: the epoch, or "kept".
    """
    rows = []
    for _, of_method in runs.groupby(["dataset", "method"], sort=False):
        kept = of_method[of_method["kept"]]
        same = kept["epoch"].nunique() == 1
        for epoch, chosen in of_method.groupby("epoch"):
            if epoch == EACH_KEPT and not same:
                continue
            is_kept = same and epoch == kept["epoch"].iloc[0]
            rows.append(_row(epoch, is_kept, chosen, confidence))
        if not same:
            rows.append(_row(EACH_KEPT, True, kept, confidence))
    found = pd.DataFrame(rows)
    # in cross-validation the variance over rows holds that of seeds
    methods = found["method"].tolist()
    found["stochastic"] = drawing(methods, roles) & (found["worth"] >= found["n"])
    found["apart"] = apart(methods, roles)
    found["together"] = found["epoch"].where(~found["kept"], "kept")
    return found


def _reason(row: pd.Series) -> str:
    """Why a metric or its interval is empty, or infinite."""
    words = {}
    for name in SCORES:
        mean = row[f"{name}_mean"]
        if np.isinf(mean):
            words[name] = "infinite for a run that gives the right class of some row no chance"
        elif np.isnan(mean):
            words[name] = "undefined for a run"
        elif np.isnan(row[f"{name}_low"]):
            words[name] = "no interval, as it does not vary over rows and seeds"
    return "; ".join(f"{name}: {why}" for name, why in words.items())


def _row(epoch: Any, kept: bool, runs: pd.DataFrame, confidence: float) -> dict[str, object]:
    accuracy = (runs["correct"] / runs["n"]).to_numpy()  # the printed one is rounded
    seeds_low, seeds_high = intervals.student(accuracy, confidence)
    n = int(runs["n"].iloc[0])
    row = {
        "dataset": runs["dataset"].iloc[0],
        "method": runs["method"].iloc[0],
        "epoch": epoch,
        "kept": kept,
        "seeds": len(runs),
        "n": n,
        "worth": _worth(runs),
        "accuracy_mean": runs["correct"].sum() / runs["n"].sum(),
        "accuracy_sd": accuracy.std(ddof=1) if len(runs) > 1 else float("nan"),
        "accuracy_min": accuracy.min(),
        "accuracy_max": accuracy.max(),
        "accuracy_low": np.nan,
        "accuracy_high": np.nan,
        "seeds_low": np.maximum(0.0, seeds_low),  # keeps NaN
        "seeds_high": np.minimum(1.0, seeds_high),
        "loss_mean": runs["loss"].mean(),
        "loss_sd": runs["loss"].std() if np.isfinite(runs["loss"]).all() else np.nan,
        **{f"{metric}_mean": runs[metric].mean(skipna=False) for metric in METRICS},
    }
    for name in SCORES:
        row |= {f"{name}_low": np.nan, f"{name}_high": np.nan}
        values = accuracy if name == "accuracy" else runs[name].to_numpy(float)
        with np.errstate(invalid="ignore"):
            row[f"{name}_own"] = values.var(ddof=1) if len(runs) > 1 else 0.0
        row[f"{name}_rows"] = _rows_variance(runs, name, epoch != EACH_KEPT)
    return row


def _worth(runs: pd.DataFrame) -> int:
    """As many independent rows as those of runs are worth, at most: fewer in cross-validation."""
    n = int(runs["n"].iloc[0])
    if "folds" not in runs or runs["folds"].isna().any():  # not in runs.csv of earlier versions
        return n
    folds = int(runs["folds"].iloc[0])
    return max(2, min(n - 1, round(n / variance_factor(folds))))


def _rows_variance(runs: pd.DataFrame, name: str, same_epoch: bool) -> float:
    """Part of the variance of a mean over seeds that is due to rows alone.

    t, the mean of the runs' own variances, holds rows and seed-by-row; r, that of their mean, rows
    and 1/S of seed-by-row. So (t - r) / (S - 1) is what the variance over seeds holds already.
    """
    seeds, n = len(runs), runs["n"].iloc[0]
    together = float(runs[f"{name}_cov"].mean(skipna=False))
    if _worth(runs) < n:
        return together * ((n - 1) / n if name == "accuracy" else 1.0)
    alone = float((runs[f"{name}_se"] ** 2).mean(skipna=False)) if name != "accuracy" else 0.0
    # accuracies by p (1 - p) / n, so that a single run has Wilson's interval
    fewer = 1.0
    if name == "accuracy":
        share = runs["correct"] / n
        alone, fewer = float((share * (1 - share)).mean()) / max(n - 1, 1), (n - 1) / n
    if seeds == 1 or not same_epoch or np.isnan(together):
        return fewer * alone
    return max(0.0, fewer * together - (alone - together) / (seeds - 1))


def errors(
    rows: pd.DataFrame, name: str, stated: float | None, ensembles: Mapping[str, str] | None = None
) -> tuple[SeedVariance, Mixture]:
    """(variance over seeds, errors of the means) of a metric, of `components` judged together."""
    seeds, stochastic = rows["seeds"].to_numpy(int), rows["stochastic"].to_numpy(bool)
    like = varying_as(rows["method"].tolist(), ensembles or {})
    known = stochastic, stated, like, rows["apart"].to_numpy(bool)
    variance = SeedVariance(rows[f"{name}_own"].to_numpy(float), seeds, *known)
    of_rows, n = rows[f"{name}_rows"].to_numpy(float), int(rows["worth"].min())
    return variance, Mixture(of_rows, *variance.of_means(), n)
