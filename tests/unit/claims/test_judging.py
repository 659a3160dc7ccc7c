from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from finetone.claims.estimate import Estimate, Missing, combine
from finetone.claims.facts import Facts
from finetone.claims.judging import evaluate_claims, write_claims
from finetone.claims.kinds import evaluate
from finetone.claims.outcome import judge
from finetone.errors import UserError
from finetone.statistics.intervals import over_seeds

ROOT = Path(__file__).parents[3]
METRICS = ["loss", "balanced_accuracy", "macro_f1", "mcc", "auc", "brier", "ece"]
TIMES = [
    "ms_per_million_parameters",
    "train_seconds",
    "train_tokens_per_s",
    "inference_examples_per_s",
    "peak_memory_bytes",
]
GROUPS = {
    "big": {"size": "base", "layers": 12, "distilled": False},
    "large": {"size": "base", "layers": 24, "distilled": False},
    "small": {"size": "small", "layers": 6, "distilled": True},
    "tiny": {"size": "small", "layers": 1, "distilled": True},
    "mini": {"size": "mini", "layers": 3, "distilled": True},
}
ACCURACY = {"big": 0.95, "large": 0.951, "small": 0.90, "tiny": 0.80, "mini": 0.85}
PARAMETERS = {"big": 110e6, "large": 330e6, "small": 55e6, "tiny": 5e6, "mini": 20e6}


def runs(n=10000, seeds=(1,), spread=0.0):
    random = np.random.default_rng(0)
    rows = []
    for method, accuracy in ACCURACY.items():
        for seed in seeds:
            noise = spread * random.normal()
            for epoch in (1, 2):
                value = accuracy + noise - (0.02 if epoch == 1 else 0)
                row = dict.fromkeys(METRICS, 1 - value)
                rows.append(
                    {
                        **row,
                        "dataset": "reviews",
                        "method": method,
                        "seed": seed,
                        "epoch": epoch,
                        "kept": epoch == 2,
                        "n": n,
                        "accuracy": value,
                    }
                )
    return pd.DataFrame(rows)


def efficiency():
    rows = [
        {
            **dict.fromkeys(TIMES, 1.0),
            "method": m,
            "parameters": p,
            "non_embedding_parameters": p / 2,
            "seconds_per_32": p / 1e9,
        }
        for m, p in PARAMETERS.items()
    ]
    return pd.DataFrame(rows)


def make_facts(**tables):
    defaults = {"runs": runs(), "efficiency": efficiency()}
    return Facts({**defaults, **tables}, GROUPS, "reviews", 0.95)


def one(test, facts=None):
    (outcome,) = evaluate(test, facts or make_facts())
    return outcome


@pytest.mark.parametrize(("seeds", "spread"), [((1,), 0.0), ((1, 2, 3), 0.01)])
def test_a_lone_accuracy_has_a_score_interval_over_its_own_seeds(seeds, spread):
    facts = make_facts(runs=runs(400, seeds, spread))
    outcome = one(accuracy("value", a={"method": "big"}, expect={"min": 0}), facts)
    table = facts.tables["runs"]
    of_big = table[(table["method"] == "big") & table["kept"]]["accuracy"].to_numpy()
    assert (outcome.low, outcome.high) == over_seeds(of_big, 400, 0.95)


def accuracy(kind, **keys):
    return {"kind": kind, "metric": "accuracy", **keys}


