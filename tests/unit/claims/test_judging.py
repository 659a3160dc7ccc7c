"""Claims are judged by the numbers of the tables, and say what they rest on."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from finetone.claims.estimate import Missing
from finetone.claims.facts import select
from finetone.claims.judging import judge, write_claims
from finetone.claims.our_facts import OurFacts, read_facts
from finetone.claims.times import Times
from finetone.comparison import paired
from finetone.comparison.scores import scores_of
from finetone.errors import UserError
from finetone.formats.rounds import Rounds
from finetone.statistics.evaluation import SCORES
from finetone.tables import write_table
from finetone.tables.panels import panels
from tests.unit.claims.invented import (
    ACCURACY,
    BIG,
    FIXED,
    GROUPS,
    PARAMETERS,
    SMALL,
    accuracy,
    claim,
    efficiency,
    one,
    predict,
    read,
    rounds,
    tabulate,
    written,
)
from tests.unit.tables.test_tables import balanced, history


def cells(path: Path) -> list[dict[str, str]]:
    """A table exactly as it is printed."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_lone_number_is_printed_as_in_the_summary(
    facts: OurFacts, tables: Path, tmp_path: Path
) -> None:
    """For every metric, method, dataset and epoch."""
    summary = cells(tables / "summary.csv")
    claims = []
    for place, row in enumerate(summary):
        for name in SCORES:
            side = {"method": row["method"], "dataset": row["dataset"], "epoch": int(row["epoch"])}
            test = {"kind": "value", "metric": name, "a": side, "expect": {"min": 0}}
            claims.append(claim(f"{name}.{place}", test))
    written(tmp_path, claims, facts)
    found = cells(tmp_path / "claims.csv")
    assert len(found) == len(summary) * len(SCORES) > 100
    for row in found:
        name, place = row["id"].split(".")
        wanted = summary[int(place)]
        mine = row["effect"], row["low"], row["high"], row["seeds"], row["rows"]
        ends = (wanted[f"{name}_{part}"] for part in ("mean", "low", "high"))
        assert mine == (*ends, wanted["seeds"], wanted["n"]), row["id"]


def test_a_difference_of_two_accuracies_is_printed_as_in_the_comparisons(
    facts: OurFacts, tables: Path, tmp_path: Path
) -> None:
    pairs = cells(tables / "comparisons.csv")
    claims = []
    for place, row in enumerate(pairs):
        a, b = ({"method": row[side], "dataset": row["dataset"]} for side in "ab")
        claims.append(claim(str(place), accuracy("difference", a=a, b=b, expect={"min": 0})))
    written(tmp_path, claims, facts)
    for found, wanted in zip(cells(tmp_path / "claims.csv"), pairs, strict=True):
        mine = found["effect"], found["low"], found["high"]
        assert mine == (wanted["difference"], wanted["low"], wanted["high"])


def test_a_drop_is_printed_as_in_the_transfer_table(
    facts: OurFacts, tables: Path, tmp_path: Path
) -> None:
    drops = cells(tables / "transfer.csv")
    claims = []
    for row in drops:
        test = {"kind": "value", "metric": "drop", "a": {"method": row["method"]}}
        claims.append(claim(row["method"], {**test, "dataset": "other", "expect": {"min": 0}}))
    written(tmp_path, claims, facts)
    for found, wanted in zip(cells(tmp_path / "claims.csv"), drops, strict=True):
        assert (found["seeds"], found["rows"]) == (wanted["seeds"], wanted["n"])
        for mine, theirs in (("effect", "drop"), ("low", "drop_low"), ("high", "drop_high")):
            assert float(found[mine]) == pytest.approx(float(wanted[theirs]), abs=2e-6)


@pytest.mark.parametrize("metric", ["loss", "auc", "mcc", "macro_f1", "brier"])
def test_differences_of_other_metrics_pair_their_rows(
    facts: OurFacts, predictions: list[Path], metric: str
) -> None:
    (panel,) = panels(predictions, "reviews")
    scores = scores_of(panel, metric, {"deterministic": FIXED}, None)
    wanted = paired.difference(scores, "big", "small", 0.95)
    test = {"kind": "difference", "metric": metric, "a": BIG, "b": SMALL, "expect": {"min": -9}}
    found = one(test, facts)
    ends = (wanted.estimate, wanted.low, wanted.high)
    assert (found.effect, found.low, found.high) == pytest.approx(ends, rel=1e-4)


