"""Wide tables for reading: what was measured elsewhere, side by side per method."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from finetone.errors import UserError
from finetone.files import read_json
from finetone.formats.csv_table import read_csv, write_csv
from finetone.statistics import cost
from finetone.statistics.intervals import bounded

Paths = Sequence[Path]
OWN = ["inference_examples_per_s", "peak_memory_bytes"]  # that baselines measure themselves


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
            ("acc_{}_low", "accuracy_low"),
            ("acc_{}_high", "accuracy_high"),
            ("loss_{}", "loss_mean"),
            ("loss_{}_sd", "loss_sd"),
            ("loss_{}_low", "loss_low"),
            ("loss_{}_high", "loss_high"),
        ):
            row |= {name.format(epoch): own[column].get(epoch) for epoch in epochs}
        row |= {
            "seeds": int(own["seeds"].max()),
            "parameters": _get(facts, model, "parameters"),
            **{name: _get(timed, model, name) for name in bounded("seconds_per_32")},
            **{name: _get(facts, model, name) for name in ("train_seconds", "train_seconds_sd")},
        }
        rows.append(row)
    spread = ("", "_sd", "_low", "_high")
    by_epoch = [f"{n}_{e}{s}" for e in epochs for n in ("acc", "loss") for s in spread]
    rest = [
        "seeds",
        "parameters",
        *bounded("seconds_per_32"),
        "train_seconds",
        "train_seconds_sd",
    ]
    write_csv(whole(pd.DataFrame(rows, columns=["method", *by_epoch, *rest])), target)


def write_baselines(
    summary: Path, runs_json: Paths, source: str, baselines: Sequence[str], target: Path
) -> None:
    """baselines.csv: methods without pretraining on the source."""
    kept, facts = kept_rows(summary, source), _facts(runs_json)
    names = (
        "method kind accuracy accuracy_low accuracy_high loss loss_low loss_high parameters "
        "train_seconds train_seconds_sd seeds"
    )
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
                "loss_low": score["loss_low"],
                "loss_high": score["loss_high"],
                "parameters": _get(facts, method, "parameters"),
                "train_seconds": _get(facts, method, "train_seconds"),
                "train_seconds_sd": _get(facts, method, "train_seconds_sd"),
                "seeds": score["seeds"],
            }
        )
    write_csv(whole(pd.DataFrame(rows, columns=names.split())), target)


def write_efficiency(
    summary: Path, runs_json: Paths, speed: Paths, source: str, target: Path
) -> None:
    """efficiency.csv: what every method costs, and which no other beats on accuracy and cost.

    Throughput and memory are those measured side by side (`speed`), and for baselines those of
    their own runs. FLOPs per token are forward, of fine-tuned models: other methods do not use
    each parameter once per token. A method with an unknown cost is on no frontier of that cost and
    keeps nobody off it.
    """
    kept, facts, timed = kept_rows(summary, source), _facts(runs_json), _speed(speed)
    table = facts.drop(columns=[*OWN, "kind"]).join(timed, how="left")
    table[OWN] = table[OWN].fillna(facts[OWN])
    per_token = cost.FLOPS_PER_PARAMETER * facts["non_embedding_parameters"]
    table["flops_per_token"] = per_token.where(facts["kind"] == "finetune")
    for end, of_summary in (("", "_mean"), ("_low", "_low"), ("_high", "_high")):
        table[f"accuracy{end}"] = kept[f"accuracy{of_summary}"].reindex(table.index)
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
        "method parameters non_embedding_parameters "
        "seconds_per_32 seconds_per_32_low seconds_per_32_high ms_per_million_parameters "
        "train_seconds train_seconds_sd train_tokens_per_s inference_examples_per_s "
        "inference_examples_per_s_low inference_examples_per_s_high peak_memory_bytes "
        "flops_per_token accuracy accuracy_low accuracy_high "
        "on_frontier_parameters on_frontier_train_seconds on_frontier_inference"
    )
    write_csv(whole(table.reset_index(names="method")[names.split()]), target)


def kept_rows(summary: Path, dataset: str) -> pd.DataFrame:
    """The kept row of each method on a dataset, by method."""
    table = _scores(summary, dataset)
    if table.empty:
        raise UserError(f"{summary}: no row for dataset '{dataset}'; delete it and rerun")
    return table[table["kept"]].set_index("method")


def _scores(summary: Path, dataset: str) -> pd.DataFrame:
    table = read_csv(summary)
    return table[table["dataset"] == dataset]


def _facts(runs_json: Paths) -> pd.DataFrame:
    """Kind, parameters and, as means over seeds, training seconds and costs of each method's own
    runs, in the order of the files."""
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
                # a fine-tuned model's own numbers are of training, and not measured side by side
                **{name: run.get(name) for name in OWN if run["kind"] != "finetune"},
            }
        )
    numeric = ["parameters", "non_embedding_parameters", "train_seconds", *OWN]
    table = pd.DataFrame(rows, columns=["method", "kind", *numeric])
    table = table.astype(dict.fromkeys(numeric, float))
    how = dict.fromkeys(["kind", *numeric[:2]], "first") | dict.fromkeys(numeric[2:], "mean")
    by_method = table.groupby("method", sort=False)
    return by_method.agg(how).assign(train_seconds_sd=by_method["train_seconds"].std())


def _speed(paths: Paths) -> pd.DataFrame:
    """Side-by-side timings by method."""
    names = [
        *bounded("seconds_per_32"),
        "train_tokens_per_s",
        *bounded("inference_examples_per_s"),
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


def whole(table: pd.DataFrame) -> pd.DataFrame:
    """Counts as whole numbers, also in columns where some are missing."""
    counts = [
        "parameters",
        "non_embedding_parameters",
        "peak_memory_bytes",
        "flops_per_token",
        "examples_to_target",
        "seeds",
    ]
    present = [name for name in counts if name in table.columns]
    # a mean over seeds may fall between whole numbers
    return table.round(dict.fromkeys(present, 0)).astype(dict.fromkeys(present, "Int64"))
