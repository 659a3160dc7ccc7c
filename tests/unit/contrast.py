"""How well two colours can be told apart."""

import numpy as np

from finetone.report.colour import linear


def contrast(a: str, b: str) -> float:
    """WCAG 2 contrast ratio of two colours ("#rrggbb"), in [1, 21]."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    low, high = sorted(float(linear(c) @ weights) + 0.05 for c in (a, b))
    return high / low
