import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finetone.claims.claims_file import read_claims
from finetone.claims.facts import METRICS
from finetone.claims.our_facts import OurFacts
from finetone.claims.times import Times
from finetone.errors import UserError
from tests.unit.claims.invented import rounds, written

TEST = {
    "kind": "difference",
    "metric": "accuracy",
    "a": {"method": "a"},
    "b": {"methods": ["b", "c"]},
    "expect": {"min": 0},
}
CLAIM = {"id": "C1", "claim": "a is better", "where": "section 4", "tests": [TEST]}


def write(tmp_path, content):
    path = tmp_path / "claims.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def changed(**keys):
    test = {**copy.deepcopy(TEST), **keys}
    test = {key: value for key, value in test.items() if value is not None}
    return {"claims": [{**CLAIM, "tests": [test]}]}


def test_a_claim_in_form_is_read(tmp_path):
    assert read_claims(write(tmp_path, {"claims": [CLAIM]})) == [CLAIM]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (changed(kind="dominance"), "'dominance' is not one of"),
        (changed(metric="acuracy"), "acuracy"),
        (changed(b=None), "the key 'b' is missing"),
        (changed(expect=None), "the key 'expect' is missing"),
        (changed(expect={}), "expect"),
        (changed(expect={"about": 3}), "about"),
        (changed(expect={"min": 2, "max": 1}), "min 2 is above max 1"),
        (changed(a={}), r"claims\.0\.tests\.0\.a"),
        (changed(a={"method": "a", "group": {"x": 1}}), r"claims\.0\.tests\.0\.a"),
        (changed(place="highest"), "place"),
        (changed(kind="ordering"), r"claims\.0\.tests\.0"),
        (changed(a={"method": "a", "epoch": "last"}), "epoch"),
        ({"claims": [{**CLAIM, "claim": {"en": "only"}}]}, r"claims\.0\.claim"),
        ({"claims": [{**CLAIM, "tests": []}]}, "tests"),
        ({"claims": [{**CLAIM, "verdict": "true"}]}, "verdict"),
        ({"claims": []}, "claims"),
        ({}, "the key 'claims' is missing"),
        ("", "write a mapping"),
        ("claims: [", "not valid YAML"),
    ],
)
def test_other_forms_are_named(tmp_path, content, words):
    with pytest.raises(UserError, match=words) as caught:
        read_claims(write(tmp_path, content))
    assert "claims.yaml" in str(caught.value)


def test_ids_are_unique(tmp_path):
    with pytest.raises(UserError, match="'C1' is used twice"):
        read_claims(write(tmp_path, {"claims": [CLAIM, CLAIM]}))


_name = st.sampled_from(["a", "b", "c", "each"])
_metric = st.sampled_from([*METRICS, "group.f", "group.g"])
_selector = st.one_of(
    st.fixed_dictionaries({"method": _name}),
    st.fixed_dictionaries({"methods": st.lists(_name, min_size=1, max_size=3, unique=True)}),
    st.fixed_dictionaries({"group": st.sampled_from([{"f": 1}, {"f": 1.5}, {"g": "x"}])}),
)
_epoch = st.sampled_from(["kept", 1, 2, 9])
_dataset = st.sampled_from(["reviews", "other"])
_term = st.builds(
    lambda selector, extra: {**selector, **extra},
    _selector,
    st.fixed_dictionaries({}, optional={"epoch": _epoch, "dataset": _dataset, "metric": _metric}),
)
_expect = st.sampled_from([{"min": 0}, {"max": 0.5}, {"min": -1, "max": 1}])
_side = {"a": _term, "b": _term, "metric": _metric, "expect": _expect}
_forms = {
    "value": {"a": _term, "metric": _metric, "expect": _expect},
    "difference": _side,
    "ratio": _side,
    "correlation": {"x": _metric, "y": _metric, "over": _selector, "expect": _expect},
    "ordering": {"metric": _metric, "order": st.lists(_term, min_size=2, max_size=3)},
    "ranking": {
        "metric": _metric,
        "a": _term,
        "among": _selector,
        "place": st.sampled_from(["highest", "lowest"]),
    },
}
_shared = {"epoch": _epoch, "dataset": _dataset, "each": _selector}
_test = st.one_of(
    st.fixed_dictionaries({"kind": st.just(kind), **form}, optional=_shared)
    for kind, form in _forms.items()
)
_junk = st.dictionaries(
    st.sampled_from(["kind", "a", "metric", "expect", "each", "order"]),
    st.sampled_from([None, 0, True, "", [], {}, "a", {"method": 1}, {"min": "0"}, [[]]]),
    min_size=1,
    max_size=2,
)
_fuzz = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="session")
def known(facts: OurFacts) -> OurFacts:
    """Of the methods, a is there, b is a baseline, and nothing is known of c."""
    names = {"big": "a", "words": "b", "tiny": "c"}
    table = facts.runs.table.replace({"method": names})
    groups: dict[str, dict[str, Any]] = {"a": {"f": 1, "g": "x"}, "b": {"f": 1}, "c": {}}
    cost = facts.tables["efficiency"].replace({"method": names})
    cost = cost[cost["method"] != "c"]
    return replace(
        facts,
        tables={"efficiency": cost},
        times=Times(cost, rounds(), {"a": 3, "b": 1}, 0.95),
        runs=replace(facts.runs, table=table[table["method"] != "c"]),
        groups=groups,
    )


def judged(folder: Path, known: OurFacts, test: object) -> str:
    (verdict,) = written(folder, [{**CLAIM, "tests": [test]}], known)["verdict"]
    return str(verdict)


@_fuzz
@given(test=_test)
def test_every_claim_in_form_gets_a_verdict(tmp_path, known, test):
    """Whatever it asks about; only `method: each` without `each:` names nobody."""
    try:
        assert judged(tmp_path, known, test) in ("supported", "contradicted", "undecided")
    except UserError as error:
        assert "no method 'each'" in str(error)


@_fuzz
@given(test=_test, junk=_junk)
def test_mutated_claims_are_judged_or_refused(tmp_path, known, test, junk):
    try:
        assert judged(tmp_path, known, {**test, **junk}) in (
            "supported",
            "contradicted",
            "undecided",
        )
    except UserError as error:
        assert "claims.yaml" in str(error)
