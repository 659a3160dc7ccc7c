"""Numbers as they are shown in pictures and in the report."""

import math
from typing import Any

DECIMAL = ("auc", "mcc", "loss")  # shown as they are; other metrics in percent


def scale(metric: str) -> int:
    """What a metric is multiplied by where it is shown."""
    return 1 if metric in DECIMAL else 100


def score(metric: str, value: float) -> str:
    """Format a metric: accuracies and F1 in percent (without a sign), others with three decimals."""
    if missing(value):
        return "–"
    return f"{value:.3f}".replace("-", "−") if metric in DECIMAL else percent(value)


def score_between(metric: str, low: float, high: float) -> str:
    """Format an interval of a metric, as `score` does."""
    dash = " … " if low < 0 else "–"
    return dash.join((score(metric, low), score(metric, high)))


def missing(value: Any) -> bool:
    """Whether a cell of a table is empty."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def percent(fraction: float, digits: int = 1) -> str:
    """Format a fraction in percent, without a percent sign."""
    return f"{100 * fraction:.{digits}f}"


def signed(fraction: float) -> str:
    """Format a difference of fractions in percentage points, with a true minus sign."""
    text = f"{100 * fraction:+.1f}".replace("-", "−")
    return "0.0" if text in ("+0.0", "−0.0") else text


def between(low: float, high: float) -> str:
    """Format an interval of fractions in percent, without a dash next to a minus sign."""
    if low < 0:
        return f"{percent(low)} … {percent(high)}".replace("-", "−")
    return f"{percent(low)}–{percent(high)}"


def significant(value: float, digits: int = 3) -> str:
    """Format with `digits` significant digits and no exponent: 0.00123, 45.6, 12,300."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(decimals, 8)}f}".replace("-", "−")


def probability(p: float) -> str:
    """Format a p-value with three decimals."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def duration(seconds: float) -> str:
    """Format seconds: 0.42 s, 41 s, 3 min 12 s, 2 h 05 min."""
    if seconds < 10:
        return f"{significant(seconds, 2)} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60:02d} min"


def size(count: float) -> str:
    """Format a number of parameters: 22.7 M, 7.5 k."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= unit:
            return f"{significant(count / unit)} {name}"
    return f"{count:.0f}"


def memory(count: float) -> str:
    """Format bytes: 0.91 GB, 412 MB."""
    return f"{significant(count / 1e9)} GB" if count >= 1e9 else f"{significant(count / 1e6)} MB"