BIG, SMALL = {"method": "big"}, {"method": "small"}
EXPECTED = [
    # difference: 0.05 ± 0.007
    (accuracy("difference", a=BIG, b=SMALL, expect={"min": 0.04, "max": 0.06}), "supported"),
    (accuracy("difference", a=BIG, b=SMALL, expect={"max": 0.04}), "contradicted"),
    (accuracy("difference", a=BIG, b=SMALL, expect={"min": 0.05}), "undecided"),
    # ratio: 1.0556 ± 0.008
    (accuracy("ratio", a=BIG, b=SMALL, expect={"min": 1.04, "max": 1.07}), "supported"),
    (accuracy("ratio", a=BIG, b=SMALL, expect={"min": 1.1}), "contradicted"),
    (accuracy("ratio", a=BIG, b=SMALL, expect={"min": 1.055}), "undecided"),
    # value: 0.95 ± 0.0043
    (accuracy("value", a=BIG, expect={"min": 0.94, "max": 0.96}), "supported"),
    (accuracy("value", a=BIG, expect={"max": 0.94}), "contradicted"),
    (accuracy("value", a=BIG, expect={"min": 0.95}), "undecided"),
    # ordering: big and large are 0.001 apart
    (accuracy("ordering", order=[BIG, SMALL, {"method": "mini"}]), "supported"),
    (accuracy("ordering", order=[BIG, {"method": "mini"}, SMALL]), "contradicted"),
    (accuracy("ordering", order=[{"method": "large"}, BIG, SMALL]), "undecided"),
    # ranking
    (
        accuracy("ranking", place="lowest", a={"method": "tiny"}, among={"methods": [*GROUPS]}),
        "supported",
    ),
    (accuracy("ranking", place="highest", a=SMALL, among={"methods": [*GROUPS]}), "contradicted"),
    (
        accuracy("ranking", place="highest", a={"method": "large"}, among={"methods": [*GROUPS]}),
        "undecided",
    ),
    # correlation over five methods: ranks agree
    (
        {"kind": "correlation", "x": "parameters", "y": "accuracy", "over": {"methods": [*GROUPS]}}
        | {"expect": {"min": 0.9}},
        "supported",
    ),
    (
        {"kind": "correlation", "x": "loss", "y": "accuracy", "over": {"methods": [*GROUPS]}}
        | {"expect": {"min": -0.5, "max": 0.5}},
        "contradicted",
    ),
    (
        {
            "kind": "correlation",
            "x": "group.layers",
            "y": "accuracy",
            "over": {"methods": ["big", "small"]},
        }
        | {"expect": {"min": 0}},
        "undecided",
    ),
    ({"kind": "untestable", "reason": "no clock is named"}, "undecided"),
]


@pytest.mark.parametrize(("test", "verdict"), EXPECTED)
def test_every_kind_reaches_every_verdict(test, verdict):
    outcome = one(test)
    assert (outcome.verdict, outcome.kind) == (verdict, test["kind"])
    assert outcome.explanation


def test_an_undecided_correlation_has_an_interval_across_the_bound():
    table = efficiency()
    table["parameters"] = [1.0, 5.0, 2.0, 4.0, 3.0]
    test = {
        "kind": "correlation",
        "x": "parameters",
        "y": "accuracy",
        "over": {"methods": [*GROUPS]},
    }
    outcome = one(test | {"expect": {"min": 0}}, make_facts(efficiency=table))
    assert outcome.verdict == "undecided" and outcome.low < 0 < outcome.high


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.0, 2.0, "supported"),
        (0.9, 1.5, "undecided"),
        (1.5, 2.1, "undecided"),
        (0.5, 2.5, "undecided"),
        (2.1, 2.2, "contradicted"),
        (0.1, 0.9, "contradicted"),
        (float("nan"), float("nan"), "undecided"),
    ],
)
def test_judging_an_interval(low, high, verdict):
    assert judge(low, high, {"min": 1, "max": 2}) == verdict


def test_paired_intervals_are_preferred_in_either_order():
    comparisons = pd.DataFrame(
        [("reviews", "small", "big", -0.05, -0.0505, -0.0495)],
        columns=["dataset", "a", "b", "difference", "low", "high"],
    )
    outcome = one(
        accuracy("difference", a=BIG, b=SMALL, expect={"min": 0.049}),
        make_facts(comparisons=comparisons),
    )
    assert outcome.verdict == "supported" and "paired" in outcome.explanation
    assert (outcome.effect, outcome.low, outcome.high) == (0.05, 0.0495, 0.0505)


