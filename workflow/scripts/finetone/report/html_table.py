"""Tables of the report: chosen columns of a CSV file, formatted, and the whole file to download."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from finetone import numbers
from finetone.plots.drawing.read_table import truth
from finetone.plots.drawing.style import Style

SPAN = 2.5  # times the distance from the end of an axis to the median is drawn

FORMATS: dict[str, Callable[[Any], str]] = {
    "percent": numbers.percent,
    "points": numbers.signed,
    "drop": numbers.percent,  # a sign only where it is a gain
    "number": numbers.size,
    "p": numbers.probability,
    "setting": numbers.setting,
    "seconds": numbers.duration,
    "size": numbers.size,
    "memory": numbers.memory,
    "count": lambda value: f"{int(value):,}",
    "decimal": lambda value: f"{value:.3f}".replace("-", "−"),
}


@dataclass(frozen=True)
class Column:
    """A column of a table in the report.

    Attributes
    ----------
    key
        Of the value in the CSV file.
    label
        The heading.
    kind
        One of FORMATS, or "text", "prose", "method", "dataset" or "flag".
    low, high
        Columns of its interval.
    spread
        Column of its standard deviation, if it has no interval.
    explained
        What the heading says when asked.
    drawn
        Whether the interval is drawn, too, on an axis common to all rows.
    hidden
        Whether it is shown only on request.
    """

    key: str
    label: str
    kind: str = "text"
    low: str | None = None
    high: str | None = None
    spread: str | None = None
    explained: str = ""
    drawn: bool = False
    hidden: bool = False

    @property
    def numeric(self) -> bool:
        """Whether the value is a number."""
        return self.kind in FORMATS


def with_interval(name: str, label: str, kind: str) -> Column:
    """A column whose interval or quartiles are in `<name>_low` and `<name>_high`."""
    return Column(name, label, kind, f"{name}_low", f"{name}_high")


def score_column(frame: pd.DataFrame, labels: Mapping[str, str], low: str, high: str) -> Column:
    """The column of what methods are compared by, which the column `metric` of `frame` names."""
    metric = frame["metric"].iloc[0] if len(frame) else "accuracy"
    kind = "decimal" if metric in numbers.DECIMAL else "percent"
    return Column("score", labels[metric], kind, low, high)


@dataclass(frozen=True)
class Cell:
    """A formatted value.

    Attributes
    ----------
    text, extra
        The value, and its interval.
    sort
        Key to sort by.
    colour, method
        Of a method: its colour and name.
    drawn
        Where the interval begins, the value is and the interval ends, in percent of the common axis.
    """

    text: str
    extra: str = ""
    sort: str = ""
    colour: str = ""
    method: str = ""
    drawn: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Table:
    """A formatted table.

    Attributes
    ----------
    id, caption, columns, rows
        What it shows.
    file, data
        Name of the CSV file, and its content as a data URI.
    folded
        Whether it is shown only on request.
    panels
        Whether its methods open what is known of them.
    """

    id: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    file: str
    data: str
    folded: bool = False
    panels: bool = False


def table(
    name: str,
    caption: str,
    frame: pd.DataFrame,
    columns: Sequence[Column],
    source: Path,
    style: Style,
    folded: bool = False,
) -> Table:
    """Format the rows of a table, in the order of `frame`.

    Parameters
    ----------
    name, caption
        Its id and caption.
    frame
        The rows.
    columns
        Those to show; missing and empty ones are left out.
    source
        The CSV file to download.
    style
        How methods look.
    folded
        Show it only on request.
    """
    shown = [c for c in columns if c.key in frame and not frame[c.key].map(numbers.missing).all()]
    flags = {c.key: truth(frame[c.key]) for c in shown if c.kind == "flag"}
    axes = {c.key: _axis(frame, c) for c in shown if c.drawn and c.low in frame}
    rows = [
        [
            _cell({**row, **{k: flags[k].iloc[i] for k in flags}}, c, style, axes.get(c.key))
            for c in shown
        ]
        for i, row in enumerate(frame.to_dict("records"))
    ]
    return Table(name, caption, shown, rows, source.name, csv_link(source), folded)


def csv_link(path: Path) -> str:
    """Return the file as a data URI."""
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(path.read_bytes()).decode()


def _axis(frame: pd.DataFrame, column: Column) -> tuple[float, float]:
    """The range of most intervals of a column: a few far ones would press the others together."""
    values = frame[[column.low, column.key, column.high]].astype(float)
    low, high = float(values.min().min()), float(values.max().max())
    middle = values.median()
    low = max(low, high - SPAN * (high - middle.iloc[0]))
    high = min(high, low + SPAN * (middle.iloc[2] - low)) if middle.iloc[2] > low else high
    return low, high if high > low else low + 1


def _cell(
    row: dict[Any, Any], column: Column, style: Style, axis: tuple[float, float] | None = None
) -> Cell:
    value = row[column.key]
    if column.kind == "flag":
        return Cell("●" if value else "", sort=str(int(value)))
    if numbers.missing(value):
        return Cell("–", sort="")
    if column.kind == "method":
        title = style.title(str(value))
        return Cell(title, sort=title, colour=style.colour(str(value)), method=str(value))
    if column.kind == "dataset":
        return Cell(style.dataset(str(value)), sort=style.dataset(str(value)))
    if not column.numeric or isinstance(value, str):
        return Cell(str(value), sort=str(value))
    write = FORMATS[column.kind]
    extra, drawn = "", None
    if column.low and column.high and not numbers.missing(row.get(column.low)):
        bounds = [write(row[column.low]), write(row[column.high])]
        # "2.1–3.0" but "−3.0 … −2.1": a dash beside a minus cannot be read
        apart = column.kind == "points" or any(bound.startswith("−") for bound in bounds)
        extra = (" … " if apart else "–").join(bounds)
        if axis:
            ends = (row[column.low], value, row[column.high])
            places = (100 * (float(end) - axis[0]) / (axis[1] - axis[0]) for end in ends)
            begin, at, end = (min(max(place, 0.0), 100.0) for place in places)
            drawn = begin, at, end
    elif column.spread and not numbers.missing(row.get(column.spread)):
        extra = f"± {write(row[column.spread])}"
    return Cell(write(value), extra, repr(float(value)), drawn=drawn)
