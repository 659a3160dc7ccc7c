"""The number that a comparison is about, for each kind of test (`claims_file`)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from finetone.claims.estimate import Correlation, Estimate, Exact, Missing, Ratio, combine, error_of
from finetone.claims.facts import Facts, select
from finetone.claims.phrases import Phrase, given, metric, phrase, place
from finetone.seeds import derive
from finetone.statistics.correlation import LEAST_MODELS, bootstrap, spearman

RESAMPLES = 10_000
SPEARMAN = 1.03  # how much less certain its Fisher transformation is than Pearson's (Fieller 1957)
Test = dict[str, Any]


def estimate(test: Test, facts: Facts) -> tuple[Estimate, Phrase]:
    """The number that a comparison is about, and its name for a sentence.

    Raises
    ------
    Missing
        It is not known, or cannot be tested at all.
    """
    return _KINDS[test["kind"]](test, facts)


def _value(test: Test, facts: Facts) -> tuple[Estimate, Phrase]:
    return _side(test, "a", facts)


def _difference(test: Test, facts: Facts) -> tuple[Estimate, Phrase]:
    (a, _), (b, _) = _side(test, "a", facts), _side(test, "b", facts)
    found = _weighted(test, facts, 1.0, -1.0) or combine([a, b], [1, -1])
    return found, _named("minus", test, facts)


def _ratio(test: Test, facts: Facts) -> tuple[Estimate, Phrase]:
    """Ratio a / b; its errors are those of a/A - b/B, where A and B are the values (delta method)."""
    (a, name_a), (b, name_b) = _side(test, "a", facts), _side(test, "b", facts)
    if a.value <= 0 or b.value <= 0:
        raise Missing(phrase("not_positive", a=name_a, b=name_b, value_a=a.value, value_b=b.value))
    value, name = a.value / b.value, _named("over", test, facts)
    if a.exact and b.exact:
        return Exact(value), name
    weights = 1 / a.value, -1 / b.value
    found = _weighted(test, facts, *weights) or combine([a, b], weights)
    return (Ratio(value, found.errors, found.design, found.seeds, found.rows, found.unknown), name)


def _named(how: str, test: Test, facts: Facts) -> Phrase:
    """Both sides; what they have in common is said once."""
    a, b = _term(test, "a"), _term(test, "b")
    if any(a[key] != b[key] for key in ("metric", "epoch", "dataset")):
        return phrase(how, a=_side(test, "a", facts)[1], b=_side(test, "b", facts)[1])
    sides = {}
    for name, term in (("a", a), ("b", b)):
        methods = select(facts.groups, term)
        sides[name] = methods[0] if len(methods) == 1 else phrase("mean_of", methods=methods)
    where = place(a["epoch"], a["dataset"])
    return phrase(f"{how}_in_common", metric=metric(a["metric"]), place=where, **sides)


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


def _correlation(test: Test, facts: Facts) -> tuple[Estimate, Phrase]:
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
        raise Missing(phrase("few_models", least=LEAST_MODELS, models=models))
    x, y = table["x"].to_numpy(float), table["y"].to_numpy(float)
    of_model, _ = pd.factorize(table["method"])
    axes = {axis: metric(test[axis]) for axis in "xy"}
    rho = float(spearman(x, y, np.ones(len(x))))
    draws = bootstrap(x, y, of_model, spearman, RESAMPLES, derive(0, test["x"], test["y"]))
    if np.isnan(rho) or not len(draws):
        raise Missing(phrase("no_variety", **axes))
    fisher = error_of(SPEARMAN**2 / (models - 3))
    facts_of = int(table["seeds"].max()), int(table["rows"].max())
    found = Correlation(rho, fisher, fisher, *facts_of, draws=tuple(np.sort(draws)))
    return found, phrase("correlation", points=len(x), models=models, **axes)


def _untestable(test: Test, facts: Facts) -> tuple[Estimate, Phrase]:
    raise Missing(given(test["reason"]))


def _term(test: Test, side: str) -> Test:
    """A term, completed with the test's own metric, epoch and dataset."""
    defaults = {"metric": test["metric"], "epoch": "kept", "dataset": None}
    shared = {key: test[key] for key in ("epoch", "dataset") if key in test}
    return {**defaults, **shared, **test[side]}


def _side(test: Test, side: str, facts: Facts) -> tuple[Estimate, Phrase]:
    """Mean of a term over its methods, and its name for a sentence."""
    term = _term(test, side)
    methods = select(facts.groups, term)
    share = 1 / len(methods)
    terms = {(method, term["epoch"], term["dataset"]): share for method in methods}
    facts_of = {"metric": metric(term["metric"]), "place": place(term["epoch"], term["dataset"])}
    key = "of_method" if len(methods) == 1 else "of_methods"
    named = phrase(key, method=methods, **facts_of)
    return facts.estimate(term["metric"], terms), named


_KINDS: dict[str, Callable[[Test, Facts], tuple[Estimate, Phrase]]] = {
    "value": _value,
    "difference": _difference,
    "ratio": _ratio,
    "correlation": _correlation,
    "untestable": _untestable,
}
