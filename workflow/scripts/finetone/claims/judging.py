"""Claims of a published experiment, stated as data and tested with our runs.

A claim is supported if all its tests are, contradicted if one is, and undecided otherwise: when an
interval contains an edge of the claimed range, or a number is missing.
"""

from dataclasses import astuple, dataclass, fields
from math import inf
from pathlib import Path
from typing import Any

import pandas as pd

from finetone.claims.facts import Facts, read_facts
from finetone.claims.kinds import evaluate
from finetone.claims.outcome import Outcome, deciding, overall
from finetone.claims.schema import SCHEMA
from finetone.errors import UserError
from finetone.formats.csv_table import write_csv
from finetone.published.reading import read_csv, read_yaml

BECAUSE = "-because"
"""Ending of the id of a separate verdict on the reason that a claim gives."""


@dataclass(frozen=True)
class Verdict:
    """A claim and its verdict; effect, interval, seeds and rows are those of the deciding test."""

    id: str
    claim: str
    where: str
    kind: str
    verdict: str
    effect: float
    low: float
    high: float
    unit: str
    seeds: int
    rows: int
    explanation: str


def write_claims(
    claims_yaml: Path,
    tables: Path,
    groups: dict[str, dict[str, Any]],
    source: str,
    target: Path,
    confidence: float,
) -> None:
    """Judge claims by our tables; write claims.csv.

    Parameters
    ----------
    claims_yaml
        The claims; without such a file the table has no rows.
    tables
        Folder of our tables.
    groups
        Group facts of every configured method.
    source
        Name of the source dataset.
    target
        The CSV file to write.
    confidence
        Confidence level of the intervals, in (0, 1).

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
    check_methods(claims, known | set(groups), claims_yaml)
    verdicts = evaluate_claims(claims, read_facts(tables, groups, source, confidence))
    columns = [field.name for field in fields(Verdict)]
    write_csv(pd.DataFrame([astuple(v) for v in verdicts], columns=columns), target)


def read_claims(path: Path) -> list[dict[str, Any]]:
    """Read and validate a file of claims.

    Raises
    ------
    UserError
        It violates the schema, has an id twice, or a range whose min is above its max.
    """
    claims: list[dict[str, Any]] = read_yaml(path, SCHEMA)["claims"]
    seen: set[str] = set()
    for claim in claims:
        if claim["id"] in seen:
            raise UserError(f"{path}: claim id {claim['id']!r} is used twice; rename one")
        seen.add(claim["id"])
        for test in all_tests(claim):
            expect = test.get("expect", {})
            if expect.get("min", -inf) > expect.get("max", inf):
                raise UserError(
                    f"{path}: claim {claim['id']}: expect: min {expect['min']} is above "
                    f"max {expect['max']}; give the smaller one first"
                )
    return claims


def all_tests(claim: dict[str, Any]) -> list[dict[str, Any]]:
    """All tests of a claim, including those of its reason."""
    return [*claim["tests"], *claim.get("because", {}).get("tests", [])]


def check_methods(claims: list[dict[str, Any]], known: set[str], path: Path) -> None:
    """Refuse claims about unknown methods.

    Parameters
    ----------
    claims
        As `read_claims` returns them.
    known
        Configured and published methods.
    path
        The file of the claims, for the message.

    Raises
    ------
    UserError
        A method is in none of them.
    """
    for claim in claims:
        for test in all_tests(claim):
            terms = [test.get(key, {}) for key in ("a", "b", "over", "among", "each")]
            for term in [*terms, *test.get("order", [])]:
                named = [*term.get("methods", []), *([term["method"]] if "method" in term else [])]
                for method in named:
                    if method not in known and not (method == "each" and "each" in test):
                        raise UserError(
                            f"{path}: claim {claim['id']}: no method {method!r} in the config or "
                            "the published table; correct the name"
                        )


def evaluate_claims(claims: list[dict[str, Any]], facts: Facts) -> list[Verdict]:
    """One verdict per claim, each followed by one for the reason it gives, if any."""
    verdicts = []
    for claim in claims:
        verdicts.append(
            _verdict(claim["id"], claim["claim"], claim["where"], claim["tests"], facts)
        )
        if reason := claim.get("because"):
            identity = claim["id"] + BECAUSE
            verdicts.append(
                _verdict(identity, reason["claim"], claim["where"], reason["tests"], facts)
            )
    return verdicts


def _verdict(
    identity: str, claim: str, where: str, tests: list[dict[str, Any]], facts: Facts
) -> Verdict:
    outcomes: list[Outcome] = [outcome for test in tests for outcome in evaluate(test, facts)]
    decisive = deciding(outcomes)
    return Verdict(
        id=identity,
        claim=claim,
        where=where,
        kind=" + ".join(dict.fromkeys(test["kind"] for test in tests)),
        verdict=overall(outcomes),
        effect=decisive.effect,
        low=decisive.low,
        high=decisive.high,
        unit=decisive.unit,
        seeds=decisive.seeds,
        rows=decisive.rows,
        explanation="; ".join(f"{o.verdict}: {o.explanation}" for o in outcomes),
    )
