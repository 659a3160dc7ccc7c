"""claims.yaml: the claims of a published experiment, stated as data."""

from math import inf
from pathlib import Path
from typing import Any

from finetone.claims.schema import SCHEMA
from finetone.errors import UserError
from finetone.published.reading import read_yaml


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
                named = [*term.get("methods", []), *term.get("except", [])]
                named += [term["method"]] if "method" in term else []
                for method in named:
                    if method not in known and not (method == "each" and "each" in test):
                        raise UserError(
                            f"{path}: claim {claim['id']}: no method {method!r} in the config or "
                            "the published table; correct the name"
                        )
