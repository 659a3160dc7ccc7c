"""Pictures with one small panel per method: reliability and accuracy by length."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from finetone.errors import UserError
from finetone.numbers import percent
from finetone.plots.drawing.canvas import error_bars, floor, heading, look, new_figure, save
from finetone.plots.drawing.fitting import broken, short
from finetone.plots.drawing.language import labels_in
from finetone.plots.drawing.read_table import methods_in, read
from finetone.plots.drawing.style import GRID, INK, MUTED, RULE, Style

BINS = 8  # of confidence, at most
SLANTED: dict[str, Any] = {"rotation": 35, "rotation_mode": "anchor", "fontsize": 7.5}


def draw_reliability(reliability: Path, dataset: str, style: Style, target: Path) -> None:
    """Draw accuracy with interval against confidence, and how often each confidence occurs.

    The diagonal is perfect calibration.

    Parameters
    ----------
    reliability
        The table reliability.csv.
    dataset
        Name of the source dataset.
    style
        How methods look, and the language.
    target
        The SVG file to write.
    """
    table = read(reliability, ["method", "confidence", "accuracy", "low", "high", "n"], dataset)
    table = table[table["n"] > 0].dropna(subset=["confidence", "accuracy"])
    if table.empty:
        raise UserError(f"{reliability}: every bin of {dataset!r} is empty; make it again")
    # no prediction can have less confidence than 1 / classes, so the axis begins there
    start = 100 / math.ceil(1 / table["confidence"].min())
    bottom = min(start, math.floor(10 * table["low"].min()) * 10)
    labels = labels_in(style.language)

    def panel(axes: Axes, method: str, bins: pd.DataFrame) -> str:
        bins = _fewer(bins.sort_values("confidence"))
        axes.plot([start, 100], [start, 100], color=RULE, linewidth=1, linestyle=(0, (4, 3)))
        edges = np.r_[start, 100 * bins["upto"].to_numpy()[:-1], 100]
        density = bins["n"] / np.maximum(np.diff(edges), 0.5)
        heights = 0.22 * (100 - bottom) * density / density.max()
        axes.stairs(bottom + heights, edges, baseline=bottom, fill=True, color=GRID, zorder=0)
        look_of = _marks(style, method, 4) | {"clip_on": False, "zorder": 3}
        x, y, low, high = (100 * bins[key] for key in ("confidence", "accuracy", "low", "high"))
        axes.errorbar(x, y, yerr=error_bars(y, low, high), elinewidth=0.9, **look_of)
        axes.set(xlim=(start, 100), ylim=(bottom, 100))
        axes.set_xticks([start, 100], [f"{start:.0f}", "100"])
        stated, right = (
            percent(np.average(bins[key], weights=bins["n"])) for key in ("confidence", "accuracy")
        )
        title = style.title(method)
        return labels["desc_gap"].format(method=title, confidence=stated, accuracy=right)

    draw_panels("reliability", table, dataset, style, target, panel, ("confidence", "accuracy"))


def _fewer(bins: pd.DataFrame) -> pd.DataFrame:
    """At most BINS bins, of neighbours put together.

    The interval of several is that of their mean, by the widths of theirs; `upto` is half way to
    the next bin's confidence.
    """
    groups = np.arange(len(bins)) * min(BINS, len(bins)) // len(bins)
    found = []
    for _, part in bins.groupby(groups):
        n = part["n"]
        mean = {key: np.average(part[key], weights=n) for key in ("confidence", "accuracy")}
        half = [(part["accuracy"] - part["low"]), (part["high"] - part["accuracy"])]
        below, above = (np.sqrt(((n * each) ** 2).sum()) / n.sum() for each in half)
        ends = {"low": mean["accuracy"] - below, "high": mean["accuracy"] + above}
        found.append(mean | ends | {"n": n.sum(), "last": part["confidence"].max()})
    merged = pd.DataFrame(found)
    merged["upto"] = (merged["last"] + merged["confidence"].shift(-1)) / 2
    return merged


def draw_lengths(slices: Path, dataset: str, style: Style, target: Path) -> None:
    """Draw accuracy with interval by length of the text, one panel per method.

    A method far below the others is told in numbers: the scale, which all share, is for those.

    Parameters
    ----------
    slices
        The table slices.csv.
    dataset
        Name of the source dataset.
    style
        How methods look, and the language.
    target
        The SVG file to write.
    """
    table = read(slices, ["method", "kind", "accuracy", "low", "high", "least", "most"], dataset)
    table = table[table["kind"] == "length"].copy()
    if table.empty:
        raise UserError(f"{slices}: no slices by length of {dataset!r}; make it again")
    ends = zip(table["least"], table["most"], strict=True)
    table["slice"] = [f"{least:.0f}–{most:.0f}" for least, most in ends]
    order = list(dict.fromkeys(table["slice"]))
    best = table.groupby("method")["accuracy"].max()
    below = set(best.index[best < floor(best, lower_is_better=False)])
    rest = table[~table["method"].isin(below)]
    bottom, top = 100 * rest["low"].min(), 100 * rest["high"].max()

    def panel(axes: Axes, method: str, lengths: pd.DataFrame) -> str:
        lengths = lengths.set_index("slice").reindex(order)
        mean, low, high = (100 * lengths[key] for key in ("accuracy", "low", "high"))
        places, look_of = range(len(order)), _marks(style, method, 5)
        if method in below:
            numbers = f"{mean.min():.1f}–{mean.max():.1f} %"
            look_of = {"ha": "center", "va": "bottom", "transform": axes.transAxes, "color": MUTED}
            axes.text(0.5, 0.06, f"{numbers}\n▼", fontsize=8.5, **look_of)
        else:
            axes.errorbar(places, mean, yerr=error_bars(mean, low, high), **look_of)
        axes.set_xticks(places, order, ha="right", **SLANTED)
        axes.set(xlim=(-0.4, len(order) - 0.6), ylim=(bottom - 1, min(100.5, top + 1)))
        accuracies = ", ".join(f"{percent(value)} %" for value in lengths["accuracy"])
        return f"{style.title(method)}: {accuracies}"

    draw_panels("lengths", table, dataset, style, target, panel, ("length", "test_accuracy"))


def draw_panels(
    name: str,
    table: pd.DataFrame,
    dataset: str,
    style: Style,
    target: Path,
    panel: Callable[[Axes, str, pd.DataFrame], str],
    of_axes: tuple[str, str],
    height: float = 1.75,
) -> None:
    """Draw a figure of one panel per method.

    Parameters
    ----------
    name
        Of the figure: `title_<name>` and `desc_<name>` are its words.
    table
        The rows of all methods.
    dataset, style, target
        As of the figure.
    panel
        Draws a method from its rows, and returns their description; "" if there is none.
    of_axes
        Keys of the words for the horizontal and the vertical axis.
    height
        Of a panel, in inches.
    """
    labels, items = labels_in(style.language), []
    title = labels[f"title_{name}"].format(dataset=short(style.dataset(dataset)))
    methods = style.sorted(methods_in(table))
    with look():
        figure, panels = _grid(len(methods), height)
        for axes, method in zip(panels, methods, strict=True):
            items.append(panel(axes, method, table[table["method"] == method]))
            _name_panel(axes, style.title(method))
        _number_last_rows(panels)
        _titles(figure, title, *(labels[name_of] for name_of in of_axes))
        save(
            figure,
            target,
            title,
            labels[f"desc_{name}"].format(items="; ".join(filter(None, items))),
        )


def _columns_of(n: int) -> int:
    """Panels beside each other, of `n`: as many in every row, or one fewer in the last ones."""
    rows = -(-n // (4 if n <= 8 else 6))
    return -(-n // rows)


def _grid(n: int, height: float) -> tuple[Figure, list[Axes]]:
    """Create a figure of `n` panels, each `height` inches high with its name."""
    columns = _columns_of(n)
    rows = -(-n // columns)
    figure = new_figure(0.8 + 1.7 * max(columns, 3), 1.1 + height * rows)
    panels = list(np.atleast_1d(figure.subplots(rows, columns, sharex=True, sharey=True)).flat)
    for axes in panels[n:]:
        axes.remove()
    return figure, panels[:n]


def _number_last_rows(panels: list[Axes]) -> None:
    """Label the horizontal axis of each column's last panel only, which may be above a gap."""
    for i, axes in enumerate(panels):
        axes.tick_params(labelbottom=i + _columns_of(len(panels)) >= len(panels))


def _name_panel(axes: Axes, text: str) -> None:
    """Write a panel's name, broken into two lines where one does not fit."""
    axes.set_title(broken(text, 20), fontsize=8.5, fontweight="normal", color=INK, pad=5)


def _titles(figure: Figure, title: str, x: str, y: str) -> None:
    """Write the title of a figure, and what both axes of all its panels are."""
    heading(figure, title, int(figure.get_figwidth() * 9))
    figure.supxlabel(x, fontsize=9, color=MUTED)
    figure.supylabel(y, fontsize=9, color=MUTED)


def _marks(style: Style, method: str, size: float) -> dict[str, Any]:
    """A line with marks of `size` points."""
    edge = {"markeredgecolor": "white", "markeredgewidth": 0.5}
    own = {"color": style.colour(method), "marker": style.marker(method)}
    return {**own, **edge, "markersize": size, "linewidth": 1.2}
