"""The section on learning curves: what more labelled rows would bring, and to whom."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from finetone.numbers import DECIMAL, missing
from finetone.plots.drawing.read_table import records
from finetone.report.elements import Maker, Section
from finetone.report.html_table import FORMATS, Column, score_column, with_interval

MOST = 5  # sentences on crossings
LEAST_SHARE = 0.5  # of the draws in which curves cross at all, for a sentence


def learning_curve(maker: Maker) -> Section:
    """Scores against the number of training rows, gains to expect, and where curves cross."""
    labels, points = maker.labels, maker.rows("learning_curve")
    if points.empty:
        return Section("learning-curve", labels["section_learning_curve"])
    fit, crossings = maker.rows("learning_curve_fit"), maker.rows("learning_curve_crossings")
    decimal = points["metric"].iloc[0] in DECIMAL
    gain, score = ("decimal", "decimal") if decimal else ("points", "percent")
    more = f"{int(fit['more'].max()):,}" if fit["more"].notna().any() else ""
    fits = [
        Column("method", labels["method"], "method"),
        Column("rows", labels["training_rows"], "count"),
        with_interval("gain", labels["gain_more"].format(more=more), gain),
        with_interval("gain_twice", labels["gain_twice"], gain),
        with_interval("limit", labels["curve_limit"], score),
        with_interval("exponent", labels["curve_exponent"], "number"),
        Column("reason", labels["reason"], "prose"),
    ]
    all_points = [
        Column("method", labels["method"], "method"),
        Column("rows", labels["training_rows"], "count"),
        score_column(points, labels, "low", "high"),
        Column("seeds", labels["seeds"], "count"),
    ]
    crossed = [
        Column("a", labels["better_with_fewer"], "method"),
        Column("b", labels["better_with_more"], "method"),
        Column("rows", labels["crossing_rows"], "count", "low", "high"),
        Column("share", labels["crossing_share"], "percent"),
    ]
    return Section(
        "learning-curve",
        labels["section_learning_curve"],
        labels["lead_learning_curve"],
        sentences=[*_gains(points, fit, maker, gain, more), *_crossings(crossings, maker, labels)],
        pictures=maker.show("learning-curve"),
        tables=[
            *maker.table("learning_curve_fit", fits, _explained(fit, labels["too_few_points"])),
            *maker.table("learning_curve_crossings", crossed, folded=len(crossings) > MOST),
            *maker.table("learning_curve", all_points, folded=True),
        ],
    )


def _explained(fit: pd.DataFrame, reason: str) -> pd.DataFrame:
    """The fits; those that cannot be made, for which there is one reason only, say so in words."""
    return fit.assign(reason=["" if missing(each) else reason for each in fit["reason"]])


def _gains(
    points: pd.DataFrame, fit: pd.DataFrame, maker: Maker, kind: str, more: str
) -> list[str]:
    """What more rows would bring to the best method."""
    last = points[points["rows"] == points["rows"].max()]
    lowest = points["metric"].iloc[0] == "loss"
    best = last.sort_values("score", ascending=lowest)["method"].iloc[0]
    for row in records(fit[fit["method"] == best]):
        if missing(row["gain"]):
            return []
        write = FORMATS[kind]
        gain, low, high = (write(row[name]) for name in ("gain", "gain_low", "gain_high"))
        facts: dict[str, Any] = {"method": maker.style.title(best), "more": more}
        facts |= {"rows": f"{int(row['rows']):,}", "gain": gain, "low": low, "high": high}
        said = "curve_gain" if kind == "points" else "curve_gain_decimal"
        return [maker.labels[said].format(**facts)]
    return []


def _crossings(frame: pd.DataFrame, maker: Maker, labels: Mapping[str, str]) -> list[str]:
    found = []
    for row in records(frame[frame["share"] >= LEAST_SHARE])[:MOST] if len(frame) else []:
        rows, low, high = (f"{_rounded(row[name]):,}" for name in ("rows", "low", "high"))
        few, many = (maker.style.title(row[name]) for name in ("a", "b"))
        found.append(
            labels["curve_crossing"].format(few=few, many=many, rows=rows, low=low, high=high)
        )
    return found


def _rounded(rows: float) -> int:
    """To two digits: a place read off between two points is no better known."""
    return int(float(f"{rows:.2g}"))
