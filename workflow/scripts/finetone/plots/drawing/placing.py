"""Place names in a scatter plot so that none covers another."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Box(NamedTuple):
    """A rectangle, in points."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the box."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def overlap(self, other: "Box") -> float:
        """Area shared with another box."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(0.0, width) * max(0.0, height)

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """The point of the box that is nearest to (x, y)."""
        return min(max(x, self.x0), self.x1), min(max(y, self.y0), self.y1)

    def holds(self, points: np.ndarray) -> bool:
        """Whether any of the points [n, 2] is inside."""
        x, y = points.T
        inside = (self.x0 < x) & (x < self.x1) & (self.y0 < y) & (y < self.y1)
        return bool(inside.any())

    def distance(self, x: float, y: float) -> float:
        """Distance from (x, y) to the nearest edge; 0 inside."""
        return float(np.hypot(max(self.x0 - x, 0, x - self.x1), max(self.y0 - y, 0, y - self.y1)))


def place(
    points: np.ndarray,
    sizes: Sequence[tuple[float, float]],
    marks: Sequence[Box],
    bars: Sequence[Box],
    inside: Box,
) -> list[Box]:
    """Place one label per point, the most crowded points first.

    Each gets the cheapest of several rings of candidates. Leaving `inside` costs most, covering a
    label or a mark less, an interval still less, and distance least. All is in points of the page.

    Parameters
    ----------
    points
        [n, 2].
    sizes
        Width and height of each label.
    marks
        The marks of the points, in their order.
    bars
        Intervals and lines.
    inside
        The area of the plot.

    Returns
    -------
    list of Box
        One per point.
    """
    gaps = np.linalg.norm(points[:, None] - points[None], axis=-1)
    crowded = np.argsort(-(1 / (gaps + 20)).sum(axis=1), kind="stable")
    placed: dict[int, Box] = {}
    for i in crowded:
        x, y = points[i]
        width, height = sizes[i]
        best: tuple[float, Box] | None = None
        for ring, reach in enumerate((7, 12, 20, 30, 44, 60, 80, 104)):
            for angle in np.deg2rad([0, 180, 30, -30, 150, -150, 60, -60, 120, -120, 90, -90]):
                cx = x + np.cos(angle) * (reach + width / 2)
                cy = y + np.sin(angle) * (reach + height / 2)
                box = Box(cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2)
                # a label keeps a small distance from everything else
                air = Box(box.x0 - 2, box.y0 - 1, box.x1 + 2, box.y1 + 1)
                cost = ring * 14.0
                cost += 40 * sum(air.overlap(other) for other in placed.values())
                cost += 12 * sum(air.overlap(mark) for mark in marks)
                cost += 4 * sum(air.overlap(bar) for bar in bars)
                cost += 100 * (width * height - box.overlap(inside))
                if ring > 1:  # a line connects it, which should not cross others
                    leader = np.linspace((x, y), box.nearest(x, y), 9)[1:]
                    boxes = [*placed.values(), *(m for j, m in enumerate(marks) if j != i)]
                    cost += 25 * sum(other.holds(leader) for other in boxes)
                if best is None or cost < best[0]:
                    best = (cost, box)
        assert best is not None
        placed[int(i)] = best[1]
    return [placed[i] for i in range(len(points))]