def test_two_epochs_of_a_method_share_rows_and_seeds(facts: OurFacts) -> None:
    test = accuracy("difference", a={**BIG, "epoch": 2}, b={**BIG, "epoch": 1}, expect={"min": 0})
    found = one(test, facts)
    single = [one(accuracy("value", a=t, expect={"min": 0}), facts) for t in (test["a"], test["b"])]
    unpaired = np.hypot(*(each.high - each.low for each in single))
    assert found.effect == pytest.approx(0.02, abs=0.006)
    assert found.high - found.low < 0.7 * unpaired
    assert found.verdict == "supported"


def test_a_group_is_the_mean_of_its_methods_on_the_same_rows(facts: OurFacts) -> None:
    base, small = {"group": {"size": "base"}}, {"group": {"distilled": True, "size": "small"}}
    found = one(accuracy("difference", a=base, b=small, expect={"min": 0}), facts)
    assert found.effect == pytest.approx((0.95 + 0.951) / 2 - (0.9 + 0.8) / 2, abs=0.006)
    # the same methods on either side leave nothing to compare
    with_big = {"methods": ["big", "small"]}
    found = one(accuracy("difference", a=with_big, b={"methods": ["small", "big"]},
                         expect={"min": 0}), facts)  # fmt: skip
    assert (found.verdict, found.explanation) == (
        "undecided", "missing: two different sides to compare",
    )  # fmt: skip
    half = one(accuracy("difference", a=with_big, b=SMALL, expect={"min": 0}), facts)
    whole = one(accuracy("difference", a=BIG, b=SMALL, expect={"min": 0}), facts)
    assert (half.effect, half.low) == pytest.approx((whole.effect / 2, whole.low / 2), rel=1e-6)


def test_a_ratio_pairs_its_rows(facts: OurFacts) -> None:
    ratio = one(accuracy("ratio", a=BIG, b=SMALL, expect={"min": 1.04, "max": 1.08}), facts)
    apart = one(accuracy("difference", a=BIG, b=SMALL, expect={"min": 0}), facts)
    assert ratio.effect == pytest.approx(0.95 / 0.9, abs=0.005)
    assert ratio.high - ratio.low == pytest.approx((apart.high - apart.low) / 0.9, rel=0.1)


EVERY = {"methods": [m for m in ACCURACY if m != "words"]}
EXPECTED = [
    (accuracy("difference", a=BIG, b=SMALL, expect={"min": 0.02, "max": 0.08}), "supported"),
    (accuracy("difference", a=BIG, b=SMALL, expect={"max": 0.01}), "contradicted"),
    (accuracy("difference", a=BIG, b=SMALL, expect={"min": 0.05}), "undecided"),
    (accuracy("ratio", a=BIG, b=SMALL, expect={"min": 1.02, "max": 1.09}), "supported"),
    (accuracy("ratio", a=BIG, b=SMALL, expect={"min": 1.1}), "contradicted"),
    (accuracy("ratio", a=BIG, b=SMALL, expect={"min": 0}), "supported"),
    (accuracy("value", a=BIG, expect={"min": 0.9, "max": 0.98}), "supported"),
    (accuracy("value", a=BIG, expect={"max": 0.9}), "contradicted"),
    (accuracy("value", a=BIG, expect={"min": 0.95}), "undecided"),
    (accuracy("value", a=BIG, expect={"min": 0, "max": 1}), "supported"),
    (accuracy("ordering", order=[BIG, SMALL, {"method": "mini"}]), "supported"),
    (accuracy("ordering", order=[BIG, {"method": "mini"}, SMALL]), "contradicted"),
    (accuracy("ordering", order=[{"method": "large"}, BIG, SMALL]), "undecided"),
    (accuracy("ranking", place="lowest", a={"method": "tiny"}, among=EVERY), "supported"),
    (accuracy("ranking", place="highest", a=SMALL, among=EVERY), "contradicted"),
    (accuracy("ranking", place="highest", a={"method": "large"}, among=EVERY), "undecided"),
    ({"kind": "untestable", "reason": "no clock is named"}, "undecided"),
]


