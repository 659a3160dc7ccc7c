"""The section on what one model is worth otherwise: frozen, or as the mean of all its runs."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from finetone.config.shorthands import SHORTHANDS
from finetone.numbers import missing, significant
from finetone.report.elements import Maker, Section
from finetone.report.html_table import Column, table


def probes(maker: Maker) -> Section:
    """Every probe and ensemble against the fine-tuned model that it is made of."""
    labels = maker.labels
    runs = [run for run in maker.runs if run["kind"] in SHORTHANDS]
    columns = [
        Column("method", labels["method"], "method"),
        Column("model", labels["its_model"], "method"),
        Column("difference", labels["to_its_model"], "points", "low", "high"),
        Column("p_adjusted", labels["p_adjusted"], "p"),
        Column("verdict", labels["verdict"]),
        Column("train_seconds", labels["train_seconds"], "seconds"),
        Column("times", labels["times_its_model"], "percent"),
    ]
    path, rows = maker.inputs.tables.get("comparisons"), list(_rows(runs, maker))
    tables = []
    if path and rows:
        frame = pd.DataFrame(rows)
        tables = [table("probes", labels["table_probes"], frame, columns, path, maker.style)]
    return Section(
        "probes",
        labels["section_probes"],
        labels["lead_probes"],
        facts=[
            (maker.style.title(run["method"]), _recipe(run, maker))
            for run in runs
            if run["kind"] == "probe"
        ],
        tables=tables,
    )


def _rows(runs: list[Mapping[str, Any]], maker: Maker) -> Iterator[dict[str, Any]]:
    """For each, its difference to the model: probe or ensemble minus model."""
    pairs, costs = maker.rows("comparisons"), maker.rows("efficiency")
    if pairs.empty:
        return
    seconds = costs.set_index("method")["train_seconds"].to_dict() if len(costs) else {}
    for run in runs:
        method, model = run["method"], run["recipe"][SHORTHANDS[run["kind"]]]
        for sign, first, second in ((1, method, model), (-1, model, method)):
            for row in pairs[(pairs["a"] == first) & (pairs["b"] == second)].to_dict("records"):
                ends = sorted((sign * row["low"], sign * row["high"]))
                own, other = seconds.get(method), seconds.get(model)
                yield {
                    "method": method,
                    "model": model,
                    "difference": sign * row["difference"],
                    "low": ends[0],
                    "high": ends[1],
                    "p_adjusted": row["p_adjusted"],
                    "verdict": _verdict(row, method, maker.labels),
                    "train_seconds": own,
                    "times": own / other if own and other else None,
                }


def _verdict(row: Mapping[str, Any], method: str, labels: Mapping[str, str]) -> str:
    """What the simultaneous interval of a pair says of `method`."""
    said = "" if missing(row["verdict"]) else str(row["verdict"])
    if said.endswith("better"):
        better = row["a"] if said.startswith("a") else row["b"]
        return labels["made_better" if better == method else "made_worse"]
    return labels.get(f"pair_{said}", said)


def _recipe(run: Mapping[str, Any], maker: Maker) -> str:
    recipe, labels = run["recipe"], maker.labels
    return labels["probe_recipe"].format(
        model=maker.style.title(recipe["model"]),
        layer=recipe["layer"],
        pooling=labels[f"pooling_{recipe['pooling']}"],
        C=significant(recipe["C"], 1),
        chosen=labels["probe_chosen" if recipe.get("C_tried") else "probe_given"],
    )
