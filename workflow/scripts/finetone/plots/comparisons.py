"""Every method against every other: differences, and which of them are significant."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from finetone.numbers import signed
from finetone.plots.drawing.canvas import heading, look, new_figure, save
from finetone.plots.drawing.fitting import short
from finetone.plots.drawing.language import labels_in
from finetone.plots.drawing.read_table import ranked, read, rows
from finetone.plots.drawing.style import GRID, INK, MUTED, Style
from finetone.plots.nothing import draw_nothing

# brown to blue: light enough for dark text, and distinguishable with any colour blindness
SHADES = LinearSegmentedColormap.from_list(
    "differences", ["#e3a46b", "#f7efe6", "#e8f0fa", "#7fb0e6"]
)

NUMBERED = 24  # methods up to which cells have numbers; the page's table of pairs has them all


def draw_comparisons(
    comparisons: Path, ranking: Path, dataset: str, style: Style, target: Path, confidence: float
) -> None:
    """Draw a matrix of differences in percentage points, from the best method to the worst.

    Parameters
    ----------
    comparisons, ranking
        The tables comparisons.csv and ranking.csv.
    dataset
        Name of the source dataset.
    style
        How methods look, and the language.
    target
        The SVG file to write.
    confidence
        Of the tests, in (0, 1): 0.95 marks what is significant at 0.05.
    """
    order = ranked(ranking, [], dataset)["method"].tolist()
    labels = labels_in(style.language)
    title = labels["title_comparisons"].format(dataset=short(style.dataset(dataset)))
    if len(order) < 2:
        draw_nothing(title, labels["nothing_comparisons"], target)
        return
    pairs = read(comparisons, ["a", "b", "difference", "p_adjusted"], dataset)
    place = {method: i for i, method in enumerate(order)}
    n = len(order)
    difference = np.full((n, n), np.nan)
    significant = np.zeros((n, n), dtype=bool)
    for row in rows(pairs):
        i, j = place[row.a], place[row.b]
        difference[i, j], difference[j, i] = row.difference, -row.difference
        significant[i, j] = significant[j, i] = row.p_adjusted < 1 - confidence
    level = f"{1 - confidence:.3g}"
    with look():
        cell = 0.46 if n > 12 else 0.62
        if numberless := n > NUMBERED:
            cell = 0.22
        figure = new_figure(max(5.2, 2.4 + cell * n), 1.9 + 0.62 * cell * n)
        axes = figure.add_subplot()
        points, edges = 100 * difference, np.arange(n + 1) - 0.5
        limit = np.nanmax(np.abs(points)) if np.isfinite(points).any() else 1.0
        strength = np.sign(points) * np.sqrt(np.abs(points) / limit)
        shown = np.ma.masked_where(~significant, strength)
        shades: dict[str, Any] = {"cmap": SHADES, "vmin": -1, "vmax": 1}
        axes.pcolormesh(edges, edges, shown, edgecolor="white", linewidth=1, **shades)
        for i, j in () if numberless else zip(*np.nonzero(np.isfinite(difference)), strict=True):
            text = signed(difference[i, j])
            cell_text = axes.text(j, i, text, ha="center", va="center", color=MUTED)
            cell_text.set_fontsize(7.5 if n > 12 else 8.5)
            if significant[i, j]:
                cell_text.set(color=INK, fontweight="bold")
        for i in range(n):
            axes.plot([i - 0.28, i + 0.28], [i, i], color=GRID, linewidth=1)
        names = [short(style.title(method)) for method in order]
        axes.set_xticks(range(n), names, rotation=40, ha="left", rotation_mode="anchor")
        axes.set_yticks(range(n), names)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.set_xlim(-0.5, n - 0.5)
        axes.set_ylim(n - 0.5, -0.5)
        axes.grid(False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        heading(figure, title, int(figure.get_figwidth() * 9))
        mark = "coloured" if numberless else "significant"
        below = f"{labels['difference']}\n{labels[mark].format(level=level)}"
        figure.supxlabel(
            below, x=0.01, ha="left", ma="left", fontsize=9, color=MUTED, linespacing=1.5
        )
        description = labels["desc_comparisons"].format(
            significant=int(np.triu(significant, 1).sum()), n=len(pairs), level=level
        )
        save(figure, target, title, description)
