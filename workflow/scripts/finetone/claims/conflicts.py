"""Claims that cannot all be true: the same number, expected in ranges that do not overlap."""

import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from math import inf

from finetone.claims.comparisons import comparisons
from finetone.claims.estimate import Missing
from finetone.claims.facts import Facts
from finetone.claims.kinds import Test


def conflicts(claims: Mapping[str, Sequence[Test]], facts: Facts) -> dict[str, list[str]]:
    """Find the claims that each claim contradicts.

    Ranges that share no more than an edge do not overlap. Where only a share of the methods must be
    so, two claims conflict if more methods than there are would be needed for both.

    Parameters
    ----------
    claims
        Tests by the claim's id.
    facts
        Whose methods they are about.

    Returns
    -------
    dict
        {id: ids}.
    """
    found: dict[str, list[str]] = {name: [] for name in claims}
    ranges = {name: [_ranges(test, facts) for test in tests] for name, tests in claims.items()}
    for one, other in combinations(claims, 2):
        if any(
            _disjoint(claims[one][i], a, claims[other][j], b)
            for i, a in enumerate(ranges[one])
            for j, b in enumerate(ranges[other])
        ):
            found[one].append(other)
            found[other].append(one)
    return found


def _ranges(test: Test, facts: Facts) -> dict[str, tuple[float, float]]:
    """{what is compared: the expected range}; differences are turned to one order."""
    found = {}
    try:
        parts = comparisons(test, facts)
    except Missing:
        parts = []
    for part in parts:
        if "expect" not in part:
            continue
        low, high = part["expect"].get("min", -inf), part["expect"].get("max", inf)
        rest = {k: v for k, v in part.items() if k not in ("expect", "strict", "share")}
        if part["kind"] == "difference" and str(part["a"]) > str(part["b"]):
            rest |= {"a": part["b"], "b": part["a"]}
            low, high = -high, -low
        found[json.dumps(rest, sort_keys=True)] = (low, high)
    return found


def _disjoint(
    a: Test,
    ranges_a: Mapping[str, tuple[float, float]],
    b: Test,
    ranges_b: Mapping[str, tuple[float, float]],
) -> bool:
    shared = set(ranges_a) & set(ranges_b)
    apart = [
        key
        for key in shared
        if min(ranges_a[key][1], ranges_b[key][1]) <= max(ranges_a[key][0], ranges_b[key][0])
        and ranges_a[key] != ranges_b[key]
    ]
    slack = sum(len(r) * (1 - t.get("share", 1.0)) for t, r in ((a, ranges_a), (b, ranges_b)))
    return len(apart) > slack
