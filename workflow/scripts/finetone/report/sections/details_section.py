"""Sections on costs and errors: baselines, cost, errors."""

from dataclasses import replace

import pandas as pd

from finetone.config.shorthands import SHORTHANDS
from finetone.plots.drawing.read_table import truth
from finetone.report.elements import Maker, Section
from finetone.report.html_table import Column, score_column, with_interval

LABELS = 20  # in the table of labels; all are in the CSV beside it
MOST_CONFUSED = 20  # pairs of classes that are listed


def baselines(maker: Maker) -> Section:
    """The methods without pretraining."""
    labels, frame = maker.labels, maker.rows("baselines")
    if "kind" in frame:
        frame = frame[~frame["kind"].isin(SHORTHANDS)]  # they have a section of their own
    columns = [
        Column("method", labels["method"], "method"),
        with_interval("accuracy", labels["accuracy"], "percent"),
        with_interval("loss", labels["loss"], "number"),
        Column("parameters", labels["parameters"], "size"),
        Column("train_seconds", labels["train_seconds"], "seconds", spread="train_seconds_sd"),
        Column("seeds", labels["seeds"], "count"),
    ]
    return Section(
        "baselines",
        labels["section_baselines"],
        labels["lead_baselines"],
        tables=maker.table("baselines", columns, frame),
    )


def cost(maker: Maker) -> Section:
    """Parameters, time and memory against the score."""
    labels, frame = maker.labels, maker.rows("efficiency")
    columns = [
        Column("method", labels["method"], "method"),
        score_column(frame, labels, "score_low", "score_high"),
        Column("parameters", labels["parameters"], "size"),
        Column("train_seconds", labels["train_seconds"], "seconds", spread="train_seconds_sd"),
        with_interval("seconds_per_million_texts", labels["per_million"], "seconds"),
        Column("peak_memory_bytes", labels["memory"], "memory"),
        Column("flops_per_token", labels["flops"], "size"),
        Column("on_frontier_parameters", labels["frontier_parameters"], "flag"),
        Column("on_frontier_train_seconds", labels["frontier_time"], "flag"),
        Column("on_frontier_inference", labels["frontier_inference"], "flag"),
        *(replace(column, hidden=True) for column in _rates(maker, frame)),
    ]
    sentences = [labels["cost_timed"]] if "reference" in frame and len(frame) else []
    if "doubtful" in frame and (doubtful := int(truth(frame["doubtful"]).sum())):
        sentences.append(labels["cost_doubtful"].format(n=doubtful, all=len(frame)))
        columns.append(Column("doubtful", labels["doubtful"], "flag"))
    return Section(
        "cost",
        labels["section_cost"],
        labels["lead_cost"],
        sentences=sentences,
        pictures=maker.show("accuracy-time", "accuracy-inference", "accuracy-parameters"),
        tables=maker.table("efficiency", columns),
    )


def _rates(maker: Maker, frame: pd.DataFrame) -> list[Column]:
    """The same costs as rates and as ratios, on request: beside times they are mistaken for them."""
    labels = maker.labels
    reference = str(frame["reference"].iloc[0]) if "reference" in frame and len(frame) else ""
    to = {"reference": maker.style.title(reference)}
    return [
        with_interval("seconds_per_32", labels["seconds_per_32"], "seconds"),
        with_interval("relative_training", labels["relative_training"].format(**to), "number"),
        Column("ms_per_million_parameters", labels["ms_per_million"], "number"),
        with_interval("inference_examples_per_s", labels["inference"], "number"),
        with_interval("relative_prediction", labels["relative_prediction"].format(**to), "number"),
    ]


def errors(maker: Maker) -> Section:
    """Accuracy by slice, and the rows that methods get wrong."""
    labels = maker.labels
    slices = [
        Column("method", labels["method"], "method"),
        Column("slice", labels["label"]),
        Column("accuracy", labels["accuracy"], "percent", "low", "high"),
        Column("n", labels["rows"], "count"),
    ]
    texts = [
        Column("text", labels["text"], "prose"),
        Column("label", labels["label"]),
        Column("wrong", labels["wrong_methods"]),
        Column("mean_probability_of_label", labels["probability_of_label"], "percent"),
        Column("why", labels["why"]),
    ]
    suspects = [
        Column("rank", labels["rank"], "count"),
        Column("text", labels["text"], "prose"),
        Column("label", labels["label"]),
        Column("suggested", labels["suggested_label"]),
        Column("against", labels["contradicting"]),
        Column("probability_of_label", labels["probability_of_label"], "percent"),
        Column("says", labels["methods_say"]),
    ]
    classes = [
        Column("method", labels["method"], "method"),
        Column("label", labels["label"]),
        *(
            with_interval(name, labels[f"class_{name}"], "percent")
            for name in ("precision", "recall", "f1")
        ),
        Column("n", labels["rows"], "count"),
    ]
    confused = [
        Column("method", labels["method"], "method"),
        Column("true", labels["true_class"]),
        Column("predicted", labels["predicted_class"]),
        Column("rows", labels["rows"], "number"),
        Column("share", labels["share_of_class"], "percent"),
    ]
    taken = maker.rows("confusion")
    if len(taken):
        taken = taken[taken["true"] != taken["predicted"]]
        taken = taken.sort_values("rows", ascending=False, kind="stable").head(MOST_CONFUSED)
    by_label = maker.rows("slices")
    if len(by_label):
        by_label = _most_frequent(by_label[by_label["kind"] == "label"], "slice")
    frame = maker.rows("errors").copy()
    if len(frame):
        frame["wrong"] = [
            f"{w} / {m}" for w, m in zip(frame["wrong_methods"], frame["methods"], strict=True)
        ]
        frame["why"] = [labels.get(f"why_{why}", why) for why in frame["why"]]
    doubted = maker.rows("label_errors").copy()
    if len(doubted):
        doubted["against"] = [
            f"{c} / {m}" for c, m in zip(doubted["contradicting"], doubted["methods"], strict=True)
        ]
    return Section(
        "errors",
        labels["section_errors"],
        labels["lead_errors"],
        pictures=maker.show("lengths", "confusion"),
        tables=[
            *maker.table("errors", texts, frame),
            *maker.table("label_errors", suspects, doubted, folded=True),
            *maker.table("slices", slices, by_label, folded=True),
            *maker.table(
                "per_class", classes, _most_frequent(maker.rows("per_class"), "label"), folded=True
            ),
            *maker.table("confusion", confused, taken, folded=True),
        ],
    )


def _most_frequent(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """The rows of the labels, named in `column`, that most rows `n` of the test split have."""
    if not len(frame):
        return frame
    common = frame.groupby(column)["n"].max().nlargest(LABELS).index
    return frame[frame[column].isin(common)]
