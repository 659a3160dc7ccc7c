"""The outcome of one comparison of a claim, and the verdict of several together.

A comparison supports the claim if the interval of the effect is inside the expected range and
contradicts it if it is outside. Each has a p: the level at which its interval would just do so.

Several comparisons: all must support the claim, so the largest p counts (intersection-union test,
Berger 1982); one that contradicts is enough, so the smallest p counts, times their number (Holm's
1979 first step). Where only most must hold, it is what lies between (partial conjunction, Benjamini
& Heller 2008). Counts and facts are exact and take no part in that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf, isnan, nan

from finetone.claims.phrases import NOTHING, Phrase

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
        Its numbers in words.
    p_supported, p_contradicted
        NaN if it cannot be decided at all.
    exact
        Whether it has no error.
    margin
        Half of the expected range, or how far from its only edge a published value is; NaN if
        neither is known.
    detectable
        How far from an edge the truth must be for this design to decide with 80 % power.
    seeds_needed, rows_needed
        So many seeds, or test rows, would make `detectable` the margin, the other number being as
        it is; infinite where that cannot be, NaN if they are no matter, or not known.
    unknown
        Why its errors cannot be judged.
    """

    explanation: Phrase
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
    seeds_needed: float = nan
    rows_needed: float = nan
    unknown: Phrase = NOTHING


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
        The comparison that it depends on.
    """

    verdict: str
    p: float
    exact: bool
    decisive: Outcome


@dataclass(frozen=True)
class Part:
    """One test of a claim: its comparisons, and which share of them at least must hold."""

    outcomes: Sequence[Outcome]
    share: float = 1.0

    @property
    def needed(self) -> int:
        """How many of them that is."""
        return max(1, ceil(self.share * len(self.outcomes) - 1e-9))

    @property
    def chance(self) -> list[Outcome]:
        """Those that could be wrong by chance."""
        return [o for o in self.outcomes if not (o.exact or isnan(o.p_contradicted))]

    def supported(self) -> tuple[float, Outcome]:
        """(p, decisive comparison): that `needed` of them hold."""
        return _at_least(self.needed, self.outcomes, [o.p_supported for o in self.outcomes])

    def contradicted(self) -> tuple[float, Outcome]:
        """(p, decisive comparison): that so many fail that `needed` cannot hold."""
        failing = len(self.outcomes) - self.needed + 1
        return _at_least(failing, self.outcomes, [o.p_contradicted for o in self.outcomes])


def _at_least(count: int, outcomes: Sequence[Outcome], p: Sequence[float]) -> tuple[float, Outcome]:
    """p of `count` of several being so: partial conjunction (Benjamini & Heller 2008).

    The largest p if all must be so; the smallest, times their number, if one is enough. Exact ones
    that are so are taken for granted.
    """
    order = sorted(range(len(p)), key=lambda place: inf if isnan(p[place]) else p[place])
    last = order[count - 1]
    if p[last] == 0:
        return 0.0, outcomes[last]
    granted = sum(o.exact and each == 0 for o, each in zip(outcomes, p, strict=True))
    chance = sum(not (o.exact or isnan(each)) for o, each in zip(outcomes, p, strict=True))
    return p[last] * max(1, chance - (count - granted) + 1), outcomes[last]


def decide(parts: Sequence[Part]) -> Decision:
    """Put the tests of a claim together: all must hold."""
    supported, weakest = max(
        (part.supported() for part in parts), key=lambda each: inf if isnan(each[0]) else each[0]
    )
    everything = sum(len(part.chance) for part in parts)
    against = []
    for part in parts:
        p, outcome = part.contradicted()
        # as much of the error as the part's share of the comparisons
        times = everything / len(part.chance) if part.chance else 1
        against.append((p * times, outcome))
    contradicted, strongest = min(against, key=lambda each: inf if isnan(each[0]) else each[0])
    if contradicted < 1 and not supported < contradicted:
        return Decision(CONTRADICTED, contradicted, contradicted == 0, strongest)
    if supported < 1:
        return Decision(SUPPORTED, supported, supported == 0, weakest)
    return Decision(UNDECIDED, nan if isnan(supported) else 1.0, False, weakest)
