"""Verdicts on the claims of a published experiment: by our runs, and by its own printed table.

A claim is supported if all its comparisons are, and contradicted if one is (`outcome`). All claims of
an experiment are then corrected together (Holm 1979): the chance that any of the verdicts that
could be wrong by chance is wrong is at most 1 - confidence. What does not hold up to that is
undecided.
"""

from collections.abc import Sequence
from dataclasses import astuple, fields, replace
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from finetone.claims.claims_file import check_methods, read_claims
from finetone.claims.comparisons import comparisons, outcome
from finetone.claims.conflicts import conflicts
from finetone.claims.estimate import Missing
from finetone.claims.facts import Facts
from finetone.claims.kinds import Test, estimate
from finetone.claims.our_facts import OurFacts
from finetone.claims.outcome import UNDECIDED, Outcome, Part, decide
from finetone.claims.own_table import PrintedFacts, read_printed
from finetone.claims.phrases import given, phrase
from finetone.claims.times import STEPS
from finetone.claims.verdict import Claim, Ruling, Rulings, Verdict, verdict_on
from finetone.comparison.multiple_testing import holm
from finetone.formats import rounds
from finetone.formats.csv_table import write_csv
from finetone.published.reading import read_csv

BECAUSE = "-because"
"""Ending of the id of a separate verdict on the reason that a claim gives."""
TOLERANCES = (0.5, 2.0)  # of what is claimed to be "about" so much


def write_claims(
    claims_yaml: Path, facts: OurFacts, target: Path, confidence: float, padded: Path | None = None
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
    padded
        The file speed/padded.json, by whose times, the mean over all batches, claims about the time
        of a step are judged as well.

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
    with_padding = None
    if padded and facts.times:
        times = replace(facts.times, rounds=rounds.read(padded), average="mean")
        with_padding = replace(facts, times=times)
    verdicts = judge(claims, facts, printed, confidence, with_padding)
    columns = [field.name for field in fields(Verdict)]
    write_csv(pd.DataFrame([astuple(v) for v in verdicts], columns=columns), target)


def judge(
    claims: Sequence[dict[str, Any]],
    facts: Facts,
    printed: PrintedFacts | None,
    confidence: float,
    padded: Facts | None = None,
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
    padded
        Our numbers with times of padded batches, if these were timed.
    """
    items = [item for claim in claims for item in _items(claim)]
    half, twice = (rule(items, facts, confidence, tolerance=factor) for factor in TOLERANCES)
    found: dict[str, Sequence[Ruling | None]] = {}
    if printed:
        found["own"] = rule(items, printed, confidence, printed)
        for name, factor in zip(("own_half", "own_twice"), TOLERANCES, strict=True):
            found[name] = rule(items, printed, confidence, tolerance=factor)
    if padded:
        rulings = rule(items, padded, confidence, printed)
        found["padded"] = [
            ruling if _timed(item) else None for item, ruling in zip(items, rulings, strict=True)
        ]
    clashes = conflicts({item.id: item.tests for item in items}, facts)
    return [
        verdict_on(
            item,
            Rulings(each, half[i], twice[i], **{name: of[i] for name, of in found.items()}),
            clashes[item.id],
        )
        for i, (item, each) in enumerate(
            zip(items, rule(items, facts, confidence, printed), strict=True)
        )
    ]


def _timed(item: Claim) -> bool:
    """Whether a claim is about the time of a training step, which padding decides about."""
    return any(test.get(key) in STEPS for test in item.tests for key in ("metric", "x", "y"))


def _items(claim: dict[str, Any]) -> list[Claim]:
    found = [(claim["id"], claim)]
    if reason := claim.get("because"):
        found.append((claim["id"] + BECAUSE, reason))
    return [
        Claim(
            name,
            given(each["claim"]),
            claim["where"],
            given(each.get("reading", "")),
            given(each.get("note", "")),
            each["tests"],
        )
        for name, each in found
    ]


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
        Factor on what is expected (`comparisons.expected_range`).
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
            found.append(Part([Outcome(phrase("missing", what=missing.what))]))
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