def test_paired_intervals_are_for_kept_epochs_only():
    comparisons = pd.DataFrame(
        [("reviews", "big", "small", 0.5, 0.4, 0.6)],
        columns=["dataset", "a", "b", "difference", "low", "high"],
    )
    test = accuracy("difference", a={**BIG, "epoch": 1}, b=SMALL, expect={"min": 0})
    outcome = one(test, make_facts(comparisons=comparisons))
    assert outcome.effect == pytest.approx(0.03)


def test_unpaired_interval_of_one_seed_is_that_of_two_proportions():
    outcome = one(accuracy("difference", a=BIG, b=SMALL, expect={"min": 0}))
    error = np.sqrt(0.95 * 0.05 / 10000 + 0.9 * 0.1 / 10000)
    assert outcome.high - outcome.low == pytest.approx(2 * 1.96 * error, rel=2e-3)
    assert (outcome.seeds, outcome.rows) == (1, 10000)


def test_seeds_that_differ_widen_the_interval():
    test = accuracy("difference", a=BIG, b=SMALL, expect={"min": 0})
    calm = one(test, make_facts(runs=runs(seeds=(1, 2, 3))))
    wild = one(test, make_facts(runs=runs(seeds=(1, 2, 3), spread=0.02)))
    assert wild.high - wild.low > 2 * (calm.high - calm.low)
    assert wild.seeds == 3


def test_loss_of_a_single_seed_has_no_interval():
    test = {"kind": "difference", "metric": "loss", "a": BIG, "b": SMALL, "expect": {"max": 0}}
    assert one(test).verdict == "undecided"
    assert "single seed" in one(test).explanation
    seeds = make_facts(runs=runs(seeds=(1, 2, 3), spread=1e-4))
    assert one(test, seeds).verdict == "supported"


def test_groups_are_means_over_their_methods():
    base, small = {"group": {"size": "base"}}, {"group": {"distilled": True, "size": "small"}}
    outcome = one(accuracy("difference", a=base, b=small, expect={"min": 0}))
    assert outcome.effect == pytest.approx((0.95 + 0.951) / 2 - (0.9 + 0.8) / 2)
    single = one(accuracy("difference", a=BIG, b=SMALL, expect={"min": 0}))
    assert outcome.high - outcome.low < single.high - single.low


def test_a_group_fact_of_one_is_not_true():
    assert make_facts().select({"group": {"distilled": True}}) == ["small", "tiny", "mini"]
    assert make_facts().select({"group": {"layers": 1}}) == ["tiny"]
    assert make_facts().select({"group": {"layers": 1.0}}) == ["tiny"], "1.0 is the same number"
    with pytest.raises(Missing, match="no method with layers: True"):
        make_facts().select({"group": {"layers": True}})


def test_equals_are_in_no_order():
    table = efficiency().assign(parameters=7.0)
    test = {"kind": "ordering", "metric": "parameters", "order": [BIG, SMALL]}
    assert one(test, make_facts(efficiency=table)).verdict == "contradicted"


def test_an_interval_that_touches_zero_orders_nothing():
    columns = ["dataset", "a", "b", "difference", "low", "high"]
    comparisons = pd.DataFrame([("reviews", "big", "small", 0.01, 0.0, 0.02)], columns=columns)
    test = accuracy("ordering", order=[BIG, SMALL])
    assert one(test, make_facts(comparisons=comparisons)).verdict == "undecided"


def test_more_seeds_on_the_same_rows_do_not_make_more_rows():
    test = accuracy("value", a=BIG, expect={"min": 0})
    once, thrice = one(test), one(test, make_facts(runs=runs(seeds=(1, 2, 3))))
    assert thrice.high - thrice.low == pytest.approx(once.high - once.low)


def test_counts_are_exact_and_times_are_not():
    ratio = {"kind": "ratio", "a": BIG, "b": SMALL, "expect": {"min": 1.9, "max": 2.1}}
    assert one({**ratio, "metric": "parameters"}).verdict == "supported"
    assert one({**ratio, "metric": "flops_per_token"}).low == pytest.approx(2)
    assert one({**ratio, "metric": "seconds_per_32"}).verdict == "undecided"


