"""The outcome of one comparison of a claim, and the verdict of several together.

A comparison supports the claim if the interval of the effect is inside the expected range and
contradicts it if it is outside. Each has a p: the level at which its interval would just do so.

Several comparisons: all must support the claim, so the largest p counts (intersection-union test,
Berger 1982); one that contradicts is enough, so the smallest p counts, times their number (Holm's
1979 first step). Counts and facts are exact and take no part in that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isnan, nan

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"
POWER = 0.8


@dataclass(frozen=True)
class Outcome:
    """The result of one comparison.

    Attributes
    ----------
    effect, low, high, unit
        What was found, with its interval.
    seeds, rows
        What it rests on.
    explanation
        A sentence with its numbers.
    p_supported, p_contradicted
        NaN if it cannot be decided at all.
    exact
        Whether it has no error.
    margin
        Half of the expected range, or how far from its only edge a published value is; NaN if
        neither is known.
    detectable
        How far from an edge the truth must be for this design to decide with 80 % power.
    """

    explanation: str
    effect: float = nan
    low: float = nan
    high: float = nan
    unit: str = ""
    seeds: int = 0
    rows: int = 0
    p_supported: float = nan
    p_contradicted: float = nan
    exact: bool = False
    margin: float = nan
    detectable: float = nan


@dataclass(frozen=True)
class Decision:
    """A verdict on several comparisons before any correction for other claims.

    Attributes
    ----------
    verdict
        If one has to be given; at which level is said by `p`.
    p
        0 if exact; NaN if it is undecided for lack of data.
    exact
        Whether it follows from exact numbers alone.
    decisive
        The comparison that it hangs on.
    """

    verdict: str
    p: float
    exact: bool
    decisive: Outcome


def decide(outcomes: Sequence[Outcome]) -> Decision:
    """Put the comparisons of a claim together."""
    chance = sum(not (o.exact or isnan(o.p_contradicted)) for o in outcomes)
    against = min(outcomes, key=lambda o: inf if isnan(o.p_contradicted) else o.p_contradicted)
    least = max(outcomes, key=lambda o: inf if isnan(o.p_supported) else o.p_supported)
    contradicted = against.p_contradicted * (1 if against.exact else chance)
    if contradicted < 1 and not least.p_supported < contradicted:
        return Decision(CONTRADICTED, contradicted, against.exact, against)
    if least.p_supported < 1:
        return Decision(SUPPORTED, least.p_supported, all(o.exact for o in outcomes), least)
    undefined = isnan(least.p_supported)
    return Decision(UNDECIDED, nan if undefined else 1.0, False, least)
