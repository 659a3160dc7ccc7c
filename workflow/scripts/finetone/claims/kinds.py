"""The kinds of tests that a claim can consist of.

Each takes a test (`claims.schema`) and the facts, and returns one Outcome; missing data is
undecided.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import exp, isnan, log, nan
from typing import Any

import pandas as pd

from finetone.claims.estimate import Estimate, Missing, combine
from finetone.claims.facts import Facts
from finetone.claims.outcome import CONTRADICTED, SUPPORTED, UNDECIDED, Outcome, judge, overall
from finetone.claims.schema import RUN_METRICS
from finetone.tables.correlation_table import LEAST_MODELS, spearman
from finetone.tables.correlation_table import estimate as correlate

RESAMPLES = 2000
_UNITS = {
    "loss": "nats",
    "seconds_per_32": "s",
    "train_seconds": "s",
    "ms_per_million_parameters": "ms",
    "peak_memory_bytes": "bytes",
    "flops_per_token": "FLOPs",
}
Test = dict[str, Any]
Kind = Callable[[Test, Facts], Outcome]


def evaluate(test: Test, facts: Facts) -> list[Outcome]:
    """Run one test of a claim; missing data makes it undecided.

    Parameters
    ----------
    test
        As in claims.yaml (`schema.KINDS`).
    facts
        Our tables.

    Returns
    -------
    list of Outcome
        One, or one per method of `each`.
    """
    try:
        methods = facts.select(test["each"]) if "each" in test else [None]
    except Missing as missing:
        return [_missing(test, missing)]
    return [_attempt(_KINDS[test["kind"]], _instance(test, method), facts) for method in methods]


def _attempt(kind: Kind, test: Test, facts: Facts) -> Outcome:
    try:
        return kind(test, facts)
    except Missing as missing:
        return _missing(test, missing)


def _missing(test: Test, missing: Missing) -> Outcome:
    return Outcome(test["kind"], UNDECIDED, explanation=f"missing: {missing}")


def _instance(test: Test, method: str | None) -> Test:
    """The test with `method: each` replaced by one method."""

    def fill(term: Any) -> Any:
        return {**term, "method": method} if term.get("method") == "each" else term

    if method is None:
        return test
    return {key: fill(value) if key in ("a", "b") else value for key, value in test.items()}


def _value(test: Test, facts: Facts) -> Outcome:
    estimate, name = _side(test, "a", facts)
    low, high = estimate.interval(facts.confidence)
    return _outcome(test, estimate, low, high, _unit(test), name)


def _difference(test: Test, facts: Facts) -> Outcome:
    (a, name_a), (b, name_b) = _side(test, "a", facts), _side(test, "b", facts)
    estimate = combine([a, b], [1, -1])
    low, high = estimate.interval(facts.confidence)
    how = ""
    if pair := _paired(test, facts):
        value, low, high = pair
        estimate, how = Estimate(value, 0, seeds=estimate.seeds, rows=estimate.rows), ", paired"
    name = f"{name_a} minus {name_b}{how}"
    return _outcome(test, estimate, low, high, _unit(test), name)


def _paired(test: Test, facts: Facts) -> tuple[float, float, float] | None:
    """Paired interval of the accuracies of two single methods on one dataset, if there is one."""
    a, b = _term(test, "a"), _term(test, "b")
    same = a["metric"] == b["metric"] == "accuracy" and a["epoch"] == b["epoch"] == "kept"
    if same and a["dataset"] == b["dataset"] and "method" in a and "method" in b:
        return facts.paired(a["method"], b["method"], a["dataset"])
    return None


def _ratio(test: Test, facts: Facts) -> Outcome:
    """Ratio a / b; the interval is formed on the logarithm (delta method)."""
    (a, name_a), (b, name_b) = _side(test, "a", facts), _side(test, "b", facts)
    if a.value <= 0 or b.value <= 0:
        raise Missing(f"positive values: {name_a} = {a.value:g}, {name_b} = {b.value:g}")
    logs = [Estimate(log(e.value), e.variance / e.value**2, e.df, e.seeds, e.rows) for e in (a, b)]
    difference = combine(logs, [1, -1])
    low, high = (exp(end) for end in difference.interval(facts.confidence))
    estimate = Estimate(a.value / b.value, nan, seeds=difference.seeds, rows=difference.rows)
    return _outcome(test, estimate, low, high, "ratio", f"{name_a} over {name_b}")


def _correlation(test: Test, facts: Facts) -> Outcome:
    """Spearman's rank correlation over methods (`epoch: all`: over methods and epochs).

    The interval resamples methods, because such a claim generalises over methods.
    """
    points = []
    for method in facts.select(test["over"]):
        epochs = facts.epochs(method) if test.get("epoch") == "all" else [test.get("epoch", "kept")]
        for epoch in epochs:
            x, y = (facts.estimate(test[axis], method, epoch, test.get("dataset")) for axis in "xy")
            points.append((method, x.value, y.value, max(x.seeds, y.seeds), max(x.rows, y.rows)))
    # the column names that `correlate` reads
    table = pd.DataFrame(points, columns=["method", "loss", "accuracy", "seeds", "rows"])
    if table["method"].nunique() < LEAST_MODELS:
        raise Missing(f"at least {LEAST_MODELS} methods to correlate")
    rho, low, high = correlate(table, spearman, facts.confidence, RESAMPLES, seed=0)
    estimate = Estimate(rho, nan, seeds=int(table["seeds"].max()), rows=int(table["rows"].max()))
    name = f"rank correlation of {test['x']} and {test['y']} over {len(table)} points"
    return _outcome(test, estimate, low, high, "rho", name)


def _ordering(test: Test, facts: Facts) -> Outcome:
    """Every term above the next: the metric falls along `order`."""
    pairs = zip(test["order"], test["order"][1:], strict=False)
    return _all(test, [_attempt(_above, {**test, "a": a, "b": b}, facts) for a, b in pairs])


def _ranking(test: Test, facts: Facts) -> Outcome:
    """One method above (below) every other of `among`."""
    top = test["place"] == "highest"
    own = facts.select(test["a"])
    others = [{"method": m} for m in facts.select(test["among"]) if m not in own]
    if not others:
        raise Missing("other methods to rank among")
    pairs = [(test["a"], other) if top else (other, test["a"]) for other in others]
    return _all(test, [_attempt(_above, {**test, "a": a, "b": b}, facts) for a, b in pairs])


def _above(test: Test, facts: Facts) -> Outcome:
    """Test that a is strictly above b."""
    outcome = _difference({**test, "expect": {"min": 0}}, facts)
    if outcome.high <= 0:
        return replace(outcome, verdict=CONTRADICTED)
    return replace(outcome, verdict=SUPPORTED if outcome.low > 0 else UNDECIDED)


def _all(test: Test, outcomes: Sequence[Outcome]) -> Outcome:
    """The test as a whole: of the outcomes with its verdict, the one furthest from passing."""
    verdict = overall(outcomes)
    closest = min((o for o in outcomes if o.verdict == verdict), key=lambda o: o.low)
    count = "" if len(outcomes) == 1 else f"{len(outcomes)} comparisons, the hardest to pass: "
    explanation = count + closest.explanation
    return replace(closest, kind=test["kind"], verdict=verdict, explanation=explanation)


def _untestable(test: Test, facts: Facts) -> Outcome:
    return Outcome("untestable", UNDECIDED, explanation=test["reason"])


def _term(test: Test, side: str) -> Test:
    """A term, completed with the test's own metric, epoch and dataset."""
    defaults = {"metric": test["metric"], "epoch": "kept", "dataset": None}
    shared = {key: test[key] for key in ("epoch", "dataset") if key in test}
    return {**defaults, **shared, **test[side]}


