"""A publication's claims held against its own printed table."""

from pathlib import Path

import numpy as np
import pytest

from finetone.claims.judging import judge
from finetone.claims.our_facts import OurFacts
from finetone.claims.own_table import PrintedFacts, read_printed
from finetone.statistics.intervals import wilson
from tests.unit.claims.invented import BIG, GROUPS, SMALL, accuracy, claim

PAPER = Path(__file__).parents[3] / "config/paper"


@pytest.fixture
def printed(tmp_path: Path) -> PrintedFacts:
    (tmp_path / "setup.yaml").write_text(
        "{dataset: reviews, n_test: 1000, transfer: {dataset: other, n_test: 100}}"
    )
    (tmp_path / "published.csv").write_text(
        "model,epoch,accuracy,loss,parameters_millions,seconds_per_32\n"
        "big,1,90.0,0.3,110,0.3\nbig,2,95.0,0.2,110,0.3\nsmall,2,90.0,0.1,55,0.2\n"
        "tiny,2,100,,5,\n"
    )
    (tmp_path / "transfer.csv").write_text("model,accuracy\nbig,90\n")
    (tmp_path / "baselines.csv").write_text("model,kind,accuracy,method\nTF,x,80.0,words\n")
    return read_printed(tmp_path, GROUPS)


@pytest.mark.parametrize(
    ("test", "verdict", "effect"),
    [
        (accuracy("difference", a=BIG, b=SMALL, expect={"min": 0}), "supported", 0.05),
        (accuracy("difference", a=BIG, b=SMALL, expect={"min": 0.045}), "undecided", 0.05),
        (accuracy("difference", a=BIG, b={"method": "words"}, expect={"max": 0.1}),
         "contradicted", 0.15),
        (accuracy("difference", a=BIG, b={**BIG, "epoch": 1}, expect={"min": 0.01}),
         "supported", 0.05),
        ({"kind": "value", "metric": "drop", "a": BIG, "dataset": "other", "expect": {"min": 0}},
         "undecided", 0.05),
        ({"kind": "value", "metric": "loss", "a": BIG, "expect": {"max": 0.2}}, "supported", 0.2),
        ({"kind": "ratio", "metric": "seconds_per_32", "a": BIG, "b": SMALL, "expect": {"max": 1}},
         "contradicted", 1.5),
        ({"kind": "value", "metric": "ms_per_million_parameters", "a": SMALL, "expect": {"min": 1}},
         "supported", 0.2 / 55 * 1000),
        ({"kind": "value", "metric": "auc", "a": SMALL, "expect": {"min": 1}},
         "undecided", float("nan")),
        ({"kind": "value", "metric": "seconds_per_32", "a": {"method": "tiny"},
          "expect": {"min": 1}}, "undecided", float("nan")),
    ],
)  # fmt: skip
def test_printed_numbers_have_the_error_of_their_rows(
    facts: OurFacts, printed: PrintedFacts, test: dict, verdict: str, effect: float
) -> None:
    (found,) = judge([claim("C", test)], facts, printed, 0.95)
    assert (found.own_verdict, found.own_effect) == (
        verdict,
        pytest.approx(effect, rel=1e-6, nan_ok=True),
    )


def test_a_printed_accuracy_has_wilsons_interval_nearly(
    facts: OurFacts, printed: PrintedFacts
) -> None:
    for method, correct in (("big", 950), ("tiny", 1000)):
        test = accuracy("value", a={"method": method}, expect={"min": 0})
        (found,) = judge([claim("C", test)], facts, printed, 0.95)
        assert (found.own_low, found.own_high) == pytest.approx(
            wilson(correct, 1000, 0.95), abs=2e-3
        )


def test_a_one_sided_claim_has_the_margin_that_was_printed(
    facts: OurFacts, printed: PrintedFacts
) -> None:
    test = accuracy("ordering", order=[BIG, {"method": "large"}])
    (found,) = judge([claim("C", test)], facts, printed, 0.95)
    assert (found.decidable, np.isnan(found.margin)) == ("", True), "large was not published"
    test = accuracy("difference", a=BIG, b=SMALL, expect={"min": 0.049})
    (found,) = judge([claim("C", test)], facts, printed, 0.95)
    assert (found.decidable, found.margin) == ("no", pytest.approx(0.001))