@pytest.mark.parametrize(("test", "verdict"), EXPECTED)
def test_every_kind_reaches_every_verdict(
    facts: OurFacts, test: dict[str, Any], verdict: str
) -> None:
    found = one(test, facts)
    assert (found.verdict, found.kind) == (verdict, test["kind"])
    assert found.explanation


def test_nothing_is_said_of_methods_without_a_second_run(tmp_path: Path) -> None:
    predictions = predict(tmp_path, seeds=(1,))
    facts = read(tabulate(tmp_path, predictions), predictions)
    difference = accuracy("difference", a=BIG, b={"method": "tiny"}, expect={"min": 0})
    lone = accuracy("value", a=BIG, expect={"min": 0.5})
    for test in (difference, lone):
        found = one(test, facts)
        assert (found.verdict, found.decidable) == ("undecided", "no")
        assert "no method has a second run" in found.explanation
    assert not np.isnan(one(lone, facts).low), "its interval over rows is that of summary.csv"
    # TF-IDF and the like would be the same with any seed
    assert one(accuracy("value", a={"method": "words"}, expect={"min": 0.5}), facts).verdict == (
        "supported"
    )
    stated = read(tmp_path, predictions, seed_sd=0.5)
    assert one(difference, stated).verdict == "supported"
    assert one(accuracy("difference", a=BIG, b=SMALL, expect={"min": 0.04}), stated).verdict == (
        "undecided"
    )


def test_counts_are_exact_and_decide_without_an_interval(facts: OurFacts) -> None:
    ratio = {"kind": "ratio", "a": BIG, "b": SMALL, "metric": "parameters"}
    for expect, verdict in (({"min": 2, "max": 2}, "supported"), ({"min": 2.1}, "contradicted")):
        found = one({**ratio, "expect": expect}, facts)
        assert (found.verdict, found.p, found.low, found.high) == (verdict, 0, 2, 2)
    flops = one({**ratio, "metric": "flops_per_token", "expect": {"min": 0}}, facts)
    assert flops.effect == 2
    same = replace(facts, tables={"efficiency": efficiency().assign(parameters=7.0)})
    test = {"kind": "ordering", "metric": "parameters", "order": [BIG, SMALL]}
    assert one(test, same).verdict == "contradicted", "equals are in no order"


def timed(facts: OurFacts, measured: Rounds | None) -> OurFacts:
    return replace(facts, times=Times(efficiency(), measured, dict.fromkeys(PARAMETERS, 3), 0.95))


TWICE = {"kind": "ratio", "a": BIG, "b": SMALL, "expect": {"min": 1.9, "max": 2.1}}


@pytest.mark.parametrize("metric", ["seconds_per_32", "seconds_per_million_texts"])
def test_times_are_compared_within_rounds(facts: OurFacts, metric: str) -> None:
    test = {**TWICE, "metric": metric}
    found = one(test, timed(facts, rounds(1.02)))
    assert found.verdict == "supported" and found.effect == pytest.approx(2, abs=0.05)
    lone = {"kind": "value", "metric": metric, "a": BIG, "expect": {"min": 0}}
    value = one(lone, timed(facts, rounds(1.02)))
    # the machine became a fifth slower, which goes out of the ratio
    alone, together = ((e.high - e.low) / e.effect for e in (value, found))
    assert together < 0.7 * alone
    wide = one(test, timed(facts, rounds(1.25)))
    assert wide.verdict == "undecided" and wide.high - wide.low > 3 * (found.high - found.low)
    rate = {**TWICE, "metric": "inference_examples_per_s", "expect": {"max": 0.55}}
    assert one(rate, timed(facts, rounds(1.02))).verdict == "supported"


def test_a_busy_machine_decides_nothing(facts: OurFacts) -> None:
    """A network and its twin timed while another program ran: no claim about them is supported."""
    found = one({**TWICE, "metric": "seconds_per_32"}, timed(facts, rounds(1.02, share=0.6)))
    assert (found.verdict, found.decidable) == ("undecided", "no")
    assert "the machine was busy in too many rounds" in found.explanation
    missing = one({**TWICE, "metric": "seconds_per_32"}, timed(facts, None))
    assert missing.explanation == "missing: time per 32 texts of big (speed/rounds.json)"