def test_each_is_one_test_per_method():
    test = accuracy(
        "difference",
        each={"methods": ["big", "small"]},
        a={"method": "each", "epoch": 2},
        b={"method": "each", "epoch": 1},
        expect={"min": 0.01, "max": 0.03},
    )
    outcomes = evaluate(test, make_facts())
    assert [o.verdict for o in outcomes] == ["supported", "supported"]
    assert all(o.effect == pytest.approx(0.02) for o in outcomes)


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (accuracy("value", a={"method": "ghost"}, expect={"min": 0}), "runs of ghost on reviews"),
        (accuracy("value", a={**BIG, "epoch": 9}, expect={"min": 0}), "epoch 9"),
        (
            accuracy("value", a={"group": {"size": "huge"}}, expect={"min": 0}),
            "no method with size",
        ),
        ({"kind": "value", "metric": "drop", "a": BIG, "expect": {"min": 0}}, "transfer.csv"),
        (
            {"kind": "value", "metric": "tokens_per_word", "a": BIG, "expect": {"min": 0}},
            "tokenizers.csv",
        ),
        (
            {"kind": "value", "metric": "group.size", "a": BIG, "expect": {"min": 0}},
            "a number for size",
        ),
    ],
)
def test_missing_data_is_undecided_and_named(test, words):
    outcome = one(test)
    assert outcome.verdict == "undecided"
    assert outcome.explanation.startswith("missing: ") and words in outcome.explanation


def test_one_missing_method_does_not_save_a_contradicted_ranking():
    table = efficiency()[lambda t: t["method"] != "tiny"]
    test = {"kind": "ranking", "metric": "parameters", "place": "highest", "a": SMALL}
    test |= {"among": {"methods": [*GROUPS]}}
    assert one(test, make_facts(efficiency=table)).verdict == "contradicted"


def test_drop_uses_its_own_interval():
    columns = ["dataset", "method", "drop", "drop_low", "drop_high", "seeds", "n"]
    transfer = pd.DataFrame([("other", "big", 0.05, 0.03, 0.07, 2, 174)], columns=columns)
    test = {"kind": "value", "metric": "drop", "a": BIG, "dataset": "other"}
    outcome = one(test | {"expect": {"min": 0.02}}, make_facts(transfer=transfer))
    assert (outcome.verdict, outcome.seeds, outcome.rows) == ("supported", 2, 174)
    assert (outcome.low, outcome.high) == (pytest.approx(0.03), pytest.approx(0.07))


def test_degrees_of_freedom_after_welch():
    """Against scipy's Welch test of two samples."""
    from scipy import stats

    random = np.random.default_rng(3)
    x, y = random.normal(size=5), random.normal(1, 3, size=7)
    samples = [Estimate(v.mean(), v.var(ddof=1) / len(v), len(v) - 1) for v in (x, y)]
    expected = stats.ttest_ind(x, y, equal_var=False).confidence_interval()
    assert combine(samples, [1, -1]).interval(0.95) == pytest.approx(tuple(expected))


def claim(identity, *tests, **keys):
    return {"id": identity, "claim": "so it is", "where": "text", "tests": list(tests), **keys}


def test_a_claim_is_as_good_as_its_worst_test():
    good, bad, open_ = (
        accuracy("difference", a=BIG, b=SMALL, expect=e)
        for e in ({"min": 0.04}, {"max": 0}, {"min": 0.05})
    )
    claims = [claim("1", good, good), claim("2", good, open_), claim("3", good, open_, bad)]
    verdicts = evaluate_claims(claims, make_facts())
    assert [v.verdict for v in verdicts] == ["supported", "undecided", "contradicted"]


def test_a_reason_is_judged_on_its_own():
    good = accuracy("difference", a=BIG, b=SMALL, expect={"min": 0})
    bad = accuracy("difference", a=BIG, b=SMALL, expect={"max": 0})
    verdicts = evaluate_claims(
        [claim("C", good, because={"claim": "for that", "tests": [bad]})], make_facts()
    )
    assert [(v.id, v.claim, v.verdict) for v in verdicts] == [
        ("C", "so it is", "supported"),
        ("C-because", "for that", "contradicted"),
    ]


