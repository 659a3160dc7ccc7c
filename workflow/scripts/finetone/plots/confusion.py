"""Which classes each method takes for which, one small panel per method."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap

from finetone.numbers import percent
from finetone.plots.drawing.fitting import short
from finetone.plots.drawing.language import labels_in
from finetone.plots.drawing.read_table import read, records
from finetone.plots.drawing.style import INK, Style
from finetone.plots.small_multiples import SLANTED, draw_panels

# light enough for dark text; a few steps, so that the page can show each in its dark theme
SHADES = LinearSegmentedColormap.from_list("shares", ["#eef4fb", "#7fb0e6"], N=10)
NUMBERED, NAMED = 5, 12  # classes up to which cells have numbers, and axes have names
LEAST = 0.005  # of more classes, a smaller share is not drawn; of many, less than an even share


def draw_confusion(confusion: Path, dataset: str, style: Style, target: Path) -> None:
    """Draw the share of each true class that is predicted as each class, one panel per method.

    Parameters
    ----------
    confusion
        The table confusion.csv.
    dataset
        Name of the source dataset.
    style
        How methods look, and the language.
    target
        The SVG file to write.
    """
    table = read(confusion, ["method", "true", "predicted", "share"], dataset)
    # classes by name in both directions: the diagonal is what is right
    classes = list(dict.fromkeys([*table["true"], *table["predicted"]]))
    names = [short(name, 12) for name in classes]
    labels = labels_in(style.language)

    def panel(axes: Axes, method: str, rows: pd.DataFrame) -> str:
        shares = rows.pivot(index="true", columns="predicted", values="share")
        _draw_shares(axes, shares.reindex(index=classes, columns=classes).to_numpy(float))
        if len(classes) <= NAMED:
            axes.set_xticks(range(len(classes)), names, ha="right", **SLANTED)
            axes.set_yticks(range(len(classes)), names, fontsize=7.5)
        else:
            axes.set(xticks=[], yticks=[])
        wrong = rows[rows["true"] != rows["predicted"]]
        if wrong.empty:
            return ""
        worst = records(wrong.nlargest(1, "share"))[0]
        return labels["desc_taken"].format(
            method=style.title(method),
            true=worst["true"],
            predicted=worst["predicted"],
            share=percent(worst["share"]),
        )

    of_axes = ("predicted_class", "true_class")
    draw_panels("confusion", table, dataset, style, target, panel, of_axes, 1.9)


def _draw_shares(axes: Axes, shares: np.ndarray) -> None:
    n = len(shares)
    least = 0 if n <= NUMBERED else LEAST if n <= NAMED else 1 / n
    shares = np.nan_to_num(shares)  # a class that is never predicted is no row of the table
    cells = np.argwhere(shares >= least)  # only these are in the file
    corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    squares = [corners + cell[::-1] for cell in cells]
    lines = {"edgecolors": "white", "linewidths": 1} if n <= NAMED else {"linewidths": 0}
    colours = SHADES(shares[tuple(cells.T)])
    axes.add_collection(PolyCollection(squares, facecolors=colours, **lines))
    if n <= NUMBERED:
        for i, j in cells:
            text = f"{100 * shares[i, j]:.0f}"
            axes.text(j, i, text, ha="center", va="center", color=INK, fontsize=8)
    axes.set_xlim(-0.5, n - 0.5)
    axes.set_ylim(n - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.tick_params(length=0)
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
