"""What a test of a claim came to, and how several tests add up.

An effect whose interval lies inside the expected range supports the claim, outside it contradicts
it, and across its edge leaves it undecided.
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
    """Where an interval lies relative to the expected range, its edges included."""
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
    """The first outcome that has the verdict of all together."""
    verdict = overall(outcomes)
    return next(outcome for outcome in outcomes if outcome.verdict == verdict)
