"""From a matplotlib figure to an SVG whose bytes depend on the data and the style alone."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from finetone.files import atomic
from finetone.plots.style import GRID, INK, MUTED, RULE

# Text is laid out with the font that matplotlib itself carries (the same bytes on every machine)
# and shown in the reader's own: text stays text, can be selected, and finds Chinese glyphs.
LAYOUT_FONT = "DejaVu Sans"
SHOWN_FONTS = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'PingFang SC', 'Microsoft YaHei', "
    "'Noto Sans CJK SC', 'Source Han Sans SC', 'WenQuanYi Micro Hei', 'DejaVu Sans', sans-serif"
)
RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": [LAYOUT_FONT],
    "font.size": 9.5,
    "text.parse_math": False,  # a "$" in a title is a dollar
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
    """A block in which matplotlib draws with the settings of this project alone."""
    with warnings.catch_warnings(), matplotlib.rc_context():
        # glyphs missing from the layout font are found by the reader's
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(RC)
        yield


def new_figure(width: float, height: float) -> Figure:
    """A white figure of `width` × `height` inches that fits its contents by itself.

    At 72 dots per inch, as SVG has it, a pixel is a point.
    """
    return Figure(figsize=(width, height), dpi=72, layout="constrained", facecolor="white")


def grid_only(axes: Axes, axis: str) -> None:
    """Keep grid lines across one axis ("x" or "y")."""
    axes.grid(False, axis="y" if axis == "x" else "x")


def save(figure: Figure, target: Path, title: str, description: str) -> None:
    """Write `figure` as SVG with a text alternative (`title`, `description`)."""
    stream = StringIO()
    with matplotlib.rc_context({"svg.hashsalt": Path(target).name}):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(stream, format="svg", metadata=nothing)
    svg = _tidy(stream.getvalue(), title, description)
    with atomic(target) as partial:
        partial.write_text(svg, encoding="utf-8")


def text_width(text: str, size: float) -> float:
    """Estimated width of `text` in points; wide (CJK) glyphs count as one em."""
    return sum(size if ord(c) > 0x2E7F else size * 0.58 for c in text)


def floor(accuracy: pd.Series) -> float:
    """Accuracy below which methods are drawn at the edge, so that the others are easy to compare.

    A majority-class control 40 points below everybody would press all else into a corner.
    """
    middle, best = accuracy.median(), accuracy.max()
    lowest = middle - max(3 * (best - middle), 0.1)
    return float(lowest) if accuracy.min() < lowest else 0.0


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
