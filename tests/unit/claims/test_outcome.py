"""Several comparisons put together, and claims that contradict each other."""

from math import isnan, nan

import pytest

from finetone.claims.conflicts import conflicts
from finetone.claims.our_facts import OurFacts
from finetone.claims.outcome import CONTRADICTED, SUPPORTED, UNDECIDED, Outcome, Part, decide
from tests.unit.claims.invented import BIG, SMALL, accuracy


def yes(p: float) -> Outcome:
    return Outcome("", p_supported=p, p_contradicted=1.0)


def no(p: float) -> Outcome:
    return Outcome("", p_supported=1.0, p_contradicted=p)


EXACT_YES = Outcome("", p_supported=0.0, p_contradicted=1.0, exact=True)
EXACT_NO = Outcome("", p_supported=1.0, p_contradicted=0.0, exact=True)
MISSING = Outcome("missing")


@pytest.mark.parametrize(
    ("parts", "verdict", "p"),
    [
        ([Part([yes(0.01), yes(0.02), yes(0.03)])], SUPPORTED, 0.03),
        ([Part([yes(0.01)]), Part([yes(0.04)])], SUPPORTED, 0.04),
        ([Part([no(0.01), yes(0.02), yes(0.03)])], CONTRADICTED, 0.03),
        ([Part([no(0.01)]), Part([yes(0.02), yes(0.03)])], CONTRADICTED, 0.03),
        ([Part([no(0.01)]), Part([EXACT_YES])], CONTRADICTED, 0.01),
        ([Part([yes(0.01)]), Part([EXACT_YES])], SUPPORTED, 0.01),
        ([Part([yes(0.01)]), Part([EXACT_NO])], CONTRADICTED, 0.0),
        ([Part([EXACT_YES]), Part([EXACT_YES])], SUPPORTED, 0.0),
        ([Part([EXACT_YES]), Part([MISSING])], UNDECIDED, nan),
        ([Part([no(0.01)]), Part([MISSING])], CONTRADICTED, 0.01),
        # three of four must hold: the third smallest p, for two could be the fourth
        ([Part([yes(0.01), yes(0.02), yes(0.03), no(0.5)], 0.75)], SUPPORTED, 2 * 0.03),
        # it fails as soon as two do: the second smallest p, times three
        ([Part([no(0.01), no(0.02), yes(0.03), yes(0.5)], 0.75)], CONTRADICTED, 3 * 0.02),
        ([Part([EXACT_YES, EXACT_YES, yes(0.01), no(0.9)], 0.75)], SUPPORTED, 2 * 0.01),
        ([Part([EXACT_YES, EXACT_YES, EXACT_NO], 0.6)], SUPPORTED, 0.0),
        ([Part([EXACT_YES, EXACT_NO, EXACT_NO], 0.6)], CONTRADICTED, 0.0),
        ([Part([yes(0.01), yes(0.02), MISSING], 0.6)], SUPPORTED, 0.02),
    ],
)
def test_comparisons_together(parts: list[Part], verdict: str, p: float) -> None:
    found = decide(parts)
    assert (found.verdict, found.p) == (verdict, pytest.approx(p, nan_ok=True))
    assert found.exact == (p == 0)
    assert isnan(found.decisive.p_supported) == isnan(p)


def test_claims_that_cannot_both_be_true(facts: OurFacts) -> None:
    up = accuracy("difference", a=BIG, b=SMALL, expect={"min": 0})
    down = accuracy("difference", a=BIG, b=SMALL, expect={"max": 0})
    turned = accuracy("difference", a=SMALL, b=BIG, expect={"min": 0.01})
    order = accuracy("ordering", order=[BIG, SMALL])
    other = accuracy("difference", a=BIG, b={"method": "mini"}, expect={"max": -1})
    assert conflicts({"up": [up], "down": [down]}, facts) == {"up": ["down"], "down": ["up"]}
    found = conflicts({"order": [order], "turned": [turned], "up": [up], "other": [other]}, facts)
    assert found == {
        "order": ["turned"], "turned": ["order", "up"], "up": ["turned"], "other": [],
    }  # fmt: skip
    ghost = accuracy("value", a={"group": {"size": "none"}}, expect={"min": 0})
    assert conflicts({"ghost": [ghost], "up": [up]}, facts) == {"ghost": [], "up": []}


def test_a_share_conflicts_if_more_methods_were_needed_than_there_are(facts: OurFacts) -> None:
    each = {"methods": ["large", "mini", "tiny", "small"]}

    def claim(share: float, expect: dict[str, float]) -> dict[str, object]:
        return accuracy(
            "difference", a={"method": "each"}, b=BIG, each=each, share=share, expect=expect
        )

    for share, clash in ((0.5, []), (0.75, ["b"])):
        found = conflicts({"a": [claim(0.5, {"min": 0})], "b": [claim(share, {"max": 0})]}, facts)
        assert found["a"] == clash
