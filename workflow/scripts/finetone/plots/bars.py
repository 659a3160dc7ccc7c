"""Pictures with one row per method: the ranking, the drop on other datasets."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from finetone.plots.canvas import floor, look, named_rows, new_figure, save
from finetone.plots.fitting import broken, short
from finetone.plots.language import labels_in
from finetone.plots.nothing import draw_nothing
from finetone.plots.numbers import DECIMAL, percent, scale, score, score_between, signed
from finetone.plots.read_table import ranked, read, records, rows
from finetone.plots.style import INK, MUTED, Style
from finetone.statistics.evaluation import ERRORS


def draw_methods(ranking: Path, dataset: str, style: Style, target: Path) -> None:
    """Draw the ranking with intervals and group letters, the best on top.

    Parameters
    ----------
    ranking
        The table ranking.csv.
    dataset
        Name of the source dataset.
    style
        How methods look, and the language.
    target
        The SVG file to write.
    """
    table = ranked(ranking, ["metric", "score", "low", "high", "group"], dataset)
    labels = labels_in(style.language)
    metric = table["metric"].iloc[0]
    table["score"] = table["score"].replace(np.inf, np.nan)  # of a loss; it is off every scale
    title = labels["title_methods"].format(dataset=short(style.dataset(dataset)))
    with look():
        figure = new_figure(7.6, 1.15 + 0.3 * len(table))
        axes = figure.add_subplot()
        edge = floor(table["score"], metric in ERRORS)
        _rows(axes, table, style, "score", "low", "high", edge, scale(metric))
        axes.set_xlabel(labels[f"test_{metric}"])
        axes.set_title(broken(title, 52))
        # each letter has its own column
        letters = sorted(set("".join(table["group"])))
        for y, group in enumerate(table["group"]):
            for i, letter in enumerate(letters):
                if letter in group:
                    _beside(axes, letter, y, 62 + 10 * i, ha="center", color=INK, fontsize=8.5)
        if letters:
            _beside(axes, labels["group"], -0.85, 57, ha="left", color=MUTED, fontsize=8)
        _values(axes, [score(metric, value) for value in table["score"]])
        unit = "" if metric in DECIMAL else " %"
        items = "; ".join(
            f"{style.title(r.method)} {score(metric, r.score)}{unit} "
            f"({score_between(metric, r.low, r.high)}) {r.group}".strip()
            for r in rows(table)
        )
        save(figure, target, title, labels["desc_methods"].format(items=items))


def draw_transfer(transfer: Path, source: str, style: Style, target: Path) -> None:
    """Draw how much accuracy drops on every transfer dataset, one panel per dataset.

    Parameters
    ----------
    transfer
        The table transfer.csv.
    source
        Name of the source dataset.
    style
        How methods look, and the language.
    target
        The SVG file to write.
    """
    table = read(transfer, ["dataset", "method", "drop", "drop_low", "drop_high"])
    table = table[table["drop"].notna() & (table["dataset"] != source)]
    datasets = list(dict.fromkeys(table["dataset"]))
    labels = labels_in(style.language)
    if table.empty:
        draw_nothing(labels["title_transfer"], labels["nothing_transfer"], target)
        return
    mean = table.groupby("method")["drop"].mean().sort_values()
    with look():
        figure = new_figure(max(7.6, 2.4 + 3.4 * len(datasets)), 1.35 + 0.3 * len(mean))
        panels = np.atleast_1d(figure.subplots(1, len(datasets), sharey=True))
        for axes, dataset in zip(panels, datasets, strict=True):
            there = table[table["dataset"] == dataset].set_index("method")
            there = there.reindex(mean.index).reset_index()
            axes.axvline(0, color=MUTED, linewidth=1, zorder=1)
            _rows(axes, there, style, "drop", "drop_low", "drop_high")
            axes.set_title(broken(style.dataset(dataset), 30))
            axes.set_xlabel(labels["drop"].format(source=short(style.dataset(source), 24)))
            _values(axes, ["" if np.isnan(d) else signed(d) for d in there["drop"]])
        items = "; ".join(
            f"{style.dataset(r.dataset)}, {style.title(r.method)}: {percent(r.drop)} "
            f"({percent(r.drop_low)}–{percent(r.drop_high)})"
            for r in rows(table)
        )
        description = labels["desc_transfer"].format(source=style.dataset(source), items=items)
        save(figure, target, labels["title_transfer"], description)


def _rows(
    axes: Axes,
    table: pd.DataFrame,
    style: Style,
    value: str,
    low: str,
    high: str,
    edge: float = -np.inf,
    scale: int = 100,
) -> None:
    """A mark and an interval per row, the first on top, names on the left; values by `scale`.

    A row whose value is below `edge` becomes an arrow at the left edge.
    """
    for y, row in enumerate(records(table)):
        colour, middle = style.colour(row["method"]), scale * row[value]
        look_of: dict[str, Any] = {"color": colour, "zorder": 3}
        if row[value] < edge:
            axes.plot(
                0.015, y, marker="<", markersize=7, transform=axes.get_yaxis_transform(), **look_of
            )
            continue
        axes.plot([scale * row[low], scale * row[high]], [y, y], linewidth=2, **look_of)
        look_of |= {"markersize": 7, "markeredgecolor": "white", "markeredgewidth": 0.8}
        axes.plot(middle, y, marker=style.marker(row["method"]), **look_of)
    named_rows(axes, [short(style.title(method)) for method in table["method"]])
    axes.set_ylim(len(table) - 0.4, -0.6)


def _values(axes: Axes, texts: list[str]) -> None:
    """Numbers in a column at the right edge."""
    for y, text in enumerate(texts):
        _beside(axes, text, y, 40, ha="right", color=INK, fontsize=8.5)


def _beside(axes: Axes, text: str, y: float, points: float, **look_of: Any) -> None:
    """Write `text` in row `y`, `points` to the right of the axes."""
    place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    axes.annotate(text, (1, y), xytext=(points, 0), va="center", **place, **look_of)
