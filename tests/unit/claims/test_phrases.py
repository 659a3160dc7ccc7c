"""What is said of claims is said in every language, and numbers as people write them."""

import re
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from finetone.claims.comparisons import expected_range, has_tolerance
from finetone.claims.facts import METRICS
from finetone.claims.judging import judge
from finetone.claims.our_facts import OurFacts
from finetone.claims.phrases import WORDS, given, metric, number, phrase
from finetone.claims.times import Times
from finetone.published.phrases import LANGUAGES, words
from tests.unit.claims.invented import (
    BIG,
    PARAMETERS,
    SMALL,
    accuracy,
    claim,
    efficiency,
    one,
    rounds,
)

CHINESE = re.compile("[\u4e00-\u9fff]")


def test_every_phrase_is_there_in_every_language_with_the_same_facts() -> None:
    english, chinese = (words(language, WORDS) for language in LANGUAGES)
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert set(re.findall(r"{(\w+)", text)) == set(re.findall(r"{(\w+)", chinese[key])), key


def test_every_metric_has_a_name() -> None:
    for name in METRICS:
        assert "_" not in metric(name).text("en"), name
    assert metric("group.layers").text("zh") == "层数"
    assert metric("group.heads").text("zh") == "heads"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (-0.0626, "points", "−6.26"),
        (0.9570, "%", "95.7"),
        (-0.07, "points", "−7"),
        (0.0, "points", "0"),
        (-1e-9, "points", "0"),
        (0.97171, "ratio", "0.9717"),
        (67e6, "", "67 M"),
        (float("-inf"), "s", "−inf"),
    ],
)
def test_numbers_are_written_without_exponents(value: float, unit: str, text: str) -> None:
    assert number(value, unit) == text


def test_phrases_hold_phrases_and_lists() -> None:
    what = phrase("in_file", metric=metric("loss"), method="big", file="x.csv")
    assert phrase("missing", what=what).text("en") == "missing: loss of big (x.csv)"
    assert phrase("missing", what=what).text("zh") == "缺少：big 的损失（x.csv）"
    assert phrase("no_method", facts=["a: 1", "b: 2"]).text("zh") == "没有方法符合 a: 1、b: 2"
    assert given({"en": "so", "zh": "如此"}).text("zh") == "如此" and not given("").text("en")


def test_all_texts_of_a_verdict_are_in_both_languages(facts: OurFacts) -> None:
    one_of_all = [
        accuracy("difference", a=BIG, b=SMALL, expect={"min": 0.02, "max": 0.08}),
        accuracy(
            "ratio", a={**BIG, "epoch": 1}, b={**SMALL, "dataset": "other"}, expect={"min": 1}
        ),
        {"kind": "value", "metric": "peak_memory_bytes", "a": BIG, "expect": {"max": 9}},
        {"kind": "value", "metric": "auc", "a": {"method": "nobody"}, "expect": {"min": 0}},
        {"kind": "untestable", "reason": {"en": "it is vague", "zh": "含糊"}},
    ]
    reading = {"en": "as it stands", "zh": "如字面"}
    (found,) = judge([claim("C", *one_of_all, reading=reading, note=reading)], facts, None, 0.95)
    assert (found.reading_zh, found.note, found.note_zh) == ("如字面", "as it stands", "如字面")
    assert not CHINESE.search(found.explanation)
    parts = found.explanation_zh.split("；")
    assert "含糊" in found.explanation_zh and "it is vague" in found.explanation
    assert all(CHINESE.search(part) for part in parts), parts
    assert "accuracy of big minus small: 5" in found.explanation, "what is common is said once"


def test_the_tolerance_is_varied_for_both_columns_of_verdicts(facts: OurFacts) -> None:
    test = accuracy("difference", a=BIG, b=SMALL, expect={"min": 0.04, "max": 0.06})
    (found,) = judge([claim("C", test)], facts, None, 0.95)
    assert (found.verdict_half, found.verdict_twice) == ("undecided", "supported")
    assert (found.own_verdict_half, found.padded_verdict) == ("", "")


@pytest.mark.parametrize(
    ("kind", "expect", "half", "twice"),
    [
        ("difference", {"min": 0.04, "max": 0.06}, (0.045, 0.055), (0.03, 0.07)),
        ("difference", {"min": 0.01}, (0.005, np.inf), (0.02, np.inf)),
        ("ratio", {"min": 0.96}, (0.9798, np.inf), (0.9216, np.inf)),
        ("ratio", {"max": 0.25}, (-np.inf, 0.5), (-np.inf, 0.0625)),
        ("ratio", {"min": 2}, (np.sqrt(2), np.inf), (4, np.inf)),
        # twice 0.5 is no correlation of 1, which all are below
        ("correlation", {"min": -0.5, "max": 0.5}, (-0.2679, 0.2679), (-0.8, 0.8)),
        ("correlation", {"max": 0.5}, (-np.inf, 0.2679), (-np.inf, 0.8)),
    ],
)
def test_half_and_twice_the_tolerance(
    kind: str, expect: dict[str, float], half: tuple[float, ...], twice: tuple[float, ...]
) -> None:
    test = {"kind": kind, "expect": expect}
    assert expected_range(test, 0.5) == pytest.approx(half, abs=1e-4)
    assert expected_range(test, 2.0) == pytest.approx(twice, abs=1e-4)
    assert has_tolerance(test)


