"""Turn a matplotlib figure into an SVG whose bytes depend on the data and the style alone."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from finetone.files import atomic
from finetone.plots.drawing.fitting import broken
from finetone.plots.drawing.style import GRID, INK, MUTED, RULE

# Text is laid out with the font that comes with matplotlib (the same bytes on every machine), and
# shown in a font of the reader: it stays text, can be selected, and has Chinese glyphs.
LAYOUT_FONT = "DejaVu Sans"
SHOWN_FONTS = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'PingFang SC', 'Microsoft YaHei', "
    "'Noto Sans CJK SC', 'Source Han Sans SC', 'WenQuanYi Micro Hei', 'DejaVu Sans', sans-serif"
)
RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": [LAYOUT_FONT],
    "font.size": 9.5,
    "text.parse_math": False,  # a "$" in a title does not begin a formula
    "text.color": INK,
    "axes.facecolor": "none",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "xtick.minor.size": 2,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.solid_capstyle": "round",
}


@contextmanager
def look() -> Iterator[None]:
    """Within this context, matplotlib draws with the settings of this project alone."""
    with warnings.catch_warnings(), matplotlib.rc_context():
        # the reader's fonts have the glyphs that are missing from the layout font
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(RC)
        yield


def new_figure(width: float, height: float) -> Figure:
    """Create a white figure that arranges its contents by itself.

    Parameters
    ----------
    width, height
        In inches of 72 dots, as in SVG: one pixel is one point.
    """
    return Figure(figsize=(width, height), dpi=72, layout="constrained", facecolor="white")


def named_rows(axes: Axes, names: list[str]) -> None:
    """Name the rows 0, 1, … on the left of a picture that has one method per row."""
    axes.set_yticks(range(len(names)), names)
    axes.spines["left"].set_visible(False)
    axes.grid(False, axis="y")


def heading(figure: Figure, title: str, most: int) -> None:
    """Set the title of a whole figure, on at most two lines of `most` columns."""
    text = broken(title, most)
    figure.suptitle(text, x=0.01, ha="left", fontsize=11, fontweight="bold")


def error_bars(value: Any, low: Any, high: Any) -> list[Any]:
    """Lengths of the error bars below and above a value; none where rounding makes it negative."""
    return [np.maximum(0, value - low), np.maximum(0, high - value)]


def save(figure: Figure, target: Path, title: str, description: str) -> None:
    """Write a figure as SVG with a text alternative.

    Parameters
    ----------
    figure
        The finished figure.
    target
        The SVG file to write; its name decides the ids in the file.
    title, description
        The text alternative, for readers who do not see the picture.
    """
    stream = StringIO()
    with matplotlib.rc_context({"svg.hashsalt": Path(target).name}):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(stream, format="svg", metadata=nothing)
    svg = _tidy(stream.getvalue(), title, description)
    with atomic(target) as partial:
        partial.write_text(svg, encoding="utf-8")


def text_width(text: str, size: float) -> float:
    """Estimate the width of a text in points.

    Parameters
    ----------
    text
        Wide (CJK) characters count as one em.
    size
        Of the font, in points.
    """
    return sum(size if ord(c) > 0x2E7F else size * 0.58 for c in text)


def floor(score: pd.Series, lower_is_better: bool) -> float:
    """Score below which methods are drawn at the edge, so that the others are easy to compare.

    A majority-class control 40 points below all others would leave them no space.

    Parameters
    ----------
    score
        Of all methods, as fractions.
    lower_is_better
        As of a loss, which has no such edge.

    Returns
    -------
    float
        -inf if all methods fit.
    """
    middle, best = score.median(), score.max()
    lowest = middle - max(3 * (best - middle), 0.1)
    return float(lowest) if not lower_is_better and score.min() < lowest else -np.inf


_FONT = re.compile(rf"font: (?:(\d+) )?([\d.]+px) '{LAYOUT_FONT}'")


def _tidy(svg: str, title: str, description: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # two decimals of a point are a 5,000th of an inch: smaller files, and no trace of rounding
    svg = re.sub(
        r"<[^>]+>",
        lambda tag: re.sub(r"-?\d+\.\d{3,}", lambda n: f"{float(n[0]):.2f}", tag[0]),
        svg,
    )
    svg = _FONT.sub(lambda m: f"font-size: {m[2]}" + (f"; font-weight: {m[1]}" * bool(m[1])), svg)
    svg = svg.replace("*{", f"text{{font-family: {SHOWN_FONTS}}}\n  *{{", 1)
    head, body = svg.split(">", 1)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{head} role="img">\n'
        f" <title>{escape(title)}</title>\n <desc>{escape(description)}</desc>{body}"
    )
