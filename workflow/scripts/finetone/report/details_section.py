"""Sections on what it costs and where it fails: baselines, cost, calibration, errors."""

from finetone.plots.read_table import truth
from finetone.report.elements import Maker, Section
from finetone.report.html_table import Column, bounded


def baselines(maker: Maker) -> Section:
    say = maker.say
    columns = [
        Column("method", say["method"], "method"),
        bounded("accuracy", say["accuracy"], "percent"),
        bounded("loss", say["loss"], "number"),
        Column("parameters", say["parameters"], "size"),
        Column("train_seconds", say["train_seconds"], "seconds", spread="train_seconds_sd"),
        Column("seeds", say["seeds"], "count"),
    ]
    return Section(
        "baselines",
        say["section_baselines"],
        say["lead_baselines"],
        tables=maker.table("baselines", columns),
    )


def cost(maker: Maker) -> Section:
    say = maker.say
    columns = [
        Column("method", say["method"], "method"),
        bounded("accuracy", say["accuracy"], "percent"),
        Column("parameters", say["parameters"], "size"),
        bounded("seconds_per_32", say["seconds_per_32"], "seconds"),
        Column("ms_per_million_parameters", say["ms_per_million"], "number"),
        Column("train_seconds", say["train_seconds"], "seconds", spread="train_seconds_sd"),
        bounded("inference_examples_per_s", say["inference"], "number"),
        Column("peak_memory_bytes", say["memory"], "memory"),
        Column("flops_per_token", say["flops"], "size"),
        Column("on_frontier_parameters", say["frontier_parameters"], "flag"),
        Column("on_frontier_train_seconds", say["frontier_time"], "flag"),
        Column("on_frontier_inference", say["frontier_inference"], "flag"),
    ]
    return Section(
        "cost",
        say["section_cost"],
        say["lead_cost"],
        pictures=maker.show("accuracy-time", "accuracy-inference", "accuracy-parameters"),
        tables=maker.table("efficiency", columns),
    )


def calibration(maker: Maker) -> Section:
    say = maker.say
    metrics = {
        "ece": "percent",
        "loss": "number",
        "brier": "number",
        "auc": "number",
        "mcc": "number",
        "macro_f1": "percent",
        "balanced_accuracy": "percent",
    }
    columns = [Column("method", say["method"], "method")] + [
        Column(f"{name}_mean", say[name], kind, f"{name}_low", f"{name}_high")
        for name, kind in metrics.items()
    ]
    frame = maker.rows("summary")
    if len(frame):
        frame = frame[truth(frame["kept"])].sort_values("accuracy_mean", ascending=False)
    return Section(
        "calibration",
        say["section_calibration"],
        say["lead_calibration"],
        pictures=maker.show("reliability"),
        tables=maker.table("summary", columns, frame),
    )


def errors(maker: Maker) -> Section:
    say = maker.say
    slices = [
        Column("method", say["method"], "method"),
        Column("slice", say["label"]),
        Column("accuracy", say["accuracy"], "percent", "low", "high"),
        Column("n", say["rows"], "count"),
    ]
    texts = [
        Column("text", say["text"], "prose"),
        Column("label", say["label"]),
        Column("wrong", say["wrong_methods"]),
        Column("mean_probability_of_label", say["probability_of_label"], "percent"),
        Column("why", say["why"]),
    ]
    by_label = maker.rows("slices")
    if len(by_label):
        by_label = by_label[by_label["kind"] == "label"]
    frame = maker.rows("errors").copy()
    if len(frame):
        frame["wrong"] = [
            f"{w} / {m}" for w, m in zip(frame["wrong_methods"], frame["methods"], strict=True)
        ]
        frame["why"] = [say.get(f"why_{why}", why) for why in frame["why"]]
    return Section(
        "errors",
        say["section_errors"],
        say["lead_errors"],
        pictures=maker.show("lengths"),
        tables=[
            *maker.table("errors", texts, frame),
            *maker.table("slices", slices, by_label, folded=True),
        ],
    )
