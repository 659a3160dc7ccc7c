"""Section on exported models: what they keep of the original, and what they cost."""

from finetone.numbers import missing, percent, signed
from finetone.plots.drawing.read_table import records
from finetone.report.elements import Maker, Section
from finetone.report.html_table import Column, with_interval


def exports(maker: Maker) -> Section:
    """Accuracy, size and speed of every exported form, beside the original's."""
    labels, frame = maker.labels, maker.rows("exports")
    columns = [
        Column("method", labels["method"], "method"),
        Column("form", labels["form"]),
        with_interval("accuracy", labels["accuracy"], "percent"),
        with_interval("difference", labels["against_original"], "points"),
        with_interval("agreement", labels["agreement_original"], "percent"),
        Column("bytes", labels["bytes"], "memory"),
        with_interval("inference_examples_per_s", labels["inference"], "number"),
        with_interval("relative_prediction", labels["relative_prediction"], "number"),
        Column("doubtful", labels["doubtful"], "flag"),
    ]
    sentences = []
    for row in records(frame) if len(frame) else []:
        if row["form"] == "original" or missing(row["difference_low"]):
            continue
        facts = {"method": maker.style.title(row["method"]), "form": row["form"]}
        if row["difference_high"] < 0:
            interval = f"{signed(row['difference_low'])} … {signed(row['difference_high'])}"
            points = percent(-row["difference"])
            sentences.append(
                labels["exports_worse"].format(**facts, points=points, interval=interval)
            )
        else:
            most = percent(max(0.0, -row["difference_low"]))
            sentences.append(labels["exports_open"].format(**facts, most=most))
    return Section(
        "exports",
        labels["section_exports"],
        labels["lead_exports"],
        sentences=sentences,
        tables=maker.table("exports", columns, frame),
    )
