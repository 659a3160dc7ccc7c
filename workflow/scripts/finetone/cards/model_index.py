"""Test results in a model card, in the format of model hubs (`model-index`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from finetone.cards import sections
from finetone.errors import UserError
from finetone.files import atomic, read_json
from finetone.formats.temperature import Temperature
from finetone.statistics.intervals import of_metric, wilson
from finetone.statistics.metrics import METRICS
from finetone.statistics.variance.mixture import Mixture


def model_index(
    results: dict[str, Any], method: str, seed: int, hubs: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Build the `model-index` of one run, with one result per dataset.

    `args` of a metric has its interval over new test rows, which for the accuracy is that of
    runs.csv. Undefined metrics are left out. After cross-validation, in which the models in use have
    no part, metrics and intervals are the method's.

    Parameters
    ----------
    results
        Content of results.json.
    method, seed
        The run.
    hubs
        {dataset: its id on the hub}.

    Raises
    ------
    UserError
        It has no results of this run.
    """
    hubs = hubs or {}
    digests = {entry["dataset"]: entry["sha256"] for entry in results["datasets"]}
    found = []
    for entry in results["results"]:
        runs = [run for run in entry["runs"] if run["seed"] == seed]
        if entry["method"] != method or not runs:
            continue
        run, metric_names = runs[0], ("accuracy", "loss", *METRICS)
        name = entry["dataset"]
        dataset = {"name": name, "type": hubs.get(name, name), "split": "test"}
        if entry.get("cross_validation"):
            dataset["split"] = sections.CROSS_VALIDATION
            metrics = [_of_folds(metric, entry, results["confidence"]) for metric in metric_names]
            metrics = [each for each in metrics if each["value"] is not None]
        else:
            metrics = [
                _metric(metric, run, entry["n"], results["confidence"])
                for metric in metric_names
                if run[metric] is not None
            ]
        split = "train" if entry.get("cross_validation") else "test"
        if digest := digests.get(entry["dataset"], {}).get(split):
            dataset["revision"] = digest
        task = {"type": "text-classification", "name": "Text classification"}
        found.append({"task": task, "dataset": dataset, "metrics": metrics})
    if not found:
        raise UserError(f"results.json has no results of '{method}', seed {seed}; rerun the tables")
    return [{"name": f"{method}, seed {seed}", "results": found}]


def _of_folds(name: str, entry: dict[str, Any], confidence: float) -> dict[str, Any]:
    """A metric of a cross-validated method, with its interval over new rows and seeds."""
    mean, low, high = (entry[name][each] for each in ("mean", "low", "high"))
    metric = {"type": name, "value": None if mean is None else round(mean, 6)}
    if low is None or high is None:
        return metric
    spread = {"confidence": confidence, "low": round(low, 6), "high": round(high, 6)}
    return metric | {"args": spread | {"rows": entry["n"]} | entry["cross_validation"]}


def _metric(name: str, run: dict[str, Any], rows: int, confidence: float) -> dict[str, Any]:
    error = run["standard_errors"].get(name)
    metric = {"type": name, "value": round(run[name], 6)}
    if name == "accuracy":
        low, high = wilson(run["correct"], rows, confidence)
    elif error is not None:
        # one trained model, which no other seed would change: rows alone
        errors = Mixture(np.array([error**2]), np.zeros(1), np.full(1, np.inf), rows)
        ends = of_metric(name, np.array([run[name]]), errors, confidence)
        low, high = (float(end[0]) for end in ends)
    else:
        return metric
    spread = {"confidence": confidence, "low": round(low, 6), "high": round(high, 6)}
    return metric | {"args": spread | {"rows": rows}}


@dataclass(frozen=True)
class About:
    """What a card says beside the run and its results.

    Attributes
    ----------
    hubs
        {dataset: its id on the hub}, of those that are from there.
    languages
        Codes of the languages that the model reads, if they are known.
    fitted
        The temperature of the run, if one was looked for.
    """

    hubs: Mapping[str, str] = field(default_factory=dict)
    languages: Sequence[str] = ()
    fitted: Temperature | None = None


def write_card(
    readme: Path, results: Path, method: str, seed: int, target: Path, about: About | None = None
) -> None:
    """Make the model card of a run one that can be published.

    It gets `model-index`, dataset and languages as model hubs have them, and sections on use and
    results.

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
    about
        What else is known.

    Raises
    ------
    UserError
        The card has no YAML front matter.
    """
    about = about or About()
    text = readme.read_text(encoding="utf-8")
    content = read_json(results)
    try:
        empty, front, body = text.split("---\n", 2)
        facts = yaml.safe_load(front)
        index = model_index(content, method, seed, about.hubs)
        source = content.get("source", index[0]["results"][0]["dataset"]["name"])
        if source in about.hubs:
            facts["datasets"] = [about.hubs[source]]
        if about.languages:
            facts["language"] = list(about.languages)
        facts["metrics"] = ["accuracy"]
        facts["model-index"] = index
    except (ValueError, TypeError, yaml.YAMLError):
        raise UserError(
            f"{readme}: no YAML front matter between two lines of '---'; delete it and rerun"
        ) from None
    new = sections.sections(
        index,
        sections.cut_of(body),
        _over_seeds(content, method, source),
        about.fitted,
        "license" not in facts,
        facts.get("library_name", "transformers"),
    )
    front = yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)
    with atomic(target) as partial:
        partial.write_text(
            f"{empty}---\n{front}---\n{sections.insert(body, new)}", encoding="utf-8"
        )


def _over_seeds(results: Mapping[str, Any], method: str, dataset: str) -> dict[str, Any] | None:
    """The accuracy of a method over its seeds, as results.json has it."""
    for entry in results["results"]:
        if (entry["dataset"], entry["method"]) == (dataset, method) and "mean" in entry.get(
            "accuracy", {}
        ):
            about = {key: entry.get(key) for key in ("seeds", "n", "cross_validation")}
            return entry["accuracy"] | about
    return None
