"""Verdicts on the claims of a published experiment: by our runs, and by its own printed table.

A claim is supported if all its comparisons are, and contradicted if one is (`outcome`). All claims of
an experiment are then corrected together (Holm 1979): the chance that any of the verdicts that
could be wrong by chance is wrong is at most 1 - confidence. What does not hold up to that is
undecided.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace
from math import ceil, isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from finetone.claims.claims_file import check_methods, read_claims
from finetone.claims.conflicts import conflicts
from finetone.claims.estimate import Missing
from finetone.claims.facts import Facts
from finetone.claims.kinds import Test, comparisons, estimate, outcome
from finetone.claims.our_facts import OurFacts
from finetone.claims.outcome import UNDECIDED, Decision, Outcome, Part, decide
from finetone.claims.printed import PrintedFacts, read_printed
from finetone.formats.csv_table import write_csv
from finetone.published.reading import read_csv
from finetone.statistics.multiple_testing import holm

BECAUSE = "-because"
"""Ending of the id of a separate verdict on the reason that a claim gives."""
TOLERANCES = (0.5, 2.0)  # of what is claimed to be "about" so much
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


def write_claims(
    claims_yaml: Path,
    facts: OurFacts,
    target: Path,
    confidence: float,
) -> None:
    """Judge claims; write claims.csv.

    Parameters
    ----------
    claims_yaml
        The claims; without such a file the table has no rows.
    facts
        Our tables.
    target
        The CSV file to write.
    confidence
        Confidence level of the intervals and of all verdicts together, in (0, 1).

    Raises
    ------
    UserError
        A claim names a method that is neither configured nor published. (A published one that
        is not configured is missing data.)
    """
    claims = read_claims(claims_yaml) if claims_yaml.exists() else []
    published = claims_yaml.with_name("published.csv")
    known = (
        {row["model"] for _, row in read_csv(published, ["model"])} if published.exists() else set()
    )
    check_methods(claims, known | set(facts.groups), claims_yaml)
    printed = None
    if published.exists() and claims_yaml.with_name("setup.yaml").exists():
        printed = read_printed(claims_yaml.parent, facts.groups)
    verdicts = judge(claims, facts, printed, confidence)
    columns = [field.name for field in fields(Verdict)]
    write_csv(pd.DataFrame([astuple(v) for v in verdicts], columns=columns), target)


def judge(
    claims: Sequence[dict[str, Any]],
    facts: Facts,
    printed: PrintedFacts | None,
    confidence: float,
) -> list[Verdict]:
    """One verdict per claim, each followed by one for the reason it gives, if any.

    Parameters
    ----------
    claims
        As `read_claims` returns them.
    facts
        Our numbers.
    printed
        Those of the publication, if they are known.
    confidence
        In (0, 1).
    """
    items = [item for claim in claims for item in _items(claim)]
    ours = rule(items, facts, confidence, printed)
    own = rule(items, printed, confidence) if printed else [None] * len(items)
    others = [rule(items, facts, confidence, tolerance=factor) for factor in TOLERANCES]
    clashes = conflicts({item.id: item.tests for item in items}, facts)
    tolerant = list(zip(*others, strict=True))
    return [
        _verdict(item, ours[i], own[i], tolerant[i], clashes[item.id])
        for i, item in enumerate(items)
    ]


def _items(claim: dict[str, Any]) -> list[Claim]:
    found = [(claim["id"], claim)]
    if reason := claim.get("because"):
        found.append((claim["id"] + BECAUSE, reason))
    return [
        Claim(
            name,
            _in(each["claim"], "en"),
            _in(each["claim"], "zh"),
            claim["where"],
            _in(each.get("reading", ""), "en"),
            each["tests"],
        )
        for name, each in found
    ]


def _in(sentence: str | dict[str, str], language: str) -> str:
    if isinstance(sentence, str):
        return sentence if language == "en" else ""
    return sentence[language]


def rule(
    items: Sequence[Claim],
    facts: Facts,
    confidence: float,
    printed: Facts | None = None,
    tolerance: float = 1.0,
) -> list[Ruling]:
    """Decide claims together.

    Parameters
    ----------
    items
        The claims of an experiment.
    facts
        What they are judged by.
    confidence
        In (0, 1).
    printed
        Published numbers, which say how large an effect is claimed where the range has one end.
    tolerance
        Factor on the width of ranges with two ends.
    """
    found = [_outcomes(item, facts, confidence, None, tolerance, printed) for item in items]
    decisions = [decide(each) for each in found]
    chance = np.array([nan if d.exact else d.p for d in decisions])
    if tolerance == 1.0:
        # the reach of a test at the level that the first of all claims is held to
        level = (1 - confidence) / max(1, int(np.isfinite(chance).sum()))
        found = [_outcomes(item, facts, confidence, level, tolerance, printed) for item in items]
        decisions = [decide(each) for each in found]
    rulings = []
    for decision, p, each in zip(decisions, holm(chance), found, strict=True):
        verdict = decision.verdict if decision.exact or p < 1 - confidence else UNDECIDED
        adjusted = 0.0 if decision.exact else float(p)
        rulings.append(Ruling(verdict, adjusted, 1 - confidence, decision, each))
    return rulings


def _outcomes(
    item: Claim,
    facts: Facts,
    confidence: float,
    level: float | None,
    tolerance: float,
    printed: Facts | None,
) -> list[Part]:
    found = []
    for test in item.tests:
        try:
            parts = comparisons(test, facts)
        except Missing as missing:
            found.append(Part([Outcome(f"missing: {missing}")]))
            continue
        outcomes = [
            outcome(part, facts, confidence, level, tolerance, _claimed(part, printed))
            for part in parts
        ]
        found.append(Part(outcomes, test.get("share", 1.0)))
    return found


def _claimed(part: Test, printed: Facts | None) -> float:
    """The published value of a comparison; NaN if it is not known."""
    try:
        return estimate(part, printed)[0].value if printed else nan
    except Missing:
        return nan


def _verdict(
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