def test_a_measurement_without_spread_supports_nothing(facts: OurFacts) -> None:
    memory = {**TWICE, "metric": "peak_memory_bytes", "expect": {"min": 0.5}}
    same = rounds(1.0)
    same.methods["small"] = same.methods["big"]  # exactly the same in every round
    equal = {**TWICE, "metric": "seconds_per_32", "expect": {"min": 0.5}}
    for test, measured in ((memory, None), (equal, same)):
        found = one(test, timed(facts, measured))
        assert (found.verdict, found.decidable) == ("undecided", "no")
        assert "no spread of this measurement is known" in found.explanation
    training = {**TWICE, "metric": "train_seconds", "expect": {"min": 1.5}}
    assert one(training, timed(facts, None)).verdict == "supported", "it has one over seeds"


def test_correlations_are_judged_from_eight_models_on(facts: OurFacts) -> None:
    test = {"kind": "correlation", "x": "group.layers", "y": "accuracy", "expect": {"min": 0}}
    found = one({**test, "over": EVERY}, facts)
    assert found.verdict == "undecided"
    assert found.explanation == "missing: 8 models to correlate (5 have both numbers)"
    many = (
        efficiency()
        .iloc[[i % 5 for i in range(9)]]
        .assign(
            method=[f"m{i}" for i in range(9)],
            parameters=np.arange(9.0),
            non_embedding_parameters=[1.0, 0, 2, 3, 5, 4, 6, 8, 7],
        )
    )
    test |= {"x": "parameters", "y": "non_embedding_parameters"}
    test |= {"over": {"methods": [f"m{i}" for i in range(9)]}}
    found = one(test, replace(facts, tables={"efficiency": many}))
    assert found.verdict == "supported" and found.low < found.effect == pytest.approx(0.9, abs=0.06)
    eight = {**test, "over": {"methods": [f"m{i}" for i in range(8)]}}
    assert one(eight, replace(facts, tables={"efficiency": many})).verdict == "supported"


def test_several_claims_are_corrected_together(facts: OurFacts) -> None:
    alone = accuracy("value", a=BIG, expect={"min": 0.933})
    single = one(alone, facts)
    assert single.verdict == "supported" and 0.001 < single.p < 0.05
    idle = accuracy("value", a=SMALL, expect={"min": 0.9})
    claims = [claim("C", alone), *(claim(f"D{i}", idle) for i in range(60))]
    among = judge(claims, facts, None, 0.95)[0]
    assert (among.verdict, among.p) == ("undecided", single.p)
    assert among.p_adjusted == pytest.approx(61 * single.p)
    assert "by itself supported" in among.explanation
    assert "not after correction for all claims" in among.explanation
    exact = {"kind": "value", "metric": "parameters", "a": BIG, "expect": {"min": 0}}
    with_facts = [claim("C", alone), *(claim(f"D{i}", exact) for i in range(60))]
    assert judge(with_facts, facts, None, 0.95)[0].p_adjusted == single.p, "facts are no chances"


def test_one_contradiction_among_several_parts_is_held_to_more(facts: OurFacts) -> None:
    against = accuracy("value", a=BIG, expect={"max": 0.933})
    single = one(against, facts)
    assert single.verdict == "contradicted"
    (among,) = judge(
        [claim("C", against, *[accuracy("value", a=SMALL, expect={"min": 0.5})] * 7)],
        facts,
        None,
        0.95,
    )
    assert among.p == pytest.approx(8 * single.p)
    (all_of_them,) = judge(
        [claim("C", *[accuracy("value", a=BIG, expect={"min": 0.933})] * 8)], facts, None, 0.95
    )
    assert all_of_them.p == pytest.approx(single.p), "all must support it: nothing to correct"


