"""Numbers as a person would write them: on the page, in pictures, cards and the terminal.

Three significant digits, units in place of powers of ten (k, M; s, min, h), a true minus sign.
"""

import math
from collections.abc import Sequence
from typing import Any

DECIMAL = ("auc", "mcc", "loss")  # shown as they are; other metrics in percent
NOTHING = 5e-7  # below, a number that is not a time is 0: rounding errors, not results
THOUSANDS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
BYTES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def scale(metric: str) -> int:
    """What a metric is multiplied by where it is shown."""
    return 1 if metric in DECIMAL else 100


def score(metric: str, value: float) -> str:
    """Format a metric: accuracies and F1 in percent (without a sign), others with three decimals."""
    if missing(value):
        return "–"
    return _signed_zero(f"{value:.3f}") if metric in DECIMAL else percent(value)


def score_between(metric: str, low: float, high: float) -> str:
    """Format an interval of a metric, as `score` does."""
    dash = " … " if low < 0 else "–"
    return dash.join((score(metric, low), score(metric, high)))


def missing(value: Any) -> bool:
    """Whether a cell of a table is empty."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def percent(fraction: float, digits: int = 1) -> str:
    """Format a fraction in percent, without a percent sign."""
    return _signed_zero(f"{100 * fraction:.{digits}f}")


def share(fraction: float) -> str:
    """Format a share of a whole with a percent sign: 0.4 %, 12 %, and never 0 or 100 % of some."""
    if fraction in (0, 1):
        return f"{100 * fraction:.0f} %"
    digits = 0 if 0.095 <= fraction <= 0.99 else 1
    text = percent(fraction, digits)
    return {"0.0": "< 0.1 %", "100.0": "> 99.9 %"}.get(text, f"{text} %")


def signed(fraction: float) -> str:
    """Format a difference of fractions in percentage points, with a true minus sign."""
    text = f"{100 * fraction:+.1f}".replace("-", "−")
    return "0.0" if text in ("+0.0", "−0.0") else text


def between(low: float, high: float) -> str:
    """Format an interval of fractions in percent, without a dash next to a minus sign."""
    return (" … " if low < 0 else "–").join((percent(low), percent(high)))


def significant(value: float, digits: int = 3) -> str:
    """Format with `digits` significant digits and no exponent: 0.00123, 45.6, 12,300."""
    if not math.isfinite(value):
        return f"{value:g}".replace("-", "−")
    if abs(value) < NOTHING:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}".replace("-", "−")


def setting(value: Any) -> str:
    """Format a hyperparameter as recipes have it: 2e-5, 0.1, 32."""
    if not isinstance(value, float):
        return str(value)
    if not 0 < abs(value) < 0.001:
        return f"{value:g}"
    digits, exponent = f"{value:.5e}".split("e")
    return f"{float(digits):g}e{int(exponent)}"


def size(count: float) -> str:
    """Format a number of things, or a rate: 22.7 M, 7.5 k, 950, 0.45."""
    return _with_unit(count, THOUSANDS)


def memory(count: float) -> str:
    """Format bytes: 1.2 GB, 412 MB, 12 kB."""
    return f"{count:.0f} B" if abs(count) < 1000 else _with_unit(count, BYTES)


def _with_unit(value: float, units: Sequence[tuple[float, str]]) -> str:
    """Three significant digits and the largest unit that fits; 22 M, not 22.0 M."""
    rounded = float(f"{value:.2e}")  # 999,999 is 1 M
    for unit, name in units:
        if unit <= abs(rounded) < math.inf:
            return f"{rounded / unit:.3g} {name}".replace("-", "−")
    return f"{value:.0f}".replace("-", "−") if float(value).is_integer() else significant(value)


def probability(p: float) -> str:
    """Format a p-value with three decimals."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def duration(seconds: float) -> str:
    """Format seconds: 3.2 ms, 0.42 s, 41 s, 3 min 12 s, 2 h 05 min."""
    if 0 < seconds < 0.01:
        unit, name = (1e3, "ms") if seconds >= 0.001 else (1e6, "µs")
        return f"{significant(unit * seconds, 2)} {name}"
    if seconds < 9.95:
        return f"{significant(seconds, 2)} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s".removesuffix(" 00 s")
    return f"{whole // 3600:,} h {whole % 3600 // 60:02d} min".removesuffix(" 00 min")


def rounded_duration(seconds: float) -> str:
    """Format a round time, as that of a tick: 1 ms, 10 s, 10 min, 6 h."""
    units = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"))
    unit, name = next((u, n) for u, n in units if seconds >= u)
    return f"{seconds / unit:g} {name}"


def _signed_zero(text: str) -> str:
    """`text`, a number, with a true minus sign, and none before a zero."""
    return text.replace("-", "−") if text.strip("-0.") else text.removeprefix("-")
