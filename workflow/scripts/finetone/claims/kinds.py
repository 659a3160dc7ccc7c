"""The kinds of tests that a claim can consist of, as single comparisons of a number and a range.

A test (`claims.schema`) is first taken apart: `each`, `ordering` and `ranking` are several
comparisons. Each is of one of four kinds, and has one estimate.
"""

from collections.abc import Callable, Mapping
from math import inf, isnan, nan
from typing import Any

import numpy as np
import pandas as pd

from finetone.claims.estimate import (
    Correlation,
    Estimate,
    Exact,
    Missing,
    Ratio,
    combine,
    error_of,
)
from finetone.claims.facts import Facts, select
from finetone.claims.outcome import POWER, Outcome
from finetone.claims.schema import CURVES, RUN_METRICS
from finetone.seeds import derive
from finetone.statistics.correlation import LEAST_MODELS, bootstrap, spearman

RESAMPLES = 10_000
SPEARMAN = 1.03  # how much less certain its Fisher transformation is than Pearson's (Fieller 1957)
_UNITS = {
    "loss": "nats",
    "seconds_per_32": "s",
    "train_seconds": "s",
    "ms_per_million_parameters": "ms",
    "peak_memory_bytes": "bytes",
    "flops_per_token": "FLOPs",
    "examples_to_target": "examples",
}
Test = dict[str, Any]


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
            raise Missing("other methods to rank among")
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


def estimate(test: Test, facts: Facts) -> tuple[Estimate, str]:
    """The number that a comparison is about, and its name for a sentence.

    Raises
    ------
    Missing
        It is not known, or cannot be tested at all.
    """
    return _KINDS[test["kind"]](test, facts)


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
        Factor on the width of a range with two ends.
    claimed
        The published value, which says how far from a single edge the truth would be.
    """
    try:
        found, name = estimate(test, facts)
    except Missing as missing:
        return Outcome(str(missing) if test["kind"] == "untestable" else f"missing: {missing}")
    least, most = _ends(test["expect"], tolerance)
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
    margin, detectable = nan, nan
    if level is not None and not found.exact:
        margin, detectable = _power(found, least, most, level, claimed)
    return Outcome(
        _sentence(test, found, name, low, high, (least, most)),
        found.value,
        low,
        high,
        _unit(test),
        found.seeds,
        found.rows,
        supported,
        contradicted,
        found.exact,
        margin,
        detectable,
    )


def _ends(expect: Mapping[str, float], tolerance: float) -> tuple[float, float]:
    least, most = expect.get("min", -inf), expect.get("max", inf)
    if len(expect) == 2:
        centre, half = (least + most) / 2, (most - least) / 2 * tolerance
        return centre - half, centre + half
    return least, most


def _power(
    found: Estimate, least: float, most: float, level: float, claimed: float
) -> tuple[float, float]:
    """(margin, detectable), as a reader wants them.

    In the middle of a range both edges must be excluded, so each may be missed half as often.
    """
    both = most - least < inf
    detectable = found.reach(level, 1 - (1 - POWER) / 2 if both else POWER)
    if both:
        return found.shown(found.width(least, most)), found.shown(detectable)
    edge = least if least > -inf else most
    inside = least <= claimed <= most  # False for NaN
    margin = found.width(*sorted((claimed, edge))) * 2 if inside else nan
    return found.shown(margin), found.shown(detectable)


def _value(test: Test, facts: Facts) -> tuple[Estimate, str]:
    return _side(test, "a", facts)


def _difference(test: Test, facts: Facts) -> tuple[Estimate, str]:
    (a, name_a), (b, name_b) = _side(test, "a", facts), _side(test, "b", facts)
    found = _weighted(test, facts, 1.0, -1.0) or combine([a, b], [1, -1])
    return found, f"{name_a} minus {name_b}"


def _ratio(test: Test, facts: Facts) -> tuple[Estimate, str]:
    """Ratio a / b; its errors are those of a/A - b/B, where A and B are the values (delta method)."""
    (a, name_a), (b, name_b) = _side(test, "a", facts), _side(test, "b", facts)
    if a.value <= 0 or b.value <= 0:
        raise Missing(f"positive values: {name_a} = {a.value:g}, {name_b} = {b.value:g}")
    value, name = a.value / b.value, f"{name_a} over {name_b}"
    if a.exact and b.exact:
        return Exact(value), name
    weights = 1 / a.value, -1 / b.value
    found = _weighted(test, facts, *weights) or combine([a, b], weights)
    return (
        Ratio(value, found.errors, found.design, found.seeds, found.rows, found.unknown),
        name,
    )


def _weighted(test: Test, facts: Facts, of_a: float, of_b: float) -> Estimate | None:
    """Sum of both sides with their errors paired, if they are about the same metric."""
    a, b = _term(test, "a"), _term(test, "b")
    if a["metric"] != b["metric"]:
        return None
    terms: dict[tuple[str, Any, Any], float] = {}
    for term, weight in ((a, of_a), (b, of_b)):
        methods = select(facts.groups, term)
        for method in methods:
            key = (method, term["epoch"], term["dataset"])
            terms[key] = terms.get(key, 0.0) + weight / len(methods)
    return facts.estimate(a["metric"], terms)


def _correlation(test: Test, facts: Facts) -> tuple[Estimate, str]:
    """Spearman's rank correlation over methods (`epoch: all`: over methods and epochs).

    The interval draws methods again, because such a claim generalises over methods.
    """
    points = []
    for method in select(facts.groups, test["over"]):
        epochs = facts.epochs(method) if test.get("epoch") == "all" else [test.get("epoch", "kept")]
        for epoch in epochs:
            term = {(method, epoch, test.get("dataset")): 1.0}
            try:
                a, b = (facts.estimate(test[axis], term) for axis in "xy")
            except Missing:
                continue  # a model that was left out says nothing about the others
            points.append((method, a.value, b.value, max(a.seeds, b.seeds), max(a.rows, b.rows)))
    table = pd.DataFrame(points, columns=["method", "x", "y", "seeds", "rows"])
    models = table["method"].nunique()
    if models < LEAST_MODELS:
        raise Missing(f"{LEAST_MODELS} models to correlate ({models} have both numbers)")
    x, y = table["x"].to_numpy(float), table["y"].to_numpy(float)
    of_model, _ = pd.factorize(table["method"])
    rho = float(spearman(x, y, np.ones(len(x))))
    draws = bootstrap(x, y, of_model, spearman, RESAMPLES, derive(0, test["x"], test["y"]))
    if np.isnan(rho) or not len(draws):
        raise Missing(f"{test['x']} and {test['y']} that differ between models")
    fisher = error_of(SPEARMAN**2 / (models - 3))
    facts_of = int(table["seeds"].max()), int(table["rows"].max())
    found = Correlation(rho, fisher, fisher, *facts_of, draws=tuple(np.sort(draws)))
    name = f"rank correlation of {test['x']} and {test['y']}, {len(x)} points of {models} models"
    return found, name


def _untestable(test: Test, facts: Facts) -> tuple[Estimate, str]:
    raise Missing(test["reason"])


def _term(test: Test, side: str) -> Test:
    """A term, completed with the test's own metric, epoch and dataset."""
    defaults = {"metric": test["metric"], "epoch": "kept", "dataset": None}
    shared = {key: test[key] for key in ("epoch", "dataset") if key in test}
    return {**defaults, **shared, **test[side]}


