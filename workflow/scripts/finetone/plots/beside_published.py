"""Published accuracies beside ours, after every epoch."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from finetone.numbers import percent
from finetone.plots.drawing.canvas import heading, look, named_rows, new_figure, save
from finetone.plots.drawing.fitting import short
from finetone.plots.drawing.language import labels_in
from finetone.plots.drawing.read_table import read, rows
from finetone.plots.drawing.style import INK, MUTED, RULE, Style
from finetone.plots.nothing import draw_nothing

ABREAST = 3  # panels
APART = 0.17  # rows between the published value above and ours below
COLUMNS = ["table", "method", "epoch", "metric", "possible"]
NUMBERS = [f"{whose}{end}" for whose in ("published", "ours") for end in ("", "_low", "_high")]


def draw_published(side_by_side: Path, style: Style, target: Path) -> None:
    """Draw one panel per epoch and one row per method: published above, ours below.

    Published values have the interval of their rows; one that no number of right answers gives is
    a cross. Rows that repeat another one are left out.

    Parameters
    ----------
    side_by_side
        The table side_by_side.csv, of which the accuracies of its `table` "published" are drawn.
    style
        How methods look, and the language.
    target
        The SVG file to write.
    """
    table = read(side_by_side, [*COLUMNS, *NUMBERS, "repeats"])
    table = table[(table["table"] == "published") & (table["metric"] == "accuracy")]
    table = table[(table["repeats"] == "") & table["ours"].notna()].copy()
    labels = labels_in(style.language)
    title = labels["title_published"]
    if table.empty:
        draw_nothing(title, labels["nothing_published"], target)
        return
    table["epoch"] = table["epoch"].fillna(0).astype(int)
    epochs = sorted(set(table["epoch"]))
    last = table[table["epoch"] == epochs[-1]].sort_values("published", ascending=False)
    order = list(dict.fromkeys([*last["method"], *table["method"]]))
    with look():
        abreast = min(ABREAST, len(epochs))
        deep = -(-len(epochs) // abreast)
        figure = new_figure(2.3 + 2.45 * abreast, deep * (0.8 + 0.34 * len(order)) + 0.75)
        grid = np.atleast_1d(figure.subplots(deep, abreast, sharex=True, sharey=True)).flat
        for axes, epoch in zip(grid, epochs, strict=False):
            _panel(axes, table[table["epoch"] == epoch], order, style)
            if epoch:
                axes.set_title(labels["epoch_n"].format(n=epoch), fontsize=9.5)
            axes.set_xlabel(labels["test_accuracy"])
        for axes in list(grid)[len(epochs) :]:
            axes.remove()
        heading(figure, title, int(figure.get_figwidth() * 9))
        handles = [
            _mark("|", INK, labels["published_value"]),
            _mark("x", INK, labels["impossible_value"]),
            _mark("o", MUTED, labels["our_value"]),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=3, labelcolor=MUTED)
        items = "; ".join(
            labels["desc_vs"]
            .format(
                method=style.title(r.method),
                epoch=labels["epoch_n"].format(n=r.epoch) if r.epoch else "",
                published=percent(r.published),
                ours=percent(r.ours),
            )
            .replace("  ", " ")
            for r in rows(table)
        )
        save(figure, target, title, labels["desc_published"].format(items=items))


def _panel(axes: Axes, table: pd.DataFrame, order: list[str], style: Style) -> None:
    for row in rows(table):
        y, colour = order.index(row.method), style.colour(row.method)
        above, below = y - APART, y + APART
        axes.plot([100 * row.published, 100 * row.ours], [above, below], color=RULE, linewidth=0.8)
        axes.hlines(above, 100 * row.published_low, 100 * row.published_high, MUTED, linewidth=1.1)
        possible = str(row.possible).lower() != "false"
        axes.plot(
            100 * row.published,
            above,
            marker="|" if possible else "x",
            markersize=9 if possible else 6,
            markeredgewidth=1.8,
            color=INK,
            zorder=3,
        )
        axes.hlines(below, 100 * row.ours_low, 100 * row.ours_high, colour, linewidth=1.8)
        mark: dict[str, Any] = {"marker": style.marker(row.method), "markersize": 6}
        mark |= {"markeredgecolor": "white", "markeredgewidth": 0.6, "zorder": 4}
        axes.plot(100 * row.ours, below, color=colour, **mark)
    named_rows(axes, [short(style.title(method), 30) for method in order])
    axes.set_ylim(len(order) - 0.4, -0.6)


def _mark(marker: str, colour: str, label: str) -> Line2D:
    wide = 1.8 if marker in "|x" else 0
    look_of: dict[str, Any] = {
        "marker": marker,
        "color": colour,
        "markeredgewidth": wide,
        "label": label,
    }
    return Line2D([], [], linestyle="none", **look_of)
