"""Sections on costs and errors: baselines, cost, calibration, errors."""

from finetone.plots.read_table import truth
from finetone.report.elements import Maker, Section
from finetone.report.html_table import Column, score_column, with_interval


def baselines(maker: Maker) -> Section:
    """The methods without pretraining."""
    labels = maker.labels
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
        tables=maker.table("baselines", columns),
    )


def cost(maker: Maker) -> Section:
    """Parameters, time and memory against the score."""
    labels = maker.labels
    columns = [
        Column("method", labels["method"], "method"),
        score_column(maker.read("efficiency"), labels, "score_low", "score_high"),
        Column("parameters", labels["parameters"], "size"),
        with_interval("seconds_per_32", labels["seconds_per_32"], "seconds"),
        Column("ms_per_million_parameters", labels["ms_per_million"], "number"),
        Column("train_seconds", labels["train_seconds"], "seconds", spread="train_seconds_sd"),
        with_interval("inference_examples_per_s", labels["inference"], "number"),
        Column("peak_memory_bytes", labels["memory"], "memory"),
        Column("flops_per_token", labels["flops"], "size"),
        Column("on_frontier_parameters", labels["frontier_parameters"], "flag"),
        Column("on_frontier_train_seconds", labels["frontier_time"], "flag"),
        Column("on_frontier_inference", labels["frontier_inference"], "flag"),
    ]
    return Section(
        "cost",
        labels["section_cost"],
        labels["lead_cost"],
        pictures=maker.show("accuracy-time", "accuracy-inference", "accuracy-parameters"),
        tables=maker.table("efficiency", columns),
    )


def calibration(maker: Maker) -> Section:
    """Confidence against accuracy."""
    labels = maker.labels
    metrics = {
        "ece": "percent",
        "loss": "number",
        "brier": "number",
        "auc": "number",
        "mcc": "number",
        "macro_f1": "percent",
        "balanced_accuracy": "percent",
    }
    columns = [Column("method", labels["method"], "method")] + [
        Column(f"{name}_mean", labels[name], kind, f"{name}_low", f"{name}_high")
        for name, kind in metrics.items()
    ]
    frame = maker.rows("summary")
    if len(frame):
        frame = frame[truth(frame["kept"])].sort_values("accuracy_mean", ascending=False)
    return Section(
        "calibration",
        labels["section_calibration"],
        labels["lead_calibration"],
        pictures=maker.show("reliability"),
        tables=maker.table("summary", columns, frame),
    )


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
    by_label = maker.rows("slices")
    if len(by_label):
        by_label = by_label[by_label["kind"] == "label"]
    frame = maker.rows("errors").copy()
    if len(frame):
        frame["wrong"] = [
            f"{w} / {m}" for w, m in zip(frame["wrong_methods"], frame["methods"], strict=True)
        ]
        frame["why"] = [labels.get(f"why_{why}", why) for why in frame["why"]]
    return Section(
        "errors",
        labels["section_errors"],
        labels["lead_errors"],
        pictures=maker.show("lengths"),
        tables=[
            *maker.table("errors", texts, frame),
            *maker.table("slices", slices, by_label, folded=True),
        ],
    )
