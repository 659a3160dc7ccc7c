"""Pictures with one small panel per method: reliability and accuracy by length."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from finetone.errors import UserError
from finetone.plots.canvas import look, new_figure, save
from finetone.plots.fitting import broken, short
from finetone.plots.language import labels_in
from finetone.plots.numbers import percent
from finetone.plots.read_table import methods_in, read
from finetone.plots.style import INK, MUTED, RULE, Style

SLANTED: dict[str, Any] = {"rotation": 35, "rotation_mode": "anchor", "fontsize": 7.5}


def draw_reliability(reliability: Path, dataset: str, style: Style, target: Path) -> None:
    """Draw accuracy against confidence, per bin of equal size; the diagonal is ideal.

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
    table = read(reliability, ["method", "confidence", "accuracy", "n"], dataset)
    table = table[table["n"] > 0].dropna(subset=["confidence", "accuracy"])
    methods = style.sorted(methods_in(table))
    if not methods:
        raise UserError(f"{reliability}: every bin of {dataset!r} is empty; make it again")
    low = 100 * min(table["confidence"].min(), table["accuracy"].min())
    low = max(0.0, math.floor(low / 10) * 10)
    labels = labels_in(style.language)
    title = labels["title_reliability"].format(dataset=short(style.dataset(dataset)))
    items = []
    with look():
        figure, panels = grid(len(methods), 1.75)
        for axes, method in zip(panels, methods, strict=True):
            rows = table[table["method"] == method].sort_values("confidence")
            axes.plot([low, 100], [low, 100], color=RULE, linewidth=1, linestyle=(0, (4, 3)))
            look_of = _marks(style, method, 4) | {"clip_on": False, "zorder": 3}
            axes.plot(100 * rows["confidence"], 100 * rows["accuracy"], **look_of)
            axes.set_xlim(low, 100)
            axes.set_ylim(low, 100)
            ticks = np.linspace(low, 100, 3)
            axes.set_xticks(ticks)
            axes.set_yticks(ticks)
            axes.set_aspect("equal")
            name_panel(axes, style.title(method))
            stated = np.average(rows["confidence"], weights=rows["n"])
            right = np.average(rows["accuracy"], weights=rows["n"])
            items.append(
                labels["desc_gap"].format(
                    method=style.title(method), confidence=percent(stated), accuracy=percent(right)
                )
            )
        titles(figure, title, labels["confidence"], labels["accuracy"])
        save(figure, target, title, labels["desc_reliability"].format(items="; ".join(items)))


def draw_lengths(slices: Path, dataset: str, style: Style, target: Path) -> None:
    """Draw accuracy with interval by length of the text, one panel per method.

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
    table = read(slices, ["method", "kind", "slice", "accuracy", "low", "high"], dataset)
    table = table[table["kind"] == "length"].copy()
    if {"least", "most"} <= set(table):  # lengths are clearer than "q1"
        table["slice"] = [
            f"{least:.0f}–{most:.0f}"
            for least, most in zip(table["least"], table["most"], strict=True)
        ]
    methods = style.sorted(methods_in(table))
    if not methods:
        raise UserError(f"{slices}: no slices by length of {dataset!r}; make it again")
    table["slice"] = table["slice"].astype(str)
    order = list(dict.fromkeys(table["slice"]))
    places = range(len(order))
    bottom, top = 100 * table["low"].min(), 100 * table["high"].max()
    labels = labels_in(style.language)
    title = labels["title_lengths"].format(dataset=short(style.dataset(dataset)))
    items = []
    with look():
        figure, panels = grid(len(methods), 1.75)
        for axes, method in zip(panels, methods, strict=True):
            rows = table[table["method"] == method].set_index("slice").reindex(order)
            mean = 100 * rows["accuracy"]
            bars = [mean - 100 * rows["low"], 100 * rows["high"] - mean]
            look_of = _marks(style, method, 5)
            axes.errorbar(places, mean, yerr=[bar.clip(lower=0) for bar in bars], **look_of)
            axes.set_xticks(places, order, ha="right", **SLANTED)

            axes.set_xlim(-0.4, len(order) - 0.6)
            axes.set_ylim(bottom - 1, min(100.5, top + 1))
            name_panel(axes, style.title(method))
            items.append(
                f"{style.title(method)}: " + ", ".join(f"{percent(a)} %" for a in rows["accuracy"])
            )
        for i, axes in enumerate(panels):
            if i + columns_of(len(methods)) < len(panels):
                axes.tick_params(labelbottom=False)
        titles(figure, title, labels["length"], labels["test_accuracy"])
        save(figure, target, title, labels["desc_lengths"].format(items="; ".join(items)))


def columns_of(n: int) -> int:
    """Panels beside each other, of `n`."""
    return min(n, 4 if n <= 8 else 6)


def grid(n: int, height: float) -> tuple[Figure, list[Axes]]:
    """Create a figure of `n` panels, each `height` inches high with its name."""
    columns = columns_of(n)
    rows = -(-n // columns)
    figure = new_figure(0.8 + 1.7 * max(columns, 3), 1.1 + height * rows)
    panels = list(np.atleast_1d(figure.subplots(rows, columns, sharex=True, sharey=True)).flat)
    for axes in panels[n:]:
        axes.remove()
    for i, axes in enumerate(panels[:n]):
        # a panel above an empty place is the last of its column
        axes.tick_params(labelbottom=i + columns >= n)
    return figure, panels[:n]


def name_panel(axes: Axes, text: str) -> None:
    """Write a panel's name, broken into two lines where one does not fit."""
    axes.set_title(broken(text, 20), fontsize=8.5, fontweight="normal", color=INK, pad=5)


def titles(figure: Figure, title: str, x: str, y: str) -> None:
    """Write the title of a figure, and what both axes of all its panels are."""
    figure.suptitle(
        broken(title, int(figure.get_figwidth() * 9)),
        x=0.01,
        ha="left",
        fontsize=11,
        fontweight="bold",
    )
    figure.supxlabel(x, fontsize=9, color=MUTED)
    figure.supylabel(y, fontsize=9, color=MUTED)


def _marks(style: Style, method: str, size: float) -> dict[str, Any]:
    """A line with marks of `size` points."""
    edge = {"markeredgecolor": "white", "markeredgewidth": 0.5}
    own = {"color": style.colour(method), "marker": style.marker(method)}
    return {**own, **edge, "markersize": size, "linewidth": 1.2}
