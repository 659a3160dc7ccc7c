"""Scores against the number of training rows."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from finetone.numbers import missing, scale, score, signed
from finetone.plots.drawing.canvas import error_bars
from finetone.plots.drawing.read_table import methods_in, read, records
from finetone.plots.drawing.style import RULE, Style
from finetone.plots.small_multiples import draw_panels
from finetone.statistics.evaluation import ERRORS

FITTED = ["method", "limit", "scale", "exponent", "rows", "more", "gain"]


def draw_learning_curve(
    learning_curve: Path, learning_curve_fit: Path, dataset: str, style: Style, target: Path
) -> None:
    """Draw one panel per method: its points with intervals, and the fitted law, drawn on dashed.

    The other methods' points are joined in grey, so that one sees where curves cross.

    Parameters
    ----------
    learning_curve, learning_curve_fit
        The tables of these names.
    dataset
        Name of the source dataset.
    style
        How methods look, and the language.
    target
        The SVG file to write.
    """
    table = read(learning_curve, ["method", "rows", "score", "low", "high"], dataset)
    laws = {row["method"]: row for row in records(read(learning_curve_fit, FITTED, dataset))}
    metric = str(table["metric"].iloc[0])
    times, sign = scale(metric), -1 if metric in ERRORS else 1
    curves = {method: table[table["method"] == method] for method in methods_in(table)}
    ticks = _ticks(sorted({int(rows) for rows in table["rows"]}))

    def panel(axes: Axes, method: str, own: pd.DataFrame) -> str:
        for other in curves.values():
            axes.plot(other["rows"], times * other["score"], color=RULE, linewidth=0.8)
        colour, law = style.colour(method), laws.get(method, {})
        mean, low, high = (times * own[name] for name in ("score", "low", "high"))
        axes.errorbar(
            own["rows"], mean, yerr=error_bars(mean, low, high), color=colour, linestyle="none",
            marker=style.marker(method), markersize=4, linewidth=1.2, zorder=3,
        )  # fmt: skip
        gain = ""
        if not missing(law.get("limit")):
            for start, end, dashes in (
                (own["rows"].min(), law["rows"], "-"),
                (law["rows"], law["rows"] + law["more"], (0, (3, 2))),
            ):
                x = np.geomspace(start, end, 40)
                law_of = sign * law["limit"] - law["scale"] * (x / law["rows"]) ** -law["exponent"]
                axes.plot(x, times * sign * law_of, color=colour, linewidth=1.4, linestyle=dashes)
            gain = f" ({signed(law['gain'])})" if times == 100 else f" ({law['gain']:+.3f})"
        axes.set_xscale("log")
        axes.set_xticks(ticks)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda rows, _: _short(rows)))
        ends = " → ".join(score(metric, value) for value in own["score"].to_numpy()[[0, -1]])
        return f"{style.title(method)}: {ends}{gain}"

    draw_panels(
        "learning-curve", table, dataset, style, target, panel, ("training_rows", f"test_{metric}")
    )


def _ticks(rows: list[int], most: int = 4) -> list[int]:
    """The numbers of rows to name: at most so many, the first and the last among them."""
    places = np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int))
    return [rows[place] for place in places]


def _short(rows: float) -> str:
    """250, 1k, 2.5k, 25k."""
    return f"{rows:.0f}" if rows < 1000 else f"{rows / 1000:.3g}k"
