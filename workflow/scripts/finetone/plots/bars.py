"""Pictures with one row per method: the ranking, the accuracy on other datasets."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from finetone.numbers import DECIMAL, percent, scale, score, score_between, signed
from finetone.plots.drawing.canvas import floor, look, named_rows, new_figure, save
from finetone.plots.drawing.fitting import broken, short
from finetone.plots.drawing.language import labels_in
from finetone.plots.drawing.read_table import ranked, read, records, rows, truth
from finetone.plots.drawing.style import INK, MUTED, Style
from finetone.plots.nothing import draw_nothing
from finetone.statistics.evaluation import ERRORS

Z = 1.96  # half of a 95 % interval, in standard errors
WIDTH = 40  # of a column of numbers, in points


def draw_methods(
    ranking: Path, runs: Path, variance: Path, dataset: str, style: Style, target: Path
) -> None:
    """Draw the ranking, the best on top: every seed, the interval over rows alone and the whole one.

    Parameters
    ----------
    ranking, runs, variance
        The tables ranking.csv, runs.csv and variance.csv.
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
    seeds = _of_seeds(runs, metric, dataset)
    over_rows = dict(_rows_errors(variance, dataset))
    with look():
        figure = new_figure(8.6, 1.5 + 0.3 * len(table))
        axes = figure.add_subplot()
        edge = floor(table["score"], metric in ERRORS)
        _rows(axes, table, style, "score", "low", "high", edge, scale(metric))
        for y, row in enumerate(records(table)):
            middle, error = row["score"], over_rows.get(row["method"], 0.0)
            if middle < edge:
                continue
            ends = np.clip([middle - error, middle + error], row["low"], row["high"])
            colour = style.colour(row["method"])
            axes.plot(scale(metric) * ends, [y, y], linewidth=5, alpha=0.35, color=colour)
            of_seeds = [value for value in seeds.get(row["method"], []) if value >= edge]
            if len(of_seeds) > 1:
                at = scale(metric) * np.array(of_seeds)
                axes.plot(at, np.full(len(at), y + 0.27), "o", markersize=2.6, color=colour)
        handles = [
            Line2D([], [], linewidth=2, label=labels["whole_interval"], color=MUTED),
            Line2D([], [], linewidth=5, alpha=0.35, label=labels["rows_interval"], color=MUTED),
        ]
        if any(len(values) > 1 for values in seeds.values()):
            dots: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 2.6}
            handles.append(Line2D([], [], label=labels["each_seed"], **dots, color=MUTED))
        figure.legend(handles=handles, loc="outside lower center", ncols=3, labelcolor=MUTED)
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


def _of_seeds(runs: Path, metric: str, dataset: str) -> dict[str, list[float]]:
    """{method: score of each seed after the kept epoch}."""
    table = read(runs, ["method", "kept", metric], dataset)
    table = table[truth(table["kept"])]
    return {str(method): list(of) for method, of in table.groupby("method")[metric]}


def _rows_errors(variance: Path, dataset: str) -> list[tuple[str, float]]:
    """(method, half of its interval over test rows alone)."""
    table = read(variance, ["method", "error_rows"], dataset)
    return [(str(row.method), Z * float(row.error_rows)) for row in rows(table)]


def draw_transfer(transfer: Path, source: str, style: Style, target: Path) -> None:
    """Draw the accuracy on every other dataset beside that on the source, one panel per dataset.

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
    names = ["accuracy", "accuracy_low", "accuracy_high", "source_accuracy", "drop"]
    table = read(transfer, ["dataset", "method", *names])
    table = table[table["accuracy"].notna() & (table["dataset"] != source)]
    datasets = list(dict.fromkeys(table["dataset"]))
    labels = labels_in(style.language)
    if table.empty:
        draw_nothing(labels["title_transfer"], labels["nothing_transfer"], target)
        return
    mean = table.groupby("method")["accuracy"].mean().sort_values(ascending=False)
    with look():
        hollow: dict[str, Any] = {"marker": "o", "markerfacecolor": "white", "markersize": 6}
        figure = new_figure(max(7.6, 2.4 + 3.4 * len(datasets)), 1.6 + 0.3 * len(mean))
        panels = np.atleast_1d(figure.subplots(1, len(datasets), sharey=True))
        for axes, dataset in zip(panels, datasets, strict=True):
            there = table[table["dataset"] == dataset].set_index("method")
            there = there.reindex(mean.index).reset_index()
            for y, row in enumerate(records(there)):
                colour = style.colour(row["method"])
                ends = [100 * row["accuracy"], 100 * row["source_accuracy"]]
                axes.plot(ends, [y, y], color=colour, linewidth=0.8, alpha=0.45)
                axes.plot(ends[1], y, color=colour, zorder=2.5, **hollow)
            _rows(axes, there, style, "accuracy", "accuracy_low", "accuracy_high")
            axes.set_title(broken(style.dataset(dataset), 30))
            axes.set_xlabel(labels["target_accuracy"])
            drops = zip(there["accuracy"], there["drop"], strict=True)
            _values(axes, ["" if np.isnan(a) else f"{percent(a)} ({signed(-d)})" for a, d in drops])
        home = labels["source_change"].format(source=short(style.dataset(source), 24))
        legend = [Line2D([], [], color=MUTED, linestyle="none", label=home, **hollow)]
        figure.legend(handles=legend, loc="outside lower center", labelcolor=MUTED)
        items = "; ".join(
            f"{style.dataset(r.dataset)}, {style.title(r.method)}: {percent(r.accuracy)} % "
            f"({percent(r.accuracy_low)}–{percent(r.accuracy_high)})"
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
        _beside(
            axes, text, y, WIDTH + 4.6 * max(0, len(text) - 5), ha="right", color=INK, fontsize=8.5
        )


def _beside(axes: Axes, text: str, y: float, points: float, **look_of: Any) -> None:
    """Write `text` in row `y`, `points` to the right of the axes."""
    place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    axes.annotate(text, (1, y), xytext=(points, 0), va="center", **place, **look_of)
