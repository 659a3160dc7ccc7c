"""The outcome of a test of a claim, and the verdict of several tests together.

A test supports the claim if the interval of the effect is inside the expected range, contradicts it
if it is outside, and is undecided if it contains an edge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isnan, nan

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"


@dataclass(frozen=True)
class Outcome:
    """The result of one test; `explanation` is a sentence with its numbers."""

    kind: str
    verdict: str
    effect: float = nan
    low: float = nan
    high: float = nan
    unit: str = ""
    seeds: int = 0
    rows: int = 0
    explanation: str = ""


def judge(low: float, high: float, expect: dict[str, float]) -> str:
    """Compare an interval with the expected range, whose edges belong to it.

    Parameters
    ----------
    low, high
        The interval; NaN is undecided.
    expect
        `min`, `max` or both.
    """
    least, most = expect.get("min", -inf), expect.get("max", inf)
    if isnan(low) or isnan(high):
        return UNDECIDED
    if least <= low and high <= most:
        return SUPPORTED
    return CONTRADICTED if high < least or low > most else UNDECIDED


def overall(outcomes: Sequence[Outcome]) -> str:
    """Contradicted if any is, supported if all are, else undecided."""
    verdicts = {outcome.verdict for outcome in outcomes}
    if CONTRADICTED in verdicts:
        return CONTRADICTED
    return SUPPORTED if verdicts == {SUPPORTED} else UNDECIDED


def deciding(outcomes: Sequence[Outcome]) -> Outcome:
    """The first outcome whose verdict is the one of all outcomes together."""
    verdict = overall(outcomes)
    return next(outcome for outcome in outcomes if outcome.verdict == verdict)
