"""Test accuracy and loss of all fine-tuned models after each epoch."""

from pathlib import Path
from typing import Any

import pandas as pd

from finetone.numbers import percent
from finetone.plots.drawing.canvas import floor, heading, look, named_rows, new_figure, save
from finetone.plots.drawing.fitting import short
from finetone.plots.drawing.language import labels_in
from finetone.plots.drawing.read_table import read
from finetone.plots.drawing.style import MUTED, RULE, Style

METRICS = {"accuracy": 100, "loss": 1}  # panel, from left to right: factor
NUMBER: dict[str, Any] = {"ha": "center", "va": "center_baseline", "fontsize": 7.5}
NUMBER |= {"fontweight": "bold", "zorder": 4}
COLUMNS = [f"{metric}_{of}" for metric in METRICS for of in ("mean", "low", "high")]


def draw_epochs(summary: Path, dataset: str, style: Style, target: Path) -> None:
    """Draw one row per model, the best on top, with one numbered mark per epoch from top to bottom.

    Accuracy is on the left, loss on the right, both with intervals. Rows are readable for any number
    of models, where lines would cross. A model far below the others in accuracy is told in numbers. Methods with a single epoch are left out unless all have one.

    Parameters
    ----------
    summary
        The table summary.csv.
    dataset
        Name of the source dataset.
    style
        How methods look, and the language.
    target
        The SVG file to write.
    """
    table = read(summary, ["method", "epoch", *COLUMNS], dataset).sort_values(["method", "epoch"])
    several = table.groupby("method")["epoch"].transform("nunique") > 1
    table = table[several] if several.any() else table
    final = table.groupby("method").last()["accuracy_mean"].sort_values(ascending=False)
    edge = floor(final, lower_is_better=False)
    labels = labels_in(style.language)
    with look():
        figure = new_figure(8.2, 1.3 + len(final) * 0.17 * (table["epoch"].nunique() + 1))
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
        for y, method in enumerate(final.index):
            rows = table[table["method"] == method]
            at = _stacked(y, len(rows))
            colour = style.colour(method)
            for axes, (metric, times) in zip((left, right), METRICS.items(), strict=True):
                x, low, high = (times * rows[f"{metric}_{of}"] for of in ("mean", "low", "high"))
                if metric == "accuracy" and rows["accuracy_mean"].max() < edge:
                    numbers = " · ".join(
                        f"{epoch}: {v:.1f}" for epoch, v in zip(rows["epoch"], x, strict=True)
                    )
                    place = {"transform": axes.get_yaxis_transform(), "va": "center"}
                    axes.text(0.015, y, f"◀ {numbers}", color=colour, fontsize=8.5, **place)
                    continue
                axes.hlines(at, low, high, colour, linewidth=1.6)
                axes.plot(x, at, color=colour, linewidth=0.8, alpha=0.45)
                axes.scatter(x, at, s=88, color="white", edgecolor=colour, linewidth=1.2, zorder=3)
                for value, height, epoch in zip(x, at, rows["epoch"], strict=True):
                    axes.text(value, height, str(epoch), color=colour, **NUMBER)
        for axes, name in ((left, "test_accuracy"), (right, "test_loss")):
            for y in range(1, len(final)):
                axes.axhline(y - 0.5, color=RULE, linewidth=0.5)
            axes.set_xlabel(labels[name])
            axes.margins(x=0.07)
            named_rows(axes, [short(style.title(method)) for method in final.index])
        left.set_ylim(len(final) - 0.5, -0.5)
        title = labels["title_epochs"].format(dataset=short(style.dataset(dataset)))
        heading(figure, title, 72)
        left.set_title(
            labels["numbers_are_epochs"], fontsize=8.5, fontweight="normal", color=MUTED, pad=5
        )
        items = "; ".join(
            f"{style.title(m)}: "
            + ", ".join(f"{percent(a)} %" for a in table.loc[table["method"] == m, "accuracy_mean"])
            for m in final.index
        )
        save(figure, target, title, labels["desc_epochs"].format(items=items))


def _stacked(y: int, n: int) -> pd.Index:
    """`n` heights inside row `y`, the first epoch on top."""
    return pd.Index([y + 0.72 * ((i + 0.5) / n - 0.5) for i in range(n)])
