"""A row of claims.csv: the verdicts on a claim in words and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, isnan, nan
from typing import Any

from finetone.claims.comparisons import has_tolerance
from finetone.claims.kinds import Test
from finetone.claims.outcome import UNDECIDED, Decision, Outcome, Part, decide
from finetone.claims.phrases import NOTHING, Phrase, phrase
from finetone.published.phrases import LANGUAGES

SHOWN = 3  # comparisons of one test that are told one by one


@dataclass(frozen=True)
class Claim:
    """A claim, or the reason that one gives; `note` bears on it and decides nothing."""

    id: str
    claim: Phrase
    where: str
    reading: Phrase
    note: Phrase
    tests: list[Test]

    @property
    def kind(self) -> str:
        """The kinds of its tests."""
        return " + ".join(dict.fromkeys(test["kind"] for test in self.tests))

    @property
    def tolerant(self) -> bool:
        """Whether it has a tolerance, which could be another one."""
        return any(map(has_tolerance, self.tests))


@dataclass(frozen=True)
class Ruling:
    """The verdict on one claim, and what it is made of."""

    verdict: str
    p_adjusted: float
    level: float
    decision: Decision
    parts: list[Part]

    @property
    def said(self) -> list[Phrase]:
        """What it rests on."""
        found = []
        for part in self.parts:
            if len(part.outcomes) <= SHOWN:
                found += [o.explanation for o in part.outcomes]
                continue
            facts = {"n": len(part.outcomes), "needed": part.needed}
            key = "several" if part.needed == len(part.outcomes) else "several_most"
            found.append(phrase(key, decisive=decide([part]).decisive.explanation, **facts))
        decision = self.decision
        if self.verdict != decision.verdict and decision.p < self.level <= self.p_adjusted:
            verdict = phrase(f"verdict_{decision.verdict}")
            found.append(phrase("alone", verdict=verdict, p=decision.p, adjusted=self.p_adjusted))
        return found

    @property
    def decidable(self) -> tuple[str, str, Outcome]:
        """Whether this design could decide it: yes, no, or "" if unknown.

        It could, if at the claim's own margin it would find the truth four times in five.

        Returns
        -------
        tuple
            That, why it could not (`missing`, `seeds`, `measurement`, `power`), and the weakest
            comparison.
        """
        every = [o for part in self.parts for o in part.outcomes]
        chance = [o for o in every if not o.exact]
        if not chance:
            return "yes", "", replace(every[0], margin=nan, detectable=nan)
        weakest = max(
            chance,
            key=lambda o: o.detectable / o.margin if o.margin > 0 else float(o.detectable > 0),
        )
        if self.verdict != UNDECIDED:
            return "yes", "", weakest
        unknown = [o for o in chance if isnan(o.p_contradicted)]
        if unknown:
            lacking = next((o.unknown for o in unknown if o.unknown), NOTHING)
            why = "seeds" if lacking.key == "no_second_run" else "measurement"
            return "no", "missing" if any(isnan(o.effect) for o in unknown) else why, weakest
        if any(isnan(o.margin) for o in chance):
            return "", "", weakest
        enough = weakest.detectable <= weakest.margin
        return ("yes", "", weakest) if enough else ("no", "power", weakest)


@dataclass(frozen=True)
class Rulings:
    """All rulings on one claim.

    Attributes
    ----------
    ours, own, padded
        By our runs, by the publication's table, and by our runs with times of padded batches; None
        where there are no such numbers, or none that the claim is about.
    half, twice, own_half, own_twice
        With half and twice the tolerance.
    """

    ours: Ruling
    half: Ruling
    twice: Ruling
    own: Ruling | None = None
    own_half: Ruling | None = None
    own_twice: Ruling | None = None
    padded: Ruling | None = None


@dataclass(frozen=True)
class Verdict:
    """A row of claims.csv; effect, interval, seeds and rows are those of the decisive comparison."""

    id: str
    claim: str
    claim_zh: str
    where: str
    reading: str
    reading_zh: str
    note: str
    note_zh: str
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
    undecidable: str
    seeds_needed: float
    rows_needed: float
    more_data: float
    verdict_half: str
    verdict_twice: str
    explanation: str
    explanation_zh: str
    own_verdict: str = ""
    own_effect: float = nan
    own_low: float = nan
    own_high: float = nan
    own_decidable: str = ""
    own_undecidable: str = ""
    own_verdict_half: str = ""
    own_verdict_twice: str = ""
    own_explanation: str = ""
    own_explanation_zh: str = ""
    padded_verdict: str = ""
    padded_effect: float = nan
    padded_low: float = nan
    padded_high: float = nan
    padded_explanation: str = ""
    padded_explanation_zh: str = ""
    conflicts: str = ""


def verdict_on(item: Claim, rulings: Rulings, clashes: Sequence[str]) -> Verdict:
    """The row of a claim."""
    ours = rulings.ours
    decidable, why, weakest = ours.decidable
    ratio = weakest.detectable / weakest.margin if weakest.margin > 0 else nan
    short = ratio > 1 and decidable != "yes"
    facts: dict[str, Any] = {
        "id": item.id,
        **_in_languages("claim", [item.claim]),
        "where": item.where,
        **_in_languages("reading", [item.reading]),
        **_in_languages("note", [item.note]),
        "kind": item.kind,
        "verdict": ours.verdict,
        **_numbers("", ours),
        "unit": ours.decision.decisive.unit,
        "seeds": ours.decision.decisive.seeds,
        "rows": ours.decision.decisive.rows,
        "p": ours.decision.p,
        "p_adjusted": ours.p_adjusted,
        "margin": weakest.margin,
        "detectable": weakest.detectable,
        "decidable": decidable,
        "undecidable": why,
        "seeds_needed": weakest.seeds_needed if short else nan,
        "rows_needed": weakest.rows_needed if short else nan,
        "more_data": float(ceil(ratio**2)) if short else nan,
        "verdict_half": rulings.half.verdict if item.tolerant else "",
        "verdict_twice": rulings.twice.verdict if item.tolerant else "",
        **_in_languages("explanation", ours.said),
        **_own(item, rulings),
        **_padded(rulings.padded),
        "conflicts": ", ".join(clashes),
    }
    return Verdict(**facts)


def _own(item: Claim, rulings: Rulings) -> dict[str, Any]:
    own, half, twice = rulings.own, rulings.own_half, rulings.own_twice
    if not own:
        return {}
    decidable, why, _ = own.decidable
    return {
        "own_verdict": own.verdict,
        **_numbers("own_", own),
        "own_decidable": decidable,
        "own_undecidable": why,
        "own_verdict_half": half.verdict if half and item.tolerant else "",
        "own_verdict_twice": twice.verdict if twice and item.tolerant else "",
        **_in_languages("own_explanation", own.said),
    }


def _padded(ruling: Ruling | None) -> dict[str, Any]:
    if not ruling:
        return {}
    said = _in_languages("padded_explanation", ruling.said)
    return {"padded_verdict": ruling.verdict, **_numbers("padded_", ruling), **said}


def _numbers(prefix: str, ruling: Ruling) -> dict[str, float]:
    decisive = ruling.decision.decisive
    found = {"effect": decisive.effect, "low": decisive.low, "high": decisive.high}
    return {f"{prefix}{name}": value for name, value in found.items()}


def _in_languages(column: str, said: Sequence[Phrase]) -> dict[str, str]:
    """A text in a column per language; the first of them, English, has the plain name."""
    texts = {}
    for language in LANGUAGES:
        gap = {"en": "; ", "zh": "；"}[language]
        text = gap.join(filter(None, (each.text(language) for each in said)))
        texts[column if language == "en" else f"{column}_{language}"] = text
    return texts
