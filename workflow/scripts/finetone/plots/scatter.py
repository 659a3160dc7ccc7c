"""Score against cost, with the Pareto frontier."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.markers import CARETDOWN, CARETLEFT
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

from finetone.numbers import DECIMAL, duration, rounded_duration, scale, score, size
from finetone.plots.drawing.canvas import error_bars, floor, look, new_figure, save, text_width
from finetone.plots.drawing.fitting import broken, short
from finetone.plots.drawing.language import labels_in
from finetone.plots.drawing.placing import Box, place
from finetone.plots.drawing.read_table import read, rows, truth
from finetone.plots.drawing.style import MUTED, RULE, Style, shade
from finetone.plots.nothing import draw_nothing
from finetone.statistics.evaluation import ERRORS

SIZE = 8.5  # of labels, in points


@dataclass(frozen=True)
class Cost:
    """The horizontal axis of a picture, from a column of efficiency.csv.

    Attributes
    ----------
    name
        Of the figure.
    column
        Its column in efficiency.csv.
    frontier
        The column that marks the methods on the frontier.
    x
        From the column to what is drawn.
    write
        A value of the axis as text.
    ticks
        Values that may be labelled; those of a logarithmic scale if there are none.
    """

    name: str
    column: str
    frontier: str
    x: Callable[[pd.Series], pd.Series]
    write: Callable[[float], str]
    ticks: tuple[float, ...] = ()


def draw(
    efficiency: Path, ranking: Path, dataset: str, style: Style, target: Path, cost: Cost
) -> None:
    """Draw the score with intervals against a cost.

    Parameters
    ----------
    efficiency, ranking
        The tables efficiency.csv and ranking.csv.
    dataset
        Name of the source dataset.
    style
        How methods look, and the language.
    target
        The SVG file to write.
    cost
        The horizontal axis: parameters, seconds of training, seconds per million texts.

    A method that costs nothing is drawn at the left edge; one of unknown cost is named below.
    """
    costs = ["method", cost.column, cost.frontier]
    table = read(efficiency, costs)[costs].merge(
        read(ranking, ["method", "metric", "score", "low", "high"], dataset), on="method"
    )
    table["x"] = cost.x(table[cost.column].astype(float))
    table = table[np.isfinite(table["score"])].reset_index(drop=True)
    unknown = [style.title(method) for method in table.loc[table["x"].isna(), "method"]]
    table = table[table["x"].notna()].reset_index(drop=True)
    free = ~(table["x"] > 0)
    if len(known := table.loc[~free, "x"]):
        table.loc[free, "x"] = known.min() / max((known.max() / known.min()) ** 0.06, 1.6)
    labels = labels_in(style.language)
    metric = read(ranking, ["metric"], dataset)["metric"].iloc[0]
    title = labels[f"title_accuracy-{cost.name}"].format(
        dataset=short(style.dataset(dataset)), metric=labels[f"name_{metric}"]
    )
    if table.empty or free.all():
        draw_nothing(title, labels["nothing_cost"], target)
        return
    scores = ["score", "low", "high"]
    table[scores] = table[scores].astype(float) * scale(metric)  # a file of ones holds integers
    edge = floor(table["score"] / scale(metric), metric in ERRORS) * scale(metric)
    true = table["score"].copy()
    below = true < edge
    table.loc[below, scores] = edge
    best = table[truth(table[cost.frontier])].sort_values(["x", "score"])
    with look():
        figure = new_figure(*((7.6, 4.6) if len(table) <= 10 else (9.6, 6.6)))
        axes = figure.add_subplot()
        for row in rows(table):
            colour = style.colour(row.method)
            axes.errorbar(
                row.x,
                row.score,
                yerr=[[bar] for bar in error_bars(row.score, row.low, row.high)],
                color=colour,
                marker=CARETDOWN
                if below[row.Index]
                else CARETLEFT
                if free[row.Index]
                else style.marker(row.method),
                markersize=7,
                markeredgecolor="white",
                markeredgewidth=0.7,
                elinewidth=1.1,
                zorder=3,
            )
        if len(best) > 1:
            dashed: dict[str, Any] = {"color": MUTED, "linewidth": 1, "linestyle": (0, (4, 3))}
            stairs = {**dashed, "where": "post", "label": labels["frontier"], "zorder": 2}
            axes.step(best["x"], best["score"], **stairs)
            figure.legend(loc="outside lower center", labelcolor=MUTED, handlelength=3)
        axes.set_xscale("log")
        low, high = table["x"].min(), table["x"].max()
        margin = max((high / low) ** 0.12, 1.4)
        axes.set_xlim(low / margin, high * margin)
        axes.margins(y=0.09)
        _plain_log_ticks(axes, cost)
        missing = labels["cost_unknown"].format(methods=", ".join(unknown)) if unknown else ""
        axes.set_xlabel("\n".join(filter(None, [labels[cost.column], broken(missing, 90)])))
        axes.set_ylabel(labels[f"test_{metric}"])
        if metric in ERRORS:  # the better, the higher
            axes.invert_yaxis()
        axes.set_title(broken(title, 70))
        figure.draw_without_rendering()  # fixes the layout, and with it where the points are
        figure.set_layout_engine("none")
        unit = "" if metric in DECIMAL else " %"
        names = [
            short(style.title(row.method))
            + (
                f" ({score(metric, true[row.Index] / scale(metric))}{unit})"
                if below[row.Index]
                else ""
            )
            for row in rows(table)
        ]
        colours = [shade(style.colour(method)) for method in table["method"]]
        _label(axes, table, names, colours, _stairs(axes, best))
        items = ", ".join(map(style.title, best["method"])) or "–"
        name = labels[f"name_{metric}"]
        about = labels["desc_scatter"].format(metric=name, n=len(table), items=items)
        save(figure, target, title, about)


TIMES = (1e-3, 1e-2, 0.1, 1, 10, 60, 600, 3600, 6 * 3600, 86400, 864000)  # s, min, h, days
RATE = "inference_examples_per_s"
PARAMETERS = Cost("parameters", "parameters", "on_frontier_parameters", lambda n: n, size)
TIME = Cost(
    "time", "train_seconds", "on_frontier_train_seconds", lambda s: s, rounded_duration, TIMES
)
INFERENCE = Cost(  # of a million texts, as in the tables
    "inference", RATE, "on_frontier_inference", lambda rate: 1e6 / rate, rounded_duration, TIMES
)

draw_accuracy_parameters = partial(draw, cost=PARAMETERS)
draw_accuracy_time = partial(draw, cost=TIME)
draw_accuracy_inference = partial(draw, cost=INFERENCE)


def _plain_log_ticks(axes: Axes, cost: Cost) -> None:
    """Label ticks as a person would write them: 10 k, 2 M, 10 min.

    There are fewer of them where the axis spans many decades, and more where it spans so little
    that it might show none.
    """
    low, high = axes.get_xlim()
    decades = np.log10(high / low)
    within = [tick for tick in cost.ticks if low <= tick <= high]
    if len(within) > 1:
        axes.xaxis.set_major_locator(FixedLocator(within))
        write = cost.write
    else:
        subs = (1, 1.5, 2, 3, 5, 7) if decades < 0.5 else (1, 2, 5) if decades < 2.2 else (1,)
        axes.xaxis.set_major_locator(LogLocator(subs=subs))
        write = duration if cost.ticks else cost.write
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _stairs(axes: Axes, best: pd.DataFrame) -> list[Box]:
    """The frontier's horizontal and vertical pieces as thin boxes, in points."""
    at = axes.transData.transform(np.c_[best["x"], best["score"]])
    pieces = []
    for (x0, y0), (x1, y1) in itertools.pairwise(at):
        pieces += [Box(x0, y0 - 1.5, x1, y0 + 1.5), Box(x1 - 1.5, y0, x1 + 1.5, y1)]
    return pieces


