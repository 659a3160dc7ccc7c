"""A test of a claim as single comparisons, each of a number with the range that is expected of it.

`each`, `ordering` and `ranking` are several comparisons; the others are one.
"""

from collections.abc import Mapping
from math import atanh, inf, isnan, nan, sqrt, tanh
from typing import Any

import numpy as np
from scipy.stats import norm

from finetone.claims.estimate import Estimate, Missing
from finetone.claims.facts import CURVES, RUN_METRICS, Facts, select
from finetone.claims.kinds import Test, estimate
from finetone.claims.outcome import POWER, Outcome
from finetone.claims.phrases import NOTHING, Phrase, number, phrase, unit_of

_UNITS = {
    "loss": "nats",
    "seconds_per_32": "s",
    "train_seconds": "s",
    "ms_per_million_parameters": "ms",
    "peak_memory_bytes": "bytes",
    "flops_per_token": "FLOPs",
    "examples_to_target": "examples",
}
_NO_EFFECT = {"difference": 0.0, "ratio": 1.0, "correlation": 0.0}
_STRONGEST = 1 - 1e-9  # correlation that has a Fisher transformation


def comparisons(test: Test, facts: Facts) -> list[Test]:
    """Take a test apart; `strict` ones exclude the edges of the expected range.

    Raises
    ------
    Missing
        A selection has no method.
    """
    if "each" in test:
        return [
            part
            for method in select(facts.groups, test["each"])
            for part in comparisons(_instance(test, method), facts)
        ]
    if test["kind"] == "ordering":
        return [_above(test, a, b) for a, b in zip(test["order"], test["order"][1:], strict=False)]
    if test["kind"] == "ranking":
        own = select(facts.groups, test["a"])
        others = [m for m in select(facts.groups, test["among"]) if m not in own]
        if not others:
            raise Missing(phrase("no_others"))
        top = test["place"] == "highest"
        sides = [(test["a"], {"method": m}) for m in others]
        return [_above(test, *(side if top else side[::-1])) for side in sides]
    return [test]


def _instance(test: Test, method: str) -> Test:
    """The test with `method: each` replaced by one method."""

    def fill(term: Any) -> Any:
        return {**term, "method": method} if term.get("method") == "each" else term

    found = {key: fill(value) if key in ("a", "b") else value for key, value in test.items()}
    del found["each"]
    found.pop("share", None)
    return found


def _above(test: Test, a: Test, b: Test) -> Test:
    shared: Test = {k: test[k] for k in ("metric", "epoch", "dataset") if k in test}
    return {"kind": "difference", "a": a, "b": b, "expect": {"min": 0}, "strict": True, **shared}


def outcome(
    test: Test,
    facts: Facts,
    confidence: float,
    level: float | None = None,
    tolerance: float = 1.0,
    claimed: float = nan,
) -> Outcome:
    """Compare a number with its expected range; missing data decides nothing.

    Parameters
    ----------
    test
        One of `comparisons`.
    facts
        What it is tested by.
    confidence
        Of the interval that is shown, in (0, 1).
    level
        Of the test whose reach is asked for; without, it is left out.
    tolerance
        Factor on what is expected (`expected_range`).
    claimed
        The published value, which says how far from a single edge the truth would be.
    """
    try:
        found, name = estimate(test, facts)
    except Missing as missing:
        untestable = test["kind"] == "untestable"
        return Outcome(missing.what if untestable else phrase("missing", what=missing.what))
    least, most = expected_range(test, tolerance)
    strict = test.get("strict", False)
    inside = least < found.value < most if strict else least <= found.value <= most
    edges = [edge for edge in (least, most) if abs(edge) < inf]
    violated = [e for e in edges if not inside and (found.value <= least) == (e == least)]
    if found.exact:
        supported, contradicted = 1.0 - inside, float(inside)
    elif inside:
        supported, contradicted = float(np.max([found.p(edge) for edge in edges])), 1.0
        contradicted = nan if isnan(supported) else contradicted
    else:
        contradicted = found.p(violated[0])
        supported = nan if isnan(contradicted) else 1.0
    low, high = found.interval(confidence)
    power: dict[str, float] = {}
    if level is not None and not found.exact:
        power = _power(found, least, most, level, claimed)
    return Outcome(
        _sentence(test, found, name, low, high, (least, most), _turned(test, found, edges)),
        found.value,
        low,
        high,
        _unit(test),
        found.seeds,
        found.rows,
        supported,
        contradicted,
        found.exact,
        unknown=found.unknown,
        **power,
    )


