"""Parts of a page that show the audit of a published table."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from finetone.published.phrases import words
from finetone.report.elements import Maker
from finetone.report.html_table import Column, Table, table


def in_language(finding: Mapping[str, Any], language: str) -> str:
    """A finding's sentence; in English where it was written before there were others."""
    return str(finding.get(f"sentence_{language}", finding["sentence"]))


def impossible_values(maker: Maker, summary: Mapping[str, Any]) -> list[Table]:
    """The table of values that cannot be, with the nearest ones that can; none if there are none."""
    labels = maker.labels
    columns = [
        Column("table", labels["table"]),
        Column("model", labels["method"]),
        Column("epoch", labels["epoch"], "count"),
        Column("metric", labels["metric"]),
        Column("printed", labels["printed"], "number"),
        Column("nearest", labels["nearest_possible"]),
    ]
    rows = [
        {**value, "metric": column["metric"], "nearest": " · ".join(value["nearest"])}
        for column in summary.get("columns", ())
        for value in column["impossible"]
    ]
    return _from_audit(maker, "impossible", columns, rows)


def checked_columns(maker: Maker, summary: Mapping[str, Any]) -> list[Table]:
    """The table of columns: how much their check can see."""
    labels = maker.labels
    columns = [
        Column("table", labels["table"]),
        Column("metric", labels["metric"]),
        Column("n_stated", labels["rows"], "count"),
        Column("of", labels["steps"], "count"),
        Column("values", labels["number_of_values"], "count"),
        Column("count", labels["impossible"], "count"),
        Column("noticed", labels["noticed"], "percent"),
    ]
    rows = [{**column, "count": len(column["impossible"])} for column in summary.get("columns", ())]
    return _from_audit(maker, "checked", columns, rows)


def printed_values(maker: Maker, folded: bool = False) -> list[Table]:
    """The table of all printed values."""
    labels = maker.labels
    columns = [
        Column("table", labels["table"]),
        Column("model", labels["method"]),
        Column("epoch", labels["epoch"], "count"),
        Column("printed", labels["printed"], "number"),
        Column("others", labels["other_metrics"]),
        Column("accuracy", labels["interval_wilson"], "percent", "wilson_low", "wilson_high"),
        Column("n", labels["rows"], "count"),
        Column("possible", labels["possible"], "flag"),
        Column("nearest", labels["nearest_possible"]),
        Column("loss", labels["loss"], "number"),
        Column("lowest_loss", labels["lowest_loss"], "number"),
        Column("flags", labels["flags"]),
    ]
    frame = maker.read("published").copy()
    if len(frame):
        say = words(maker.style.language)
        frame["table"] = [say.get(f"table_{name}", name) for name in frame["table"]]
        frame["flags"] = [
            labels["comma"].join(labels.get(f"flag_{flag}", flag) for flag in str(flags).split())
            for flags in frame["flags"]
        ]
    return maker.table("published", columns, frame, folded=folded)


def _from_audit(
    maker: Maker, name: str, columns: list[Column], rows: list[dict[str, Any]]
) -> list[Table]:
    """A table of rows of the audit; the file to download is that of all values."""
    source = maker.inputs.tables.get("published")
    if not rows or source is None:
        return []
    frame = pd.DataFrame(rows)
    say = words(maker.style.language)
    frame["metric"] = [say[metric] for metric in frame["metric"]]
    frame["table"] = [say[f"table_{table}"] for table in frame["table"]]
    if frame["table"].nunique() == 1:
        columns = columns[1:]
    return [table(name, maker.labels[f"table_{name}"], frame, columns, source, maker.style)]
