"""results.json: the main results for programs (schema: workflow/schemas/results.schema.json)."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from finetone import __version__
from finetone.files import read_json, sha256, write_json
from finetone.formats.csv_table import read_csv
from finetone.identity import without
from finetone.provenance import Provenance, check_csv, keys_of
from finetone.statistics.intervals import bounded
from finetone.statistics.metrics import METRICS
from finetone.tables.differences.recommendation_table import REASONS, RULE

FACTS = ("runs", "summary", "ranking", "comparisons", "efficiency", "recommendation")
TABLES = (*FACTS, "variance", "planning")
TIMES = ("seconds_per_32", "seconds_per_million_texts", "relative_training", "relative_prediction")
AS_THEY_ARE = (
    *("calibration", "per_class", "claims", "tuning"),
    *("learning_curve", "learning_curve_fit", "learning_curve_crossings"),
)
RECORD = ("schema_version", "checksum", "fingerprint", "inputs", "settings")  # of the audit itself
SPREAD = ("sd", "min", "max", "low", "high")


def write_results(
    tables: Mapping[str, Path],
    manifests: Sequence[Path],
    runs: Sequence[Path],
    source: str,
    confidence: float,
    metric: str,
    margin: float,
    target: Path,
    audit: Path | None = None,
    provenance: Provenance | None = None,
) -> None:
    """Write the kept epochs' results of every method on every dataset, and all pairs.

    Numbers that are undefined or infinite become null.

    Parameters
    ----------
    tables
        CSV files by name; those of TABLES are read.
    manifests, runs
        Every data/<dataset>/manifest.json and runs/<method>/seed<k>/run.json.
    source
        Name of the source dataset.
    confidence
        Of the intervals, in (0, 1).
    metric, margin
        What methods are compared by, and the points that do not matter.
    target
        The JSON file to write.
    audit
        The audit of a published table that is set beside the experiment.
    provenance
        Its record.

    Raises
    ------
    UserError
        A table was altered.
    """
    for table in tables.values():  # also those of which only the hash is written
        check_csv(table)
    read = {name: read_csv(tables[name]) for name in TABLES}
    content = keys_of(provenance) | {
        "finetone": __version__,
        "source": source,
        "confidence": confidence,
        "metric": metric,
        "margin": margin,
        "datasets": [_dataset(read_json(path)) for path in manifests],
        "methods": _methods([read_json(path) for path in runs], read["efficiency"]),
        "results": _results(read["runs"], read["summary"], read["ranking"]),
        "recommendation": _plain(_recommendation(read["recommendation"], margin)),
        **{
            name: [_plain(row) for row in read[name].to_dict("records")]
            for name in ("comparisons", "variance", "planning")
        },
        **{name: _rows(tables[name]) for name in AS_THEY_ARE if name in tables},
        **({"audit": without(read_json(audit), *RECORD)} if audit else {}),
        "made_from": {
            os.path.relpath(path, target.parent): sha256(path)
            for path in (*manifests, *runs, *tables.values(), *([audit] if audit else ()))
        },
    }
    write_json(target, content)


def _dataset(manifest: dict[str, Any]) -> dict[str, Any]:
    return {
        "dataset": manifest["dataset"],
        "labels": manifest["labels"],
        "rows": {split: sum(counts.values()) for split, counts in manifest["rows"].items()},
        "sha256": manifest.get("splits") or {},
    }


def _methods(runs: Sequence[dict[str, Any]], efficiency: pd.DataFrame) -> list[dict[str, Any]]:
    """One entry per method, from its runs in the order given."""
    cost = efficiency.set_index("method")
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        entry = found.setdefault(
            run["method"],
            {
                "method": run["method"],
                "kind": run["kind"],
                "parameters": (run.get("parameters") or {}).get("total"),
                "recipe": run.get("recipe"),
                "cost": _plain(_cost(cost.loc[run["method"]])),
                "runs": [],
            },
        )
        entry["runs"].append(
            {
                "seed": run["seed"],
                "kept_epoch": run.get("kept_epoch"),
                "train_seconds": run.get("train_seconds"),
                "device": (run.get("execution") or {}).get("device_name"),
            }
        )
    return list(found.values())


def _cost(row: "pd.Series[Any]") -> dict[str, Any]:
    """Times as measured in turn: medians over rounds with their intervals."""
    times = {
        name: dict(zip(("value", "low", "high"), row[bounded(name)], strict=True)) for name in TIMES
    }
    return times | {"reference": row["reference"], "doubtful": row["doubtful"]}


def _results(
    runs: pd.DataFrame, summary: pd.DataFrame, ranking: pd.DataFrame
) -> list[dict[str, Any]]:
    """One entry per dataset and method: the kept epoch, over seeds and seed by seed."""
    single = runs[runs["kept"]].groupby(["dataset", "method"])
    ranked = ranking.set_index(["dataset", "method"])
    entries = []
    for row in summary[summary["kept"]].to_dict("records"):
        key = (row["dataset"], row["method"])
        place = ranked.loc[key]
        own = single.get_group(key)
        validated = _cross_validation(own)
        entry = {
            "dataset": row["dataset"],
            "method": row["method"],
            "n": row["n"],
            "cross_validation": validated,
            "seeds": row["seeds"],
            "rank": place["rank"],
            "group": place["group"],
            "accuracy": {"mean": row["accuracy_mean"]}
            | {name: row[f"accuracy_{name}"] for name in SPREAD},
            "loss": {"sd": row["loss_sd"], **_interval(row, "loss")},
            **{name: _interval(row, name) for name in METRICS},
            "runs": [
                {
                    "seed": run["seed"],
                    **({"repeat": int(run["repeat"])} if validated else {}),
                    "epoch": run["epoch"],
                    "correct": run["correct"],
                    "accuracy": run["correct"] / run["n"],
                    "loss": run["loss"],
                    **{name: run[name] for name in METRICS},
                    "standard_errors": {name: run[f"{name}_se"] for name in ("loss", *METRICS)},
                }
                for run in own.to_dict("records")
            ],
        }
        entries.append(_plain(entry))
    return entries


def _cross_validation(runs: pd.DataFrame) -> dict[str, int] | None:
    """Folds and repeats of the runs of one method; None for a test split."""
    if "folds" not in runs or runs["folds"].isna().any():  # not in runs.csv of earlier versions
        return None
    return {"folds": int(runs["folds"].iloc[0]), "repeats": int(runs["repeat"].nunique())}


def _recommendation(considered: pd.DataFrame, margin: float) -> dict[str, Any]:
    """The method that recommendation.csv names, by which rule and why, and all considered."""
    reason = next(filter(None, considered["why"]))
    return {
        "method": next(iter(considered.loc[considered["recommended"], "method"]), None),
        "reason": reason,
        "why": REASONS[reason],
        "rule": RULE.format(margin=float(margin)),
        "open": considered.loc[considered["status"] == "open", "method"].tolist(),
        "considered": considered[["method", "status", *bounded("behind")]].to_dict("records"),
    }


def _rows(table: Path) -> list[Any]:
    return [_plain(row) for row in read_csv(table).to_dict("records")]


def _interval(row: dict[Any, Any], metric: str) -> dict[str, float]:
    return {name: row[f"{metric}_{name}"] for name in ("mean", "low", "high")}


def _plain(value: Any) -> Any:
    """Types that JSON has; NaN and infinity become null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if value is pd.NA:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
