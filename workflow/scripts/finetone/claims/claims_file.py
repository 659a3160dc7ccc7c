"""claims.yaml: the claims of a published experiment, stated as data; a test is of one of seven kinds.

docs/published-table.md says what each kind means.
"""

from math import inf
from pathlib import Path
from typing import Any

from finetone.claims.facts import METRICS
from finetone.errors import UserError
from finetone.published.reading import read_yaml

_TEXT = {"type": "string", "minLength": 1}
_SENTENCE = {
    "anyOf": [
        _TEXT,
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["en", "zh"],
            "properties": {"en": _TEXT, "zh": _TEXT},
        },
    ]
}
"""In English, or in English and Chinese."""
_METRIC = {
    "anyOf": [{"enum": list(METRICS)}, {"type": "string", "pattern": "^group\\.[A-Za-z_]+$"}]
}
_EPOCH = {"anyOf": [{"const": "kept"}, {"type": "integer", "minimum": 1}]}
_SELECTION = {
    "method": _TEXT,
    "methods": {"type": "array", "items": _TEXT, "minItems": 1, "uniqueItems": True},
    "group": {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {"type": ["string", "number", "boolean"]},
    },
}
_ONE_SELECTION = [{"required": [name]} for name in _SELECTION]
_SELECTION["except"] = {"type": "array", "items": _TEXT, "minItems": 1, "uniqueItems": True}
_SELECTOR: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": _SELECTION,
    "oneOf": _ONE_SELECTION,
}
_TERM = {
    **_SELECTOR,
    "properties": {**_SELECTION, "metric": _METRIC, "epoch": _EPOCH, "dataset": _TEXT},
}
_EXPECT = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {"min": {"type": "number"}, "max": {"type": "number"}},
}
_SHARE = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
_SHARED = {"share": _SHARE, "metric": _METRIC, "epoch": _EPOCH, "dataset": _TEXT, "each": _SELECTOR}


def _kind(name: str, **properties: Any) -> dict[str, Any]:
    """A test of one kind: it requires `properties` and may have the shared ones."""
    return {
        "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
        "then": {
            "additionalProperties": False,
            "required": list(properties),
            "dependentRequired": {"share": ["each"]},
            "properties": {"kind": True, **_SHARED, **properties},
        },
    }


KINDS = {
    "value": _kind("value", a=_TERM, metric=_METRIC, expect=_EXPECT),
    "difference": _kind("difference", a=_TERM, b=_TERM, metric=_METRIC, expect=_EXPECT),
    "ratio": _kind("ratio", a=_TERM, b=_TERM, metric=_METRIC, expect=_EXPECT),
    "correlation": _kind("correlation", x=_METRIC, y=_METRIC, over=_SELECTOR, expect=_EXPECT),
    "ordering": _kind(
        "ordering", metric=_METRIC, order={"type": "array", "items": _TERM, "minItems": 2}
    ),
    "ranking": _kind(
        "ranking", metric=_METRIC, a=_TERM, among=_SELECTOR, place={"enum": ["highest", "lowest"]}
    ),
    "untestable": _kind("untestable", reason=_SENTENCE),
}
_CORRELATION = KINDS["correlation"]["then"]["properties"]
_CORRELATION["epoch"] = {"anyOf": [*_EPOCH["anyOf"], {"const": "all"}]}

_TESTS = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(KINDS)}},
        "allOf": list(KINDS.values()),
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["claims"],
    "properties": {
        "claims": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id", "claim", "where", "tests"],
                "properties": {
                    "id": {"type": "string", "pattern": "^[A-Za-z0-9._-]+$"},
                    "claim": _SENTENCE,
                    "where": _TEXT,
                    "reading": _SENTENCE,
                    "note": _SENTENCE,
                    "tests": _TESTS,
                    "because": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["claim", "tests"],
                        "properties": dict.fromkeys(("claim", "reading", "note"), _SENTENCE)
                        | {"tests": _TESTS},
                    },
                },
            },
        }
    },
}


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