def _label(
    axes: Axes, table: pd.DataFrame, names: list[str], colours: list[str], lines: list[Box]
) -> None:
    """Names beside their points, moved (with a leader) until none covers another."""
    at, low, high = (
        axes.transData.transform(np.c_[table["x"], table[column]])
        for column in ("score", "low", "high")
    )
    frame = axes.get_window_extent()
    inside = Box(frame.x0, frame.y0, frame.x1, frame.y1)
    bars = [
        Box(x - 1.5, a, x + 1.5, b) for (x, _), (_, a), (_, b) in zip(at, low, high, strict=True)
    ]
    marks = [Box(x - 5, y - 5, x + 5, y + 5) for x, y in at]
    sizes = [(text_width(name, SIZE), SIZE * 1.15) for name in names]
    boxes = place(at, sizes, marks, bars + lines, inside)
    leader = {"arrowstyle": "-", "color": RULE, "linewidth": 0.8, "shrinkB": 4}
    for name, colour, (x, y), box in zip(names, colours, at, boxes, strict=True):
        axes.annotate(
            name,
            (x, y),
            xycoords="figure pixels",
            xytext=box.centre,
            textcoords="figure pixels",
            ha="center",
            va="center",
            fontsize=SIZE,
            color=colour,
            zorder=4,
            arrowprops=leader if box.distance(x, y) > 9 else None,
        )