def write(tmp_path, claims, **tables):
    for name, table in {"runs": runs(), "efficiency": efficiency(), **tables}.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump({"claims": claims}))
    write_claims(path, tmp_path, GROUPS, "reviews", tmp_path / "claims.csv", 0.95)
    return pd.read_csv(tmp_path / "claims.csv")


def test_claims_table(tmp_path):
    good = accuracy("difference", a=BIG, b=SMALL, expect={"min": 0.04})
    table = write(tmp_path, [claim("C1", good), claim("C2", {"kind": "untestable", "reason": "x"})])
    assert list(table.columns) == (
        [
            "id",
            "claim",
            "where",
            "kind",
            "verdict",
            "effect",
            "low",
            "high",
            "unit",
            "seeds",
            "rows",
            "explanation",
        ]
    )
    assert list(table["verdict"]) == ["supported", "undecided"]
    assert table.loc[0, "effect"] == pytest.approx(0.05)


def test_a_table_without_claims_has_none(tmp_path):
    write_claims(
        tmp_path / "claims.yaml", tmp_path, GROUPS, "reviews", tmp_path / "claims.csv", 0.95
    )
    assert pd.read_csv(tmp_path / "claims.csv").empty


def test_unknown_method_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"claim C1: no method 'bgi'"):
        write(tmp_path, [claim("C1", accuracy("value", a={"method": "bgi"}, expect={"min": 0}))])


def test_published_but_unconfigured_method_is_missing_data(tmp_path):
    (tmp_path / "published.csv").write_text("model,epoch,accuracy\nbgi,1,90\n")
    test = accuracy("value", a={"method": "bgi"}, expect={"min": 0})
    assert list(write(tmp_path, [claim("C1", test)])["verdict"]) == ["undecided"]


@pytest.mark.parametrize(
    ("table", "words"),
    [(runs().drop(columns="n"), "'n' is missing"), (runs().assign(n="many"), "'n' is not")],
)
def test_a_broken_table_is_named(tmp_path, table, words):
    with pytest.raises(UserError, match=words):
        write(tmp_path, [claim("C1", {"kind": "untestable", "reason": "x"})], runs=table)


def test_the_paper_contradicts_itself(tmp_path):
    """Its own numbers in place of ours: what its arithmetic does not bear out is contradicted."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    groups = {m: c.get("group", {}) for p in ("models", "baselines") for m, c in config[p].items()}
    published = pd.read_csv(ROOT / "config/paper/published.csv")
    own = published.rename(columns={"model": "method"}).assign(
        dataset="imdb", seed=1, kept=lambda t: t["epoch"] == 3, n=5000
    )
    own["accuracy"] /= 100
    own[[c for c in METRICS if c != "loss"]] = 0.0
    own.to_csv(tmp_path / "runs.csv", index=False)
    last = published[published["epoch"] == 3].dropna()
    pd.DataFrame(
        {
            **dict.fromkeys(TIMES, 1.0),
            "method": last["model"],
            "parameters": last["parameters_millions"] * 1e6,
            "non_embedding_parameters": 1.0,
            "seconds_per_32": last["seconds_per_32"],
        }
    ).to_csv(tmp_path / "efficiency.csv", index=False)
    target = tmp_path / "claims.csv"
    write_claims(ROOT / "config/paper/claims.yaml", tmp_path, groups, "imdb", target, 0.95)
    verdict = pd.read_csv(target).set_index("id")["verdict"]
    assert len([i for i in verdict.index if "-" not in i]) == 20
    assert verdict["C6"] == "supported"  # 95.95 of 98.74 is 97.2 %
    for identity in ("C3", "C7", "C11", "C14"):
        assert verdict[identity] == "contradicted", identity
    assert verdict["C17"] == verdict["C20"] == "undecided"