def _side(test: Test, side: str, facts: Facts) -> tuple[Estimate, str]:
    """Mean of a term over its methods, and its name for a sentence."""
    term = _term(test, side)
    methods = select(facts.groups, term)
    share = 1 / len(methods)
    terms = {(method, term["epoch"], term["dataset"]): share for method in methods}
    place = "" if term["epoch"] == "kept" else f" in epoch {term['epoch']}"
    place += f" on {term['dataset']}" if term["dataset"] else ""
    name = methods[0] if len(methods) == 1 else f"mean of {', '.join(methods)}"
    named = f"{term['metric'].removeprefix('group.')} of {name}{place}"
    return facts.estimate(term["metric"], terms), named


def _unit(test: Test) -> str:
    if test["kind"] in ("ratio", "correlation"):
        return {"ratio": "ratio", "correlation": "rho"}[test["kind"]]
    metric = test["metric"]
    known = metric in (*RUN_METRICS, *CURVES) or metric in ("drop", "unknown_rate", "truncated")
    return _UNITS.get(metric, "fraction" if known else "")


def _sentence(
    test: Test, found: Estimate, name: str, low: float, high: float, ends: tuple[float, float]
) -> str:
    least, most = ends
    if test.get("strict"):
        expected = f"above {least:g}"
    elif most - least < inf:
        expected = f"{least:.4g} to {most:.4g}"
    else:
        expected = f"at least {least:g}" if least > -inf else f"at most {most:g}"
    if found.exact:
        return f"{name}: {found.value:.4g} (exact; expected {expected})"
    known = f"{low:.4g} to {high:.4g}" if not isnan(low) else "no interval"
    why = f"; {found.unknown}" if found.unknown else ""
    return f"{name}: {found.value:.4g} ({known}; expected {expected}{why})"


_KINDS: dict[str, Callable[[Test, Facts], tuple[Estimate, str]]] = {
    "value": _value,
    "difference": _difference,
    "ratio": _ratio,
    "correlation": _correlation,
    "untestable": _untestable,
}
