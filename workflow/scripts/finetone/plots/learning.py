"""Training and test accuracy and loss of all models on common axes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from finetone.formats.history import read_history
from finetone.numbers import percent
from finetone.plots.drawing.canvas import heading, look, new_figure, save
from finetone.plots.drawing.fitting import short
from finetone.plots.drawing.language import labels_in
from finetone.plots.drawing.read_table import read, rows
from finetone.plots.drawing.style import MUTED, Style

METRICS = {"accuracy": 100, "loss": 1}  # panel, from left to right: factor
WINDOW = 0.06  # of a run's steps, that a smoothed value is the mean of
POINTS = 120  # of a line


def draw_learning(
    histories: Mapping[tuple[str, int], Path],
    summary: Path,
    dataset: str,
    style: Style,
    target: Path,
) -> None:
    """Draw smoothed training accuracy and loss as lines, and the test results of each epoch as marks.

    Parameters
    ----------
    histories
        {(method, seed): its file history.parquet}.
    summary
        The table summary.csv.
    dataset
        Name of the source dataset.
    style
        How methods look, and the language.
    target
        The SVG file to write.
    """
    methods = style.sorted([method for method, _ in histories])
    tested = read(summary, ["method", "epoch", "accuracy_mean", "loss_mean"], dataset)
    labels = labels_in(style.language)
    items = []
    with look():
        figure = new_figure(9.2, 3.9 + 0.22 * -(-len(methods) // 4))
        panels = figure.subplots(1, 2)
        for method in methods:
            paths = [path for (name, _), path in histories.items() if name == method]
            step = _smoothed(paths)
            marks = tested[tested["method"] == method].sort_values("epoch")
            ends = step.groupby("epoch")["step"].max()
            own = {"color": style.colour(method)}
            for axes, (metric, factor) in zip(panels, METRICS.items(), strict=True):
                axes.plot(step["step"], factor * step[metric], linewidth=1.1, alpha=0.75, **own)
                at = ends.reindex(marks["epoch"]).to_numpy()
                look_of: dict[str, Any] = {"markeredgecolor": "white", "markeredgewidth": 0.7}
                axes.plot(
                    at, factor * marks[f"{metric}_mean"], linestyle="none", markersize=6.5,
                    marker=style.marker(method), zorder=3, **own, **look_of,
                )  # fmt: skip
            accuracies = ", ".join(f"{percent(row.accuracy_mean)} %" for row in rows(marks))
            items.append(f"{style.title(method)}: {accuracies}")
        for axes, metric in zip(panels, METRICS, strict=True):
            axes.set_xlabel(labels["batches"])
            axes.set_ylabel(labels[metric if metric == "accuracy" else "loss"])
            axes.set_xlim(left=0)
        panels[1].set_ylim(bottom=0)
        kinds = [
            Line2D([], [], color=MUTED, linewidth=1.1, label=labels["training_smoothed"]),
            Line2D(
                [], [], color=MUTED, marker="o", linestyle="none", label=labels["test_by_epoch"]
            ),
        ]
        kinds += [
            Line2D([], [], color=style.colour(m), marker=style.marker(m), linewidth=1.1,
                   label=short(style.title(m)))
            for m in methods
        ]  # fmt: skip
        figure.legend(handles=kinds, loc="outside lower center", ncols=4, labelcolor=MUTED)
        title = labels["title_learning"].format(dataset=short(style.dataset(dataset)))
        heading(figure, title, 80)
        description = labels["desc_learning"].format(items="; ".join(items))
        save(figure, target, title, description)


def _smoothed(paths: Sequence[Path]) -> pd.DataFrame:
    """Mean over seeds of each step's accuracy and loss, smoothed and thinned."""
    runs = [read_history(path)[["epoch", "step", "accuracy", "loss"]] for path in paths]
    mean = pd.concat(runs).groupby(["epoch", "step"], as_index=False).mean().sort_values("step")
    width = max(1, round(WINDOW * len(mean)))
    for metric in METRICS:
        mean[metric] = mean[metric].rolling(width, min_periods=1, center=True).mean()
    keep = np.unique(np.linspace(0, len(mean) - 1, POINTS).round().astype(int))
    ends = mean.groupby("epoch")["step"].transform("max") == mean["step"]
    return mean[mean.index.isin(mean.index[keep]) | ends]
