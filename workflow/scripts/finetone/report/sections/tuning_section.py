"""The section on tuning: what was tried on the dev split, and what was chosen."""

from collections.abc import Mapping

import pandas as pd

from finetone.errors import listed
from finetone.numbers import DECIMAL, duration, missing
from finetone.plots.drawing.read_table import records, truth
from finetone.report.elements import Maker, Section
from finetone.report.html_table import Column, score_column

VALUES = {"epochs": "count", "learning_rate": "setting", "batch_size": "count", "C": "setting"}
FLAGS = ("chosen", "stopped", "diverged")


def tuning(maker: Maker) -> Section:
    """The dev score of every trial, the chosen settings, and what tuning did for whom."""
    labels, frame = maker.labels, maker.rows("tuning")
    if frame.empty:
        return Section("tuning", labels["section_tuning"])
    frame = frame.assign(**{flag: truth(frame[flag]) for flag in FLAGS})
    columns = [
        Column("method", labels["method"], "method"),
        *(Column(key, labels[f"tuned_{key}"], kind) for key, kind in VALUES.items()),
        score_column(frame, labels, "low", "high"),
        Column("epochs_trained", labels["epochs_trained"], "count"),
        Column("train_seconds", labels["train_seconds"], "seconds"),
        *(Column(flag, labels[f"trial_{flag}"], "flag") for flag in FLAGS if frame[flag].any()),
    ]
    kind = "decimal" if frame["metric"].iloc[0] in DECIMAL else "percent"
    budget = [
        Column("method", labels["method"], "method"),
        Column("trials", labels["number_of_trials"], "count"),
        Column("expected_best", labels["expected_best"], kind),
        Column("expected_best_of_different", labels["expected_best_of_different"], kind),
    ]
    number, rows = frame.groupby("method").size().max(), f"{int(frame['n'].iloc[0]):,}"
    return Section(
        "tuning",
        labels["section_tuning"],
        labels["lead_tuning"].format(trials=number, rows=rows),
        sentences=_sentences(frame, maker, labels),
        pictures=maker.show("tuning", "tuning-budget"),
        tables=[
            *maker.table("tuning", columns, frame, folded=len(frame) > 20),
            *maker.table("tuning_budget", budget, folded=True),
        ],
    )


def _sentences(frame: pd.DataFrame, maker: Maker, labels: Mapping[str, str]) -> list[str]:
    trained, planned = int(frame["epochs_trained"].sum()), int(frame["epochs_planned"].sum())
    found = [labels["tuning_time"].format(time=duration(frame["train_seconds"].sum()))]
    if frame["stopped"].any():
        saved = f"{100 * (1 - trained / planned):.0f}"
        facts = {"stopped": frame["stopped"].sum(), "trained": trained, "planned": planned}
        found.append(labels["tuning_halved"].format(**facts, saved=saved))
    if edges := _at_the_edge(frame, maker, labels):
        found.append(labels["tuning_edge"].format(methods=listed(edges)))
    if diverged := int(frame["diverged"].sum()):
        found.append(labels["tuning_diverged"].format(n=diverged))
    return found


def _at_the_edge(frame: pd.DataFrame, maker: Maker, labels: Mapping[str, str]) -> list[str]:
    """The methods whose best value is the least or the largest that they tried, with the key."""
    found = []
    for row in records(frame[frame["chosen"]]):
        tried = frame[frame["method"] == row["method"]]
        keys = [
            labels[f"tuned_{key}"]
            for key in VALUES
            if not missing(row[key])
            and tried[key].nunique() > 2
            and row[key] in (tried[key].min(), tried[key].max())
        ]
        if keys:
            found.append(f"{maker.style.title(row['method'])} ({', '.join(keys)})")
    return found
