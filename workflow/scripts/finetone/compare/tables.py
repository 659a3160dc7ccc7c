"""Entry points of the rules: read files, compute one table, write it.

Every function writes its target whole or not at all and gives the same bytes for the same inputs.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from finetone.compare import analysis, convergence, correlation, cost, metrics
from finetone.compare.csvfile import read_csv, write_csv
from finetone.compare.intervals import wilson
from finetone.compare.predictions import header, panels, read
from finetone.compare.ranking import compare
from finetone.compare.summary import summarise
from finetone.compare.transfer import drops
from finetone.errors import UserError
from finetone.files import read_json

Paths = Sequence[Path]


def write_runs(predictions: Paths, target: Path) -> None:
    """runs.csv: the metrics of every epoch of every prediction file, in the order of the files."""
    rows = []
    for head in map(header, predictions):
        for epoch in read(head):
            values = metrics.evaluate(epoch.logits, epoch.label)
            low, high = wilson(values["correct"], values["n"])
            rows.append(
                {
                    "dataset": head.dataset,
                    "method": head.method,
                    "seed": head.seed,
                    "epoch": epoch.epoch,
                    "kept": epoch.epoch == head.kept_epoch,
                    **{name: values[name] for name in ("n", "correct", "accuracy")},
                    "accuracy_low": low,
                    "accuracy_high": high,
                    **{name: values[name] for name in ("loss", *metrics.METRICS)},
                }
            )
    write_csv(pd.DataFrame(rows), target)


def write_summary(runs: Path, target: Path, confidence: float) -> None:
    """summary.csv: mean and spread over seeds."""
    write_csv(summarise(read_csv(runs), confidence), target)


def write_main(
    summary: Path,
    runs_json: Paths,
    speed: Paths,
    source: str,
    models: Sequence[str],
    target: Path,
) -> None:
    """main.csv: accuracy and loss after each epoch on the source, parameters and time per model."""
    scores = _scores(summary, source)
    scores = scores[scores["epoch"] > 0]
    facts, timed = _facts(runs_json), _speed(speed)
    epochs = sorted(scores[scores["method"].isin(models)]["epoch"].unique())
    rows = []
    for model in models:
        own = scores[scores["method"] == model].set_index("epoch")
        if own.empty:
            raise UserError(f"{summary}: no row for model '{model}' on '{source}'; rerun summary")
        row: dict[str, object] = {"method": model}
        for name, column in (
            ("acc_{}", "accuracy_mean"),
            ("acc_{}_sd", "accuracy_sd"),
            ("loss_{}", "loss_mean"),
            ("loss_{}_sd", "loss_sd"),
        ):
            row |= {name.format(epoch): own[column].get(epoch) for epoch in epochs}
        row |= {
            "seeds": int(own["seeds"].max()),
            "parameters": _get(facts, model, "parameters"),
            "seconds_per_32": _get(timed, model, "seconds_per_32"),
            "train_seconds": _get(facts, model, "train_seconds"),
        }
        rows.append(row)
    table = pd.DataFrame(rows)
    by_epoch = [f"{n}_{e}{s}" for e in epochs for n in ("acc", "loss") for s in ("", "_sd")]
    rest = ["seeds", "parameters", "seconds_per_32", "train_seconds"]
    write_csv(_whole(table[["method", *by_epoch, *rest]]), target)


def write_baselines(
    summary: Path, runs_json: Paths, source: str, baselines: Sequence[str], target: Path
) -> None:
    """baselines.csv: methods without pretraining on the source."""
    kept, facts = _kept(summary, source), _facts(runs_json)
    names = "method kind accuracy accuracy_low accuracy_high loss parameters train_seconds seeds"
    rows = []
    for method in baselines:
        if method not in kept.index:
            raise UserError(f"{summary}: no row for baseline '{method}' on '{source}'")
        score = kept.loc[method]
        rows.append(
            {
                "method": method,
                "kind": facts["kind"].get(method),
                "accuracy": score["accuracy_mean"],
                "accuracy_low": score["accuracy_low"],
                "accuracy_high": score["accuracy_high"],
                "loss": score["loss_mean"],
                "parameters": _get(facts, method, "parameters"),
                "train_seconds": _get(facts, method, "train_seconds"),
                "seeds": score["seeds"],
            }
        )
    write_csv(_whole(pd.DataFrame(rows, columns=names.split())), target)


def write_transfer(
    summary: Path,
    predictions: Paths,
    source: str,
    transfer: Sequence[str],
    target: Path,
    confidence: float,
    resamples: int,
    seed: int,
) -> None:
    """transfer.csv: accuracy where the methods were not trained, and the drop."""
    names = (
        "dataset method source_accuracy accuracy accuracy_low accuracy_high drop drop_low "
        "drop_high seeds n"
    )
    home = _kept(summary, source)
    away = {dataset: _kept(summary, dataset) for dataset in transfer}
    rows = []
    found = drops(predictions, source, transfer, confidence, resamples, seed) if transfer else {}
    for (dataset, method), drop in found.items():
        score = away[dataset].loc[method]
        rows.append(
            {
                "dataset": dataset,
                "method": method,
                "source_accuracy": home.loc[method]["accuracy_mean"],
                "accuracy": score["accuracy_mean"],
                "accuracy_low": score["accuracy_low"],
                "accuracy_high": score["accuracy_high"],
                "drop": drop.value,
                "drop_low": drop.low,
                "drop_high": drop.high,
                "seeds": score["seeds"],
                "n": score["n"],
            }
        )
    write_csv(pd.DataFrame(rows, columns=names.split()), target)


def write_efficiency(
    summary: Path, runs_json: Paths, speed: Paths, source: str, target: Path
) -> None:
    """efficiency.csv: what every method costs, and which no other beats on accuracy and cost.

    Throughput and memory are empty for methods that were not timed side by side (`speed`); a
    method with an unknown cost is on no frontier of that cost and keeps nobody off it.
    """
    kept, facts, timed = _kept(summary, source), _facts(runs_json), _speed(speed)
    table = facts.drop(columns="kind").join(timed, how="left")
    table["accuracy"] = kept["accuracy_mean"].reindex(table.index)
    table["ms_per_million_parameters"] = cost.ms_per_million_parameters(
        table["seconds_per_32"].to_numpy(float), table["parameters"].to_numpy(float)
    )
    accuracy = table["accuracy"].to_numpy(float)
    for name, column in (
        ("parameters", table["parameters"]),
        ("train_seconds", table["train_seconds"]),
        ("inference", 1 / table["inference_examples_per_s"]),
    ):
        table[f"on_frontier_{name}"] = cost.on_frontier(accuracy, column.to_numpy(float))
    names = (
        "method parameters non_embedding_parameters seconds_per_32 ms_per_million_parameters "
        "train_seconds train_tokens_per_s inference_examples_per_s peak_memory_bytes accuracy "
        "on_frontier_parameters on_frontier_train_seconds on_frontier_inference"
    )
    write_csv(_whole(table.reset_index(names="method")[names.split()]), target)


def write_convergence(histories: Mapping[tuple[str, int], Path], target: Path) -> None:
    """convergence.csv: how fast each run learned its training data (see `convergence`)."""
    rows = [
        {"method": method, "seed": seed, **convergence.measure(convergence.read_history(path))}
        for (method, seed), path in histories.items()
    ]
    names = (
        "method seed final_training_accuracy target steps_to_target examples_to_target "
        "area_under_curve"
    )
    write_csv(_whole(pd.DataFrame(rows, columns=names.split())), target)


def write_comparisons(
    predictions: Paths,
    dataset: str | None,
    baseline: str | None,
    confidence: float,
    resamples: int,
    seed: int,
    comparisons: Path,
    ranking: Path,
) -> None:
    """comparisons.csv and ranking.csv over all datasets present, or over `dataset` alone."""
    found = [
        compare(panel, baseline, confidence, resamples, seed)
        for panel in panels(predictions, dataset)
    ]
    write_csv(pd.concat([pairs for pairs, _ in found]), comparisons)
    write_csv(pd.concat([ranks for _, ranks in found]), ranking)


def write_reliability(predictions: Paths, target: Path, confidence: float = 0.95) -> None:
    """reliability.csv: confidence against accuracy."""
    found = [analysis.reliability_bins(panel, confidence) for panel in panels(predictions)]
    write_csv(pd.concat(found), target)


def write_slices(
    predictions: Paths, texts: Mapping[str, Path], target: Path, confidence: float = 0.95
) -> None:
    """slices.csv: accuracy by length of the text and by label, for datasets with texts."""
    found = []
    for dataset, path in texts.items():
        for panel in panels(predictions, dataset):
            found.append(analysis.slices(panel, analysis.read_texts(panel, path), confidence))
    write_csv(pd.concat(found), target)


def write_errors(
    predictions: Paths, texts: Mapping[str, Path], target: Path, most: int = 50
) -> None:
    """errors.csv: rows that all methods get wrong or that divide them, for datasets with texts."""
    found = []
    for dataset, path in texts.items():
        for panel in panels(predictions, dataset):
            found.append(analysis.errors(panel, analysis.read_texts(panel, path), most))
    write_csv(pd.concat(found), target)


def write_correlation(
    runs: Path,
    histories: Mapping[tuple[str, int], Path],
    target: Path,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> None:
    """correlation.csv: loss against accuracy across epochs, models and seeds."""
    found = correlation.correlate(read_csv(runs), histories, confidence, resamples, seed)
    write_csv(found, target)


def _scores(summary: Path, dataset: str) -> pd.DataFrame:
    table = read_csv(summary)
    return table[table["dataset"] == dataset]


def _kept(summary: Path, dataset: str) -> pd.DataFrame:
    """The kept row of each method on a dataset, by method."""
    table = _scores(summary, dataset)
    if table.empty:
        raise UserError(f"{summary}: no row for dataset '{dataset}'; delete it and rerun")
    return table[table["kept"]].set_index("method")


def _facts(runs_json: Paths) -> pd.DataFrame:
    """Kind, parameters and mean training seconds of each method, in the order of the files."""
    rows = []
    for path in runs_json:
        run = read_json(path)
        parameters = run.get("parameters") or {}
        rows.append(
            {
                "method": run["method"],
                "kind": run["kind"],
                "parameters": parameters.get("total"),
                "non_embedding_parameters": parameters.get("non_embedding"),
                "train_seconds": run.get("train_seconds"),
            }
        )
    numeric = ["parameters", "non_embedding_parameters", "train_seconds"]
    table = pd.DataFrame(rows, columns=["method", "kind", *numeric])
    table = table.astype(dict.fromkeys(numeric, float))
    how = {"kind": "first"} | dict.fromkeys(numeric[:2], "first") | {"train_seconds": "mean"}
    return table.groupby("method", sort=False).agg(how)


def _speed(paths: Paths) -> pd.DataFrame:
    """Side-by-side timings by method."""
    names = [
        "seconds_per_32",
        "train_tokens_per_s",
        "inference_examples_per_s",
        "peak_memory_bytes",
    ]
    timings = [read_json(path) for path in paths]
    table = pd.DataFrame(
        [{name: timing.get(name) for name in ["method", *names]} for timing in timings],
        columns=["method", *names],
    )
    return table.astype(dict.fromkeys(names, float)).set_index("method")


def _get(table: pd.DataFrame, method: str, column: str) -> float:
    return float(table[column].get(method, float("nan")))


def _whole(table: pd.DataFrame) -> pd.DataFrame:
    """Counts as whole numbers, also in columns where some are missing."""
    counts = [
        "parameters",
        "non_embedding_parameters",
        "peak_memory_bytes",
        "steps_to_target",
        "examples_to_target",
        "seeds",
    ]
    present = [name for name in counts if name in table.columns]
    return table.astype(dict.fromkeys(present, "Int64"))