def expected_range(test: Test, tolerance: float = 1.0) -> tuple[float, float]:
    """(least, most) that a test expects.

    Parameters
    ----------
    test
        One with `expect`.
    tolerance
        Factor on the width of a range with two ends; with one end, on its distance from no effect
        (a difference or a correlation of 0, a ratio of 1). Ratios of one end are scaled by their
        logarithm, correlations by Fisher's transformation, so that neither leaves its bounds.
    """
    expect: Mapping[str, float] = test["expect"]
    ends = expect.get("min", -inf), expect.get("max", inf)
    kind = test["kind"]
    if tolerance == 1.0 or (len(expect) < 2 and kind not in _NO_EFFECT):
        return ends
    if kind == "correlation":
        least, most = (atanh(max(-_STRONGEST, min(_STRONGEST, end))) for end in ends)
        of_one = [tanh(tolerance * end) for end in (least, most)]
        if len(expect) < 2:
            return (of_one[0], inf) if "min" in expect else (-inf, of_one[1])
        centre, half = (least + most) / 2, (most - least) / 2 * tolerance
        return tanh(centre - half), tanh(centre + half)
    least, most = ends
    if len(expect) == 2:
        centre, half = (least + most) / 2, (most - least) / 2 * tolerance
        return centre - half, centre + half
    if kind == "ratio":
        return tuple(end**tolerance if end > 0 else end for end in ends)  # type: ignore[return-value]
    return least * tolerance, most * tolerance


def has_tolerance(test: Test) -> bool:
    """Whether another tolerance would expect something else."""
    return "expect" in test and expected_range(test, 2.0) != expected_range(test)


def _turned(test: Test, found: Estimate, edges: list[float]) -> Phrase:
    """How often one run of each method would show the other sign, by chance alone."""
    if test["kind"] != "difference" or test["metric"] not in RUN_METRICS or edges != [0]:
        return NOTHING
    rows, seeds = float(found.errors.rows[0]), float(found.errors.seeds[0])
    if found.exact or found.unknown or not found.seeds or not rows + seeds > 0:
        return NOTHING
    share = norm.cdf(-abs(found.value) / sqrt(rows + seeds * found.seeds))
    return phrase("turned", share=f"{100 * share:.0f}" if share >= 0.005 else "< 1")


def _power(
    found: Estimate, least: float, most: float, level: float, claimed: float
) -> dict[str, float]:
    """`margin`, `detectable` and what is `needed`, as `Outcome` has them.

    In the middle of a range both edges must be excluded, so each may be missed half as often.
    """
    both = most - least < inf
    reach = found.reach(level, 1 - (1 - POWER) / 2 if both else POWER)
    if both:
        margin = found.width(least, most)
    else:
        edge = least if least > -inf else most
        inside = least <= claimed <= most  # False for NaN
        margin = found.width(*sorted((claimed, edge))) * 2 if inside else nan
    seeds, rows = found.needed(margin / reach) if 0 < margin < reach else (nan, nan)
    shown = {"margin": found.shown(margin), "detectable": found.shown(reach)}
    return {**shown, "seeds_needed": seeds, "rows_needed": rows}


def _unit(test: Test) -> str:
    if test["kind"] in ("ratio", "correlation"):
        return {"ratio": "ratio", "correlation": "rho"}[test["kind"]]
    metric = test["metric"]
    shares = ("drop", "vocabulary_coverage", "unknown_rate", "truncated")
    known = metric in (*RUN_METRICS, *CURVES, *shares)
    return _UNITS.get(metric, "fraction" if known else "")


def _sentence(
    test: Test,
    found: Estimate,
    name: Phrase,
    low: float,
    high: float,
    ends: tuple[float, float],
    turned: Phrase,
) -> Phrase:
    unit = _unit(test)
    if unit == "fraction":
        of_two = test["kind"] == "difference" or test["metric"] == "drop"
        unit = "points" if of_two else "%"
    least, most = (number(end, unit) for end in ends)
    if test.get("strict"):
        expected = phrase("above", least=least)
    elif ends[1] - ends[0] < inf:
        expected = phrase("between", least=least, most=most)
    else:
        over = ends[0] > -inf
        expected = phrase("at_least", least=least) if over else phrase("at_most", most=most)
    facts = {"name": name, "value": number(found.value, unit), "unit": unit_of(unit)}
    if found.exact:
        return phrase("exact", expected=expected, **facts)
    known = phrase("no_interval")
    if not isnan(low):
        known = phrase("interval", low=number(low, unit), high=number(high, unit))
    why = phrase("why", unknown=found.unknown) if found.unknown else NOTHING
    return phrase("found", known=known, expected=expected, why=why, turned=turned, **facts)
