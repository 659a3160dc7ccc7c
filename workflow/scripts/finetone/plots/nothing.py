"""The picture that an experiment without data for it gets: a sentence that states the reason."""

from pathlib import Path

from finetone.plots.drawing.canvas import look, new_figure, save
from finetone.plots.drawing.fitting import broken
from finetone.plots.drawing.style import INK, MUTED


def draw_nothing(title: str, reason: str, target: Path) -> None:
    """Draw `title` and, below it, `reason`; this is not an error."""
    heading = broken(title, 70)
    with look():
        figure = new_figure(7.6, 0.8 if "\n" not in heading else 1.0)
        figure.set_layout_engine("none")
        figure.text(0.01, 0.9, heading, va="top", fontsize=11, fontweight="bold", color=INK)
        figure.text(0.01, 0.1, reason, va="bottom", fontsize=9, color=MUTED)
        save(figure, target, title, reason)