def test_a_claim_says_whether_it_could_have_been_decided(facts: OurFacts) -> None:
    def about(tolerance: float) -> Any:
        expect = {"min": 0.001 - tolerance, "max": 0.001 + tolerance}
        test = accuracy("difference", a={"method": "large"}, b=BIG, expect=expect)
        return one(test, facts)

    narrow, wide = about(0.002), about(0.05)
    assert (narrow.verdict, narrow.decidable) == ("undecided", "no")
    assert narrow.margin == pytest.approx(0.002) and narrow.detectable > 0.004
    assert narrow.more_data == np.ceil((narrow.detectable / narrow.margin) ** 2)
    assert (wide.verdict, wide.decidable) == ("supported", "yes")
    assert np.isnan(wide.more_data)
    assert (narrow.verdict_half, about(0.03).verdict_twice) == ("undecided", "supported")
    sign = one(accuracy("ordering", order=[{"method": "large"}, BIG]), facts)
    assert (sign.decidable, sign.verdict_half) == ("", ""), "no size was claimed, no tolerance"


def test_each_is_one_comparison_per_method(facts: OurFacts) -> None:
    test = accuracy(
        "difference",
        each={"methods": ["big", "small"]},
        a={"method": "each", "epoch": 2},
        b={"method": "each", "epoch": 1},
        expect={"min": 0.0, "max": 0.06},
    )
    found = one(test, facts)
    assert found.verdict == "supported" and found.explanation.count("minus") == 2


def test_most_of_several_need_not_be_all(facts: OurFacts) -> None:
    each = {"methods": ["small", "mini", "tiny", "large"]}
    below = accuracy(
        "difference", a={"method": "each"}, b=BIG, each=each, expect={"max": -0.01}, share=0.75
    )
    most, everyone = one(below, facts), one({**below, "share": 1}, facts)
    assert (most.verdict, everyone.verdict) == ("supported", "contradicted")
    assert "4 comparisons of which 3 must hold" in most.explanation


def test_training_curves_are_judged_on_training_curves(
    tables: Path, predictions: list[Path], tmp_path: Path
) -> None:
    histories = {}
    for method, slow in (("big", 40), ("small", 60)):
        for seed in (1, 2, 3):
            histories[method, seed] = tmp_path / f"{method}{seed}.parquet"
            share = np.array([0.5] * (slow + seed) + [1.0] * (100 - slow - seed))
            history(share).to_parquet(histories[method, seed])
    data = balanced(tmp_path / "data")
    facts = read_facts(
        tables,
        predictions,
        GROUPS,
        "reviews",
        {"deterministic": FIXED},
        None,
        0.95,
        histories,
        data,
    )
    test = {"kind": "ratio", "metric": "examples_to_target", "a": BIG, "b": SMALL}
    found = one({**test, "expect": {"min": 0.5, "max": 0.9}}, facts)
    assert found.verdict == "supported"
    given = {"histories": histories, "data": data, "confidence": 0.95}
    write_table("convergence_table", [tmp_path / "c.csv"], roles={}, **given)
    printed = {row["method"]: row for row in cells(tmp_path / "c.csv")}
    for name in ("examples_to_target", "final_training_accuracy"):
        value = {"kind": "value", "metric": name, "a": SMALL, "expect": {"min": 0}}
        found = one(value, facts)
        row = {
            key: float(cell) for key, cell in printed["small"].items() if cell and key != "method"
        }
        ends = row[f"{name}_low"], row[f"{name}_high"]
        assert (found.low, found.high) == pytest.approx(ends, rel=1e-3)
    single = {key: path for key, path in histories.items() if key[1] == 1}
    facts = read_facts(
        tables, predictions, GROUPS, "reviews", {"deterministic": FIXED}, None, 0.95, single, data
    )
    assert one({**test, "expect": {"min": 0}}, facts).verdict == "undecided"


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (accuracy("value", a={"method": "ghost"}, expect={"min": 0}), "runs of ghost on reviews"),
        (accuracy("value", a={**BIG, "epoch": 9}, expect={"min": 0}), "epoch 9"),
        (accuracy("value", a={"group": {"size": "huge"}}, expect={"min": 0}), "no method with size"),
        ({"kind": "value", "metric": "drop", "a": BIG, "dataset": "x", "expect": {"min": 0}},
         "runs of big on x"),
        ({"kind": "value", "metric": "tokens_per_word", "a": BIG, "expect": {"min": 0}},
         "tokenizers.csv"),
        ({"kind": "value", "metric": "group.size", "a": BIG, "expect": {"min": 0}},
         "a number for size"),
        ({"kind": "value", "metric": "parameters", "a": {"method": "words"}, "expect": {"min": 0}},
         "parameters of words"),
        (accuracy("ranking", a=BIG, among={"methods": ["big"]}, place="highest"), "other methods"),
    ],
)  # fmt: skip
def test_missing_data_is_undecided_and_named(
    facts: OurFacts, test: dict[str, Any], words: str
) -> None:
    found = one(test, facts)
    assert found.verdict == "undecided" and np.isnan(found.p)
    assert found.explanation.startswith("missing: ") and words in found.explanation


