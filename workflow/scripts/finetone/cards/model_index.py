"""Test results in a model card, in the format of model hubs (`model-index`)."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from finetone.errors import UserError
from finetone.files import atomic, read_json
from finetone.statistics.evaluation import BOUNDS
from finetone.statistics.intervals import metric_over_seeds, wilson
from finetone.statistics.metrics import METRICS


def model_index(results: dict[str, Any], method: str, seed: int) -> list[dict[str, Any]]:
    """Build the `model-index` of one run, with one result per dataset.

    `args` of a metric has its interval over new test rows: Wilson's for the accuracy, from the
    standard error for the others. Undefined metrics are left out.

    Parameters
    ----------
    results
        Content of results.json.
    method, seed
        The run.

    Raises
    ------
    UserError
        It has no results of this run.
    """
    digests = {entry["dataset"]: entry["sha256"].get("test") for entry in results["datasets"]}
    found = []
    for entry in results["results"]:
        runs = [run for run in entry["runs"] if run["seed"] == seed]
        if entry["method"] != method or not runs:
            continue
        run = runs[0]
        metrics = [
            _metric(name, run, entry["n"], results["confidence"])
            for name in ("accuracy", "loss", *METRICS)
            if run[name] is not None
        ]
        dataset = {"name": entry["dataset"], "type": entry["dataset"], "split": "test"}
        if digest := digests.get(entry["dataset"]):
            dataset["revision"] = digest
        task = {"type": "text-classification", "name": "Text classification"}
        found.append({"task": task, "dataset": dataset, "metrics": metrics})
    if not found:
        raise UserError(f"results.json has no results of '{method}', seed {seed}; rerun the tables")
    return [{"name": f"{method}, seed {seed}", "results": found}]


def _metric(name: str, run: dict[str, Any], rows: int, confidence: float) -> dict[str, Any]:
    error = run["standard_errors"].get(name)
    metric = {"type": name, "value": round(run[name], 6)}
    if name == "accuracy":
        low, high = wilson(run["correct"], rows, confidence)
    elif error is not None:
        values, errors = np.array([run[name]]), np.array([error])
        low, high = metric_over_seeds(values, errors, confidence, BOUNDS[name])
    else:
        return metric
    spread = {"confidence": confidence, "low": round(low, 6), "high": round(high, 6)}
    return metric | {"args": spread | {"rows": rows}}


def write_card(readme: Path, results: Path, method: str, seed: int, target: Path) -> None:
    """Add the `model-index` of a run to the model card of its checkpoint.

    Parameters
    ----------
    readme
        The card of the checkpoint.
    results
        The file results.json.
    method, seed
        The run.
    target
        The card to write.

    Raises
    ------
    UserError
        The card has no YAML front matter.
    """
    text = readme.read_text(encoding="utf-8")
    try:
        empty, front, body = text.split("---\n", 2)
        facts = yaml.safe_load(front)
        facts["model-index"] = model_index(read_json(results), method, seed)
    except (ValueError, TypeError, yaml.YAMLError):
        raise UserError(
            f"{readme}: no YAML front matter between two lines of '---'; delete it and rerun"
        ) from None
    front = yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)
    with atomic(target) as partial:
        partial.write_text(f"{empty}---\n{front}---\n{body}", encoding="utf-8")