def test_a_plain_sign_has_no_tolerance() -> None:
    for kind, edge in (("difference", 0), ("ratio", 1), ("correlation", 0), ("value", 0.9)):
        assert not has_tolerance({"kind": kind, "expect": {"min": edge}})


def test_how_often_chance_alone_turns_a_pair_round(facts: OurFacts) -> None:
    """As often as single runs on as many rows have a difference of the other sign."""
    rng = np.random.default_rng(1)
    shares = []
    for a, b in combinations(("big", "large", "mini", "small", "tiny"), 2):
        test = accuracy("difference", a={"method": a}, b={"method": b}, expect={"min": 0})
        said = re.search(r"turn the sign round (\d+|< 1) %", one(test, facts).explanation)
        assert said, (a, b)
        found = facts.estimate("accuracy", {(a, "kept", None): 1.0, (b, "kept", None): -1.0})
        of_rows, of_runs = found.errors.rows[0], found.errors.seeds[0] * found.seeds
        drawn = found.value + rng.normal(size=(100_000, 2)) @ np.sqrt([of_rows, of_runs])
        share = 100 * float(np.mean(drawn < 0 if found.value >= 0 else drawn > 0))
        assert share == pytest.approx(float(said[1].replace("< 1", "0")), abs=1)
        shares.append(share)
    assert min(shares) < 1 and max(shares) > 10
    level = accuracy("difference", a=BIG, b=SMALL, expect={"min": -0.1, "max": 0.1})
    assert "turn the sign" not in one(level, facts).explanation


def test_what_seeds_or_rows_would_decide(facts: OurFacts) -> None:
    """With so many rows the detectable difference is about the margin."""
    test = accuracy("difference", a=BIG, b=SMALL, expect={"min": 0.045, "max": 0.06})
    found = one(test, facts)
    assert (found.decidable, found.undecidable) == ("no", "power")
    assert found.detectable > found.margin
    assert found.rows_needed > 1000 and found.more_data >= 2
    # with seeds that hardly differ, more of them do not help
    assert found.seeds_needed > 3 or np.isinf(found.seeds_needed) or np.isnan(found.seeds_needed)
    easy = one(accuracy("difference", a=BIG, b=SMALL, expect={"min": -0.3, "max": 0.4}), facts)
    assert (easy.decidable, easy.undecidable) == ("yes", "")
    assert np.isnan([easy.rows_needed, easy.seeds_needed, easy.more_data]).all()


def test_why_a_design_cannot_decide(facts: OurFacts) -> None:
    gone = one(accuracy("value", a={"method": "nobody"}, expect={"min": 0}), facts)
    busy = replace(facts, times=Times(efficiency(), rounds(1.02, 0.6), {}, 0.95))
    slow = {"kind": "value", "metric": "seconds_per_32", "a": BIG, "expect": {"min": 0}}
    assert gone.undecidable == "missing" and one(slow, busy).undecidable == "measurement"


def test_claims_about_time_are_judged_on_padded_batches_as_well(facts: OurFacts) -> None:
    """Padded, the small model is no longer twice as fast; accuracy has nothing to do with it."""
    ours = replace(facts, times=Times(efficiency(), rounds(), dict.fromkeys(PARAMETERS, 3), 0.95))
    slower = rounds()
    slower.methods["small"] = slower.methods["mini"]
    padded = replace(facts, times=replace(ours.times, rounds=slower, average="mean"))
    twice = {"kind": "ratio", "metric": "seconds_per_32", "a": BIG, "b": SMALL}
    claims = [
        claim("time", {**twice, "expect": {"min": 1.9, "max": 2.1}}),
        claim("accuracy", accuracy("difference", a=BIG, b=SMALL, expect={"min": 0})),
    ]
    time, other = judge(claims, ours, None, 0.95, padded)
    assert (time.verdict, time.padded_verdict) == ("supported", "contradicted")
    assert time.effect == pytest.approx(2, abs=0.05)
    assert time.padded_effect == pytest.approx(110 / 20, rel=0.05)
    assert CHINESE.search(time.padded_explanation_zh)
    assert (other.padded_verdict, other.padded_explanation) == ("", "")


def test_a_mean_of_rounds_counts_a_slow_one_and_a_median_does_not() -> None:
    measured = rounds(1.0)
    seconds = measured.methods["big"].tasks["train"].seconds
    seconds[:] = [*[0.1] * 8, 0.125]
    of = {
        average: Times(efficiency(), measured, {}, 0.95, average).sum("seconds_per_32", {"big": 1})
        for average in ("median", "mean")
    }
    assert of["median"].value == pytest.approx(0.1)
    assert of["mean"].value == pytest.approx(np.mean(seconds))