def test_one_missing_method_does_not_save_a_contradicted_ranking(facts: OurFacts) -> None:
    table = efficiency()[lambda t: t["method"] != "tiny"]
    test = {"kind": "ranking", "metric": "parameters", "place": "highest", "a": SMALL}
    test |= {"among": EVERY}
    assert one(test, replace(facts, tables={"efficiency": table})).verdict == "contradicted"
    test |= {"a": {"method": "large"}}
    assert one(test, replace(facts, tables={"efficiency": table})).verdict == "undecided"


def test_a_group_fact_of_one_is_not_true() -> None:
    assert select(GROUPS, {"group": {"distilled": True}}) == ["small", "tiny", "mini"]
    assert select(GROUPS, {"group": {"distilled": True}, "except": ["tiny"]}) == ["small", "mini"]
    assert select(GROUPS, {"group": {"layers": 1}}) == ["tiny"]
    assert select(GROUPS, {"group": {"layers": 1.0}}) == ["tiny"], "1.0 is the same number"
    with pytest.raises(Missing, match="no method with layers: True"):
        select(GROUPS, {"group": {"layers": True}})


def test_a_claim_is_as_good_as_its_worst_test(facts: OurFacts) -> None:
    good, bad, open_ = (
        accuracy("difference", a=BIG, b=SMALL, expect=e)
        for e in ({"min": 0.01}, {"max": 0}, {"min": 0.05})
    )
    claims = [claim("1", good, good), claim("2", good, open_), claim("3", good, open_, bad)]
    verdicts = judge(claims, facts, None, 0.95)
    assert [v.verdict for v in verdicts] == ["supported", "undecided", "contradicted"]


def test_a_reason_is_judged_on_its_own(facts: OurFacts) -> None:
    good = accuracy("difference", a=BIG, b=SMALL, expect={"min": 0})
    bad = accuracy("difference", a=BIG, b=SMALL, expect={"max": 0})
    reason = {"claim": {"en": "for that", "zh": "因此"}, "tests": [bad]}
    verdicts = judge([claim("C", good, because=reason)], facts, None, 0.95)
    assert [(v.id, v.claim, v.claim_zh, v.verdict) for v in verdicts] == [
        ("C", "so it is", "so it is", "supported"),
        ("C-because", "for that", "因此", "contradicted"),
    ]


def test_a_table_without_claims_has_none(facts: OurFacts, tmp_path: Path) -> None:
    write_claims(tmp_path / "claims.yaml", facts, tmp_path / "claims.csv", 0.95)
    assert pd.read_csv(tmp_path / "claims.csv").empty


def test_unknown_method_is_an_error(facts: OurFacts, tmp_path: Path) -> None:
    test = accuracy("value", a={"method": "bgi"}, expect={"min": 0})
    with pytest.raises(UserError, match=r"claim C1: no method 'bgi'"):
        written(tmp_path, [claim("C1", test)], facts)
    (tmp_path / "published.csv").write_text("model,epoch,accuracy\nbgi,1,90\n")
    assert list(written(tmp_path, [claim("C1", test)], facts)["verdict"]) == ["undecided"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns="n"), "'n' is missing"),
        (lambda t: t.assign(n="many"), "'n' is not"),
    ],
)
def test_a_broken_table_is_named(
    tables: Path, predictions: list[Path], tmp_path: Path, change: Any, words: str
) -> None:
    change(pd.read_csv(tables / "runs.csv")).to_csv(tmp_path / "runs.csv", index=False)
    with pytest.raises(UserError, match=words):
        read(tmp_path, predictions)
