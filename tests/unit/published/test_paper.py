"""The audit of the report's own table, as it lies in config/paper."""

import json
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
    return next(g for g in findings["granularity"] if g["table"] == table)


def test_sixteen_accuracies_are_no_multiples_of_one_in_5000(audit):
    found = granularity(audit[0], "published")
    assert (found["values"], found["impossible"]) == (42, 16)


def test_whole_batches_explain_the_column(audit):
    found = granularity(audit[0], "published")
    assert found["explained_by"] == 4992 == 156 * 32 == 312 * 16
    best = found["best"][0]
    assert best == {"n": 4992, "possible": 38, "drop_last_of_batch_sizes": [16, 32]}
    assert found["chance"] == pytest.approx(3.1e-8, rel=0.1)
    assert found["chance_after_search"] < 1e-4


def test_cutting_digits_off_explains_less(audit):
    assert granularity(audit[0], "published")["cut"]["verdict"] == "unexplained"


def test_no_sst2_accuracy_is_possible_with_174_sentences(audit):
    found = granularity(audit[0], "transfer")
    assert (found["n_stated"], found["possible"], found["impossible"]) == (174, 0, 4)
    # 160 is five batches of 32; cut off after the last digit it gives three of the four
    assert found["cut"]["best"][0]["n"] == 160
    assert found["cut"]["best"][0]["possible"] == 3
    assert found["explained_by"] is None  # four values are too few to say so


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
    assert (scratch["beyond"], scratch["reference_accuracy"]) == ("best-of-kind", 0.883)


def test_table_of_values(audit):
    table = audit[1].set_index(["table", "model", "epoch"])
    bert = table.loc[("published", "bert-base", 3)]
    assert bert["flags"] == "impossible-loss beyond-best"
    assert bert["wilson_low"] == pytest.approx(0.9839, abs=5e-5)
    assert bert["clopper_pearson_high"] == pytest.approx(0.9903, abs=5e-5)
    assert bert["lowest_loss"] == pytest.approx(0.0087, abs=5e-5)
    medium = table.loc[("published", "ernie-3.0-medium-zh", 1)]
    assert medium["repeats"] == "ernie-2.0-base-en" and medium["flags"] == "repeats-row"
    copied = audit[1]["repeats"].notna()
    assert (~audit[1]["possible"] & (audit[1]["table"] == "published") & ~copied).sum() == 16


def test_every_check_is_put_in_words(audit):
    sentences = {f["check"]: f["sentence"] for f in audit[0]["findings"]}
    assert set(sentences) == {"granularity", "loss", "repeats", "rankings", "literature"}
    first = audit[0]["findings"][0]["sentence"]
    assert first.startswith("16 of 42") and "38 of them can be k/4992" in first
