"""The audit of the report's own table, as it lies in config/paper."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from finetone.published.table_audit import audit_table

PAPER = Path(__file__).parents[3] / "config" / "paper"


@pytest.fixture(scope="module")
def audit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    audit_table(PAPER, folder / "audit.json", folder / "audit.csv")
    return json.loads((folder / "audit.json").read_text()), pd.read_csv(folder / "audit.csv")


def granularity(findings, table):
    return next(g for g in findings["columns"] if g["table"] == table)


def fits(column):
    return {
        (f["name"], f["of"], f["bare"]): (f["possible"], f["convincing"])
        for f in column["explanations"]
    }


def test_sixteen_accuracies_are_no_multiples_of_one_in_5000(audit):
    found = granularity(audit[0], "published")
    assert (found["values"], len(found["impossible"])) == (42, 16)
    first = found["impossible"][0]
    assert (first["model"], first["epoch"]) == ("ernie-2.0-base-en", 2)
    assert (first["printed"], first["nearest"]) == ("95.23", ["95.22", "95.24"])


def test_every_explanation_of_the_column_that_ties_is_named(audit):
    """4992 and 5008 are as good; with zeros as missing digits they allow all; 25,000 always does."""
    found = granularity(audit[0], "published")
    assert 4992 == 156 * 32 == 312 * 16 and 5008 == 313 * 16
    assert fits(found) == {
        ("drop-last", 4992, False): (38, True),
        ("batch-means", 5008, False): (38, True),
        ("drop-last", 4992, True): (42, True),
        ("batch-means", 5008, True): (42, True),
        ("others", 25000, False): (42, False),
    }
    assert max(f["chance"] for f in found["explanations"] if f["convincing"]) < 1e-5
    assert found["only_stated"] == ["95.70", "96.10", "96.50"]
    assert found["everything_from"] == 10_000


def test_no_sst2_accuracy_is_possible_with_174_sentences(audit):
    found = granularity(audit[0], "transfer")
    assert (found["n_stated"], len(found["impossible"]), found["values"]) == (174, 4, 4)
    # four values are too few to say so, but all sentences would do
    assert fits(found)["others", 872, True] == (4, False)
    assert found["verdict"] == "unexplained"


def test_one_decimal_says_nothing_about_5000_rows(audit):
    assert granularity(audit[0], "baselines")["verdict"] == "powerless"


def test_six_losses_are_too_low_for_their_accuracy(audit):
    impossible = audit[0]["loss"]["impossible"]
    assert {(i["model"], i["epoch"]) for i in impossible} == {
        ("ernie-2.0-base-en-finetuned-squad", 3),
        ("bert-base", 3),
        ("convbert-base", 3),
        ("distilgpt2", 3),
        ("electra-base", 3),
        ("bart-base", 1),
    }


def test_the_medium_row_is_a_copy(audit):
    (copy,) = audit[0]["repeats"]
    assert (copy["model"], copy["original"]) == ("ernie-3.0-medium-zh", "ernie-2.0-base-en")
    assert copy["chance"] < 1e-6


def test_rankings_agree_with_an_independent_count(audit):
    ranking = audit[0]["rankings"]
    assert (ranking["pairs"], ranking["below_level"], ranking["told_apart"]) == (91, 65, 63)
    open_pairs = {frozenset((p["a"], p["b"])) for p in ranking["open"]}
    assert frozenset(("bert-base", "convbert-base")) in open_pairs
    assert frozenset(("bert-base", "gpt2-en")) not in open_pairs


def test_what_is_better_than_anything_known(audit):
    literature = audit[0]["literature"]
    above = {o["model"] for o in literature if o["beyond"] == "best" and o["table"] == "published"}
    assert "bert-base" in above and "gpt2-en" not in above
    assert all(o["epoch"] == 3 for o in literature if o["table"] == "published")
    scratch = next(o for o in literature if o["model"] == "BERT without pretraining")
    assert (scratch["beyond"], scratch["reference_printed"]) == ("best-of-kind", "88.3")


def test_table_of_values(audit):
    table = audit[1].set_index(["table", "model", "epoch"])
    bert = table.loc[("published", "bert-base", 3)]
    assert bert["flags"] == "impossible-loss beyond-best"
    assert bert["wilson_low"] == pytest.approx(0.9839, abs=5e-5)
    assert bert["clopper_pearson_high"] == pytest.approx(0.9903, abs=5e-5)
    assert bert["lowest_loss"] == pytest.approx(0.0087, abs=5e-5)
    medium = table.loc[("published", "ernie-3.0-medium-zh", 1)]
    assert medium["repeats"] == "ernie-2.0-base-en" and medium["flags"] == "repeats-row"
    impossible = table.loc[("published", "bert-base", 2)]
    assert (impossible["printed"], impossible["nearest"]) == (95.41, "95.40 95.42")
    copied = audit[1]["repeats"].notna()
    assert (~audit[1]["possible"] & (audit[1]["table"] == "published") & ~copied).sum() == 16


def test_every_check_is_put_in_words(audit):
    sentences = {f["check"]: f["sentence"] for f in reversed(audit[0]["findings"])}
    assert set(sentences) == {
        "granularity", "powerless", "loss", "repeats", "rankings", "literature",
    }  # fmt: skip
    first = sentences["granularity"]
    assert first.startswith(
        "16 of 42 accuracies in the table cannot come from 5,000 rows. One more"
    )
    assert "moves the accuracy by 0.02 points" in first and "95.23 % cannot occur" in first
    assert "38 of 42 fit 4,992 rows" in first and "k/5,008" in first and "25,000" in first
    assert "95.70, 96.10 and 96.50" in first
    assert "ERNIE-Doc-large (PaddlePaddle/ERNIE" in sentences["literature"]
    assert "unweighted mean cross-entropy in nats" in sentences["loss"]


def test_every_finding_is_put_in_both_languages(audit):
    for finding in audit[0]["findings"]:
        chinese = finding["sentence_zh"]
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)
        numbers = re.findall(r"\d[\d,.]*\d", finding["sentence"])
        assert set(numbers) <= set(re.findall(r"\d[\d,.]*\d", chinese)), chinese