def _side(test: Test, side: str, facts: Facts) -> tuple[Estimate, str]:
    """Mean of a term over its methods, and its name for a sentence."""
    term = _term(test, side)
    methods = facts.select(term)
    estimates = [facts.estimate(term["metric"], m, term["epoch"], term["dataset"]) for m in methods]
    mean = combine(estimates, [1 / len(methods)] * len(methods))
    place = "" if term["epoch"] == "kept" else f" in epoch {term['epoch']}"
    place += f" on {term['dataset']}" if term["dataset"] else ""
    name = methods[0] if len(methods) == 1 else f"mean of {', '.join(methods)}"
    return mean, f"{term['metric'].removeprefix('group.')} of {name}{place}"


def _unit(test: Test) -> str:
    metric = test["metric"]
    known = metric in RUN_METRICS or metric in ("drop", "unknown_rate", "truncated")
    return _UNITS.get(metric, "fraction" if known else "")


def _outcome(
    test: Test, estimate: Estimate, low: float, high: float, unit: str, name: str
) -> Outcome:
    expect = test["expect"]
    verdict = judge(low, high, expect)
    ends = "no interval from a single seed" if isnan(low) else f"{low:.4g} to {high:.4g}"
    sentence = f"{name}: {estimate.value:.4g} ({ends}; expected {_range(expect)})"
    return Outcome(
        test["kind"],
        verdict,
        estimate.value,
        low,
        high,
        unit,
        estimate.seeds,
        estimate.rows,
        sentence,
    )


def _range(expect: dict[str, float]) -> str:
    if len(expect) == 2:
        return f"{expect['min']:g} to {expect['max']:g}"
    return f"at least {expect['min']:g}" if "min" in expect else f"at most {expect['max']:g}"


_KINDS: dict[str, Kind] = {
    "value": _value,
    "difference": _difference,
    "ratio": _ratio,
    "correlation": _correlation,
    "ordering": _ordering,
    "ranking": _ranking,
    "untestable": _untestable,
}
