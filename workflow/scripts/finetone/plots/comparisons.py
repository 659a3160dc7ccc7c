"""Every method against every other: differences, and which of them are beyond chance."""

from pathlib import Path

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from finetone.plots.canvas import look, new_figure, save, signed
from finetone.plots.fitting import broken, short
from finetone.plots.language import labels
from finetone.plots.nothing import draw_nothing
from finetone.plots.read_table import read, rows
from finetone.plots.style import GRID, INK, MUTED, Style

# brown to blue, light enough in all places for dark text; told apart in every colour vision
SHADES = LinearSegmentedColormap.from_list(
    "differences", ["#e3a46b", "#f7efe6", "#e8f0fa", "#7fb0e6"]
)


def draw_comparisons(
    comparisons: Path,
    ranking: Path,
    dataset: str,
    style: Style,
    target: Path,
    confidence: float,
) -> None:
    """Matrix of differences in percentage points, methods from best to worst on both sides."""
    order = (
        read(ranking, ["method", "rank"], dataset)
        .sort_values("rank", kind="stable")["method"]
        .tolist()
    )
    say = labels(style.language)
    title = say["title_comparisons"].format(dataset=short(style.dataset(dataset)))
    if len(order) < 2:
        draw_nothing(title, say["nothing_comparisons"], target)
        return
    pairs = read(comparisons, ["a", "b", "difference", "p_holm"], dataset)
    place = {method: i for i, method in enumerate(order)}
    n = len(order)
    difference = np.full((n, n), np.nan)
    significant = np.zeros((n, n), dtype=bool)
    for row in rows(pairs):
        i, j = place[row.a], place[row.b]
        difference[i, j], difference[j, i] = 100 * row.difference, -100 * row.difference
        significant[i, j] = significant[j, i] = row.p_holm < 1 - confidence
    level = f"{1 - confidence:.3g}"
    with look():
        cell = 0.46 if n > 12 else 0.62
        figure = new_figure(max(5.2, 2.4 + cell * n), 1.9 + 0.62 * cell * n)
        axes = figure.add_subplot()
        limit = np.nanmax(np.abs(difference)) if np.isfinite(difference).any() else 1.0
        shown = np.ma.masked_where(
            ~significant, np.sign(difference) * np.sqrt(np.abs(difference) / limit)
        )
        axes.pcolormesh(
            np.arange(n + 1) - 0.5, np.arange(n + 1) - 0.5, shown, cmap=SHADES, vmin=-1, vmax=1,
            edgecolor="white", linewidth=1,
        )  # fmt: skip
        for i, j in zip(*np.nonzero(np.isfinite(difference)), strict=True):
            text = signed(difference[i, j])
            strong = bool(significant[i, j])
            axes.text(
                j, i, text, ha="center", va="center", fontsize=7.5 if n > 12 else 8.5,
                color=INK if strong else MUTED, fontweight="bold" if strong else "normal",
            )  # fmt: skip
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
        heading = broken(title, int(figure.get_figwidth() * 9))
        figure.suptitle(heading, x=0.01, ha="left", fontsize=11, fontweight="bold")
        below = f"{say['difference']}\n{say['significant'].format(level=level)}"
        figure.supxlabel(
            below, x=0.01, ha="left", ma="left", fontsize=9, color=MUTED, linespacing=1.5
        )
        description = say["desc_comparisons"].format(
            significant=int(np.triu(significant, 1).sum()), n=len(pairs), level=level
        )
        save(figure, target, title, description)
