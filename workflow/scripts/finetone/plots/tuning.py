"""What tuning found: the score of every trial, and of the best of so many."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from finetone.numbers import missing, scale, score, setting
from finetone.plots.drawing.canvas import heading, look, named_rows, new_figure, save
from finetone.plots.drawing.fitting import short
from finetone.plots.drawing.language import labels_in
from finetone.plots.drawing.read_table import methods_in, read, records, truth
from finetone.plots.drawing.style import MUTED, RULE, Style
from finetone.plots.small_multiples import draw_panels
from finetone.statistics.evaluation import ERRORS

VALUES = ("learning_rate", "epochs", "batch_size", "C")


def draw_tuning(tuning: Path, dataset: str, style: Style, target: Path) -> None:
    """Draw one row per method, the best on top, with a mark per trial; the chosen one is filled.

    Parameters
    ----------
    tuning
        The table tuning.csv.
    dataset
        Name of the source dataset.
    style
        How methods look, and the language.
    target
        The SVG file to write.
    """
    table = read(tuning, ["method", "score", "low", "high", *VALUES], dataset)
    table = table.assign(chosen=truth(table["chosen"]), stopped=truth(table["stopped"]))
    metric = str(table["metric"].iloc[0])
    sign = -1 if metric in ERRORS else 1
    chosen = table[table["chosen"]]
    best = (sign * chosen.set_index("method")["score"]).sort_values(ascending=False, kind="stable")
    labels, times = labels_in(style.language), scale(metric)
    with look():
        figure = new_figure(8.2, 1.4 + 0.42 * len(best))
        axes = figure.add_subplot()
        for y, method in enumerate(map(str, best.index)):
            own = table[table["method"] == method]
            colour = style.colour(method)
            for row in records(own[own["chosen"]]):
                axes.hlines(y, times * row["low"], times * row["high"], colour, linewidth=1.6)
                axes.annotate(
                    _values(row, labels), (1.01, y), xycoords=("axes fraction", "data"),
                    va="center", fontsize=8, color=MUTED, annotation_clip=False,
                )  # fmt: skip
            look_of: dict[str, Any] = {"s": 42, "linewidth": 1.3, "zorder": 3}
            for row in records(own):
                at = (times * row["score"], y)
                if row["stopped"]:
                    axes.scatter(*at, marker="x", color=colour, **look_of)
                else:
                    fill = colour if row["chosen"] else "white"
                    axes.scatter(*at, facecolor=fill, edgecolor=colour, **look_of)
        for y in range(1, len(best)):
            axes.axhline(y - 0.5, color=RULE, linewidth=0.5)
        axes.set_ylim(len(best) - 0.5, -0.5)
        axes.set_xlabel(labels[f"dev_{metric}"])
        axes.margins(x=0.07)
        named_rows(axes, [short(style.title(str(method))) for method in best.index])
        title = labels["title_tuning"].format(dataset=short(style.dataset(dataset)))
        heading(figure, title, 72)
        note = labels["tuning_marks_stopped" if table["stopped"].any() else "tuning_marks"]
        axes.set_title(note, fontsize=8.5, fontweight="normal", color=MUTED, pad=5)
        items = "; ".join(
            f"{style.title(row['method'])}: {_values(row, labels)}, {score(metric, row['score'])}"
            for row in records(chosen)
        )
        save(figure, target, title, labels["desc_tuning"].format(items=items))


def draw_tuning_budget(tuning_budget: Path, dataset: str, style: Style, target: Path) -> None:
    """Draw the expected best dev score against the number of trials, one panel per method.

    The other methods are grey in each panel, so that levels can be compared.

    Parameters
    ----------
    tuning_budget
        The table tuning_budget.csv.
    dataset
        Name of the source dataset.
    style
        How methods look, and the language.
    target
        The SVG file to write.
    """
    table = read(tuning_budget, ["method", "trials", "expected_best"], dataset)
    metric = str(table["metric"].iloc[0])
    times = scale(metric)
    lines = {
        method: table[table["method"] == method].sort_values("trials")
        for method in methods_in(table)
    }

    def panel(axes: Axes, method: str, own: pd.DataFrame) -> str:
        for other in lines.values():
            axes.plot(other["trials"], times * other["expected_best"], color=RULE, linewidth=0.8)
        own, colour = own.sort_values("trials"), style.colour(method)
        axes.plot(own["trials"], times * own["expected_best"], color=colour, linewidth=1.8)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        values = own["expected_best"].to_numpy()
        ends = " → ".join(score(metric, value) for value in np.unique(values[[0, -1]]))
        return f"{style.title(method)}: {ends}"

    draw_panels("tuning-budget", table, dataset, style, target, panel, ("trials", f"dev_{metric}"))


def _values(row: dict[str, Any], labels: dict[str, str]) -> str:
    """The values of a trial, in words."""
    found = [
        f"{labels[f'tuned_{key}']} {setting(float(row[key]))}"
        for key in VALUES
        if not missing(row[key])
    ]
    return ", ".join(found)
