"""Pictures, one function each: `draw_x(tables…, style, target)` writes one SVG."""

from finetone.plots.bars import draw_methods, draw_published, draw_transfer
from finetone.plots.comparisons import draw_comparisons
from finetone.plots.curve import draw_curve
from finetone.plots.epochs import draw_epochs
from finetone.plots.panels import draw_lengths, draw_reliability
from finetone.plots.scatter import (
    draw_accuracy_inference,
    draw_accuracy_parameters,
    draw_accuracy_time,
)
from finetone.plots.style import Style

__all__ = [
    "Style",
    "draw_accuracy_inference",
    "draw_accuracy_parameters",
    "draw_accuracy_time",
    "draw_comparisons",
    "draw_curve",
    "draw_epochs",
    "draw_lengths",
    "draw_methods",
    "draw_published",
    "draw_reliability",
    "draw_transfer",
]
