"""The original study's training curve: cumulative loss on the left, cumulative accuracy on the right."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from finetone.formats.history import read_history
from finetone.numbers import percent
from finetone.plots.drawing.canvas import look, new_figure, save
from finetone.plots.drawing.fitting import short
from finetone.plots.drawing.language import labels_in
from finetone.plots.drawing.style import ACCURACY, INK, LOSS, MUTED, RULE, Style

COLUMNS = ["epoch", "step", "cumulative_loss", "cumulative_accuracy"]
Series = tuple[np.ndarray, np.ndarray]


def draw_curve(histories: Sequence[Path], method: str, style: Style, target: Path) -> None:
    """Draw one method's curve over all batches; every seed thin, their mean bold.

    Both quantities are averages since the epoch began, so lines restart where an epoch begins.

    Parameters
    ----------
    histories
        Its files runs/<method>/seed<k>/history.parquet.
    method
        Its name.
    style
        How methods look, and the language.
    target
        The SVG file to write.
    """
    runs = [read_history(path)[COLUMNS] for path in histories]
    mean = pd.concat(runs).groupby(["epoch", "step"], as_index=False).mean().sort_values("step")
    labels = labels_in(style.language)
    with look():
        figure = new_figure(5.6, 3.5)
        left = figure.add_subplot()
        right = left.twinx()
        pairs = (
            (left, "cumulative_loss", LOSS, 1.0),
            (right, "cumulative_accuracy", ACCURACY, 100.0),
        )
        for axes, column, colour, scale in pairs:
            if len(runs) > 1:
                for run in runs:
                    x, y = _broken(run, column, 90)
                    axes.plot(x, scale * y, color=colour, linewidth=0.6, alpha=0.35)
            x, y = _broken(mean, column, 200)
            axes.plot(x, scale * y, color=colour, linewidth=1.8)
            axes.set_ylabel(labels[column], color=colour)
            axes.tick_params(axis="y", labelcolor=colour)
            axes.yaxis.set_major_locator(MaxNLocator(6))
        settled = _settled(mean)
        left.set_ylim(0, 1.06 * mean["cumulative_loss"].max())
        right.grid(False)
        low, high = 100 * settled["cumulative_accuracy"].agg(["min", "max"])
        right.set_ylim(max(0, low - 3), min(100, high + 3))
        steps = int(mean["step"].max())
        left.set_xlim(0, steps)
        left.set_xlabel(labels["batches"])
        left.set_title(short(style.title(method)), color=INK, pad=18)
        for epoch, part in mean.groupby("epoch"):
            first, last = part["step"].min() - 1, part["step"].max()
            if first > 0:
                left.axvline(first, color=RULE, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
            left.annotate(
                labels["epoch_n"].format(n=epoch),
                ((first + last) / 2, 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 4),
                textcoords="offset points",
                ha="center",
                color=MUTED,
                fontsize=8,
            )
        if len(runs) > 1:
            several = labels["mean_of_seeds"].format(n=len(runs))
            kinds = [
                Line2D([], [], color=MUTED, linewidth=1.8, label=several),
                Line2D([], [], color=MUTED, linewidth=0.6, alpha=0.6, label=labels["each_seed"]),
            ]
            figure.legend(handles=kinds, loc="outside lower center", ncols=2, labelcolor=MUTED)
        end = mean.iloc[-1]
        description = labels["desc_curve"].format(
            method=style.title(method),
            steps=steps,
            epochs=int(mean["epoch"].max()),
            seeds=len(runs),
            loss=f"{end['cumulative_loss']:.3f}",
            accuracy=percent(end["cumulative_accuracy"]),
        )
        title = labels["title_curve"].format(method=style.title(method))
        save(figure, target, title, description)


def _settled(run: pd.DataFrame, batches: int = 5) -> pd.DataFrame:
    """Rows that decide the accuracy axis, without the first few batches, whose mean is noisy."""
    place = run.groupby("epoch").cumcount()
    length = run.groupby("epoch")["step"].transform("size")
    return run[place >= np.minimum(batches, length - 1)]


def _broken(run: pd.DataFrame, column: str, points: int) -> Series:
    """Steps and values, thinned to about `points` per epoch, with a gap where an epoch begins.

    The first batches of an epoch, where an average since its beginning moves most, stay complete.
    """
    xs: list[np.ndarray] = []
    ys: list[np.ndarray] = []
    for _, part in run.groupby("epoch"):
        n = len(part)
        keep = np.unique(
            np.r_[np.arange(min(20, n)), np.linspace(0, n - 1, points).round().astype(int)]
        )
        xs += [part["step"].to_numpy(float)[keep], np.array([np.nan])]
        ys += [part[column].to_numpy(float)[keep], np.array([np.nan])]
    return np.concatenate(xs), np.concatenate(ys)
