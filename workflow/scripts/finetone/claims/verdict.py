"""A row of claims.csv: the verdict on a claim in words and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, isnan, nan

from finetone.claims.kinds import Test
from finetone.claims.outcome import UNDECIDED, Decision, Outcome, Part, decide

SHOWN = 3  # comparisons of one test that are told one by one


@dataclass(frozen=True)
class Claim:
    """A claim, or the reason that one gives."""

    id: str
    claim: str
    claim_zh: str
    where: str
    reading: str
    tests: list[Test]

    @property
    def kind(self) -> str:
        """The kinds of its tests."""
        return " + ".join(dict.fromkeys(test["kind"] for test in self.tests))


@dataclass(frozen=True)
class Ruling:
    """The verdict on one claim, and what it is made of."""

    verdict: str
    p_adjusted: float
    level: float
    decision: Decision
    parts: list[Part]


@dataclass(frozen=True)
class Verdict:
    """A row of claims.csv; effect, interval, seeds and rows are those of the decisive comparison."""

    id: str
    claim: str
    claim_zh: str
    where: str
    reading: str
    kind: str
    verdict: str
    effect: float
    low: float
    high: float
    unit: str
    seeds: int
    rows: int
    p: float
    p_adjusted: float
    margin: float
    detectable: float
    decidable: str
    more_data: float
    verdict_half: str
    verdict_twice: str
    explanation: str
    own_verdict: str
    own_effect: float
    own_low: float
    own_high: float
    own_explanation: str
    conflicts: str


def verdict_on(
    item: Claim,
    ours: Ruling,
    own: Ruling | None,
    others: Sequence[Ruling],
    clashes: Sequence[str],
) -> Verdict:
    decisive = ours.decision.decisive
    decidable, weakest = _decidable(ours)
    ratio = weakest.detectable / weakest.margin if weakest.margin > 0 else nan
    two_ended = any(len(test.get("expect", {})) == 2 for test in item.tests)
    printed = own.decision.decisive if own else Outcome("")
    half, twice = (ruling.verdict if two_ended else "" for ruling in others)
    return Verdict(
        id=item.id,
        claim=item.claim,
        claim_zh=item.claim_zh,
        where=item.where,
        reading=item.reading,
        kind=item.kind,
        verdict=ours.verdict,
        effect=decisive.effect,
        low=decisive.low,
        high=decisive.high,
        unit=decisive.unit,
        seeds=decisive.seeds,
        rows=decisive.rows,
        p=ours.decision.p,
        p_adjusted=ours.p_adjusted,
        margin=weakest.margin,
        detectable=weakest.detectable,
        decidable=decidable,
        more_data=float(ceil(ratio**2)) if ratio > 1 else nan,
        verdict_half=half,
        verdict_twice=twice,
        explanation=_explained(ours),
        own_verdict=own.verdict if own else "",
        own_effect=printed.effect,
        own_low=printed.low,
        own_high=printed.high,
        own_explanation=_explained(own) if own else "",
        conflicts=", ".join(clashes),
    )


def _decidable(ruling: Ruling) -> tuple[str, Outcome]:
    """(whether this design could decide it: yes, no, or "" if unknown; its weakest comparison).

    It could, if at the claim's own margin it would find the truth four times in five.
    """
    every = [o for part in ruling.parts for o in part.outcomes]
    chance = [o for o in every if not o.exact]
    if not chance:
        return "yes", replace(every[0], margin=nan, detectable=nan)
    weakest = max(
        chance, key=lambda o: o.detectable / o.margin if o.margin > 0 else float(o.detectable > 0)
    )
    if ruling.verdict != UNDECIDED:
        return "yes", weakest
    if any(isnan(o.p_contradicted) for o in chance):
        return "no", weakest
    if any(isnan(o.margin) for o in chance):
        return "", weakest
    return ("yes" if weakest.detectable <= weakest.margin else "no"), weakest


def _explained(ruling: Ruling) -> str:
    sentences = []
    for part in ruling.parts:
        if len(part.outcomes) <= SHOWN:
            sentences += [o.explanation for o in part.outcomes]
            continue
        hardest = decide([part]).decisive.explanation
        most = "" if part.needed == len(part.outcomes) else f" of which {part.needed} must hold"
        sentences.append(f"{len(part.outcomes)} comparisons{most}, the decisive one: {hardest}")
    decision = ruling.decision
    if ruling.verdict != decision.verdict and decision.p < ruling.level <= ruling.p_adjusted:
        sentences.append(
            f"by itself {decision.verdict} (p = {decision.p:.2g}), but not after correction for all "
            f"claims (p = {ruling.p_adjusted:.2g})"
        )
    return "; ".join(sentences)
