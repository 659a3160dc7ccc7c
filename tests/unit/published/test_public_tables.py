"""The audit on public tables of which it is known what is right and what is not.

Each folder in tables/ names its source in setup.yaml; the values stand there as printed.
"""

import shutil
from pathlib import Path

import pytest

from finetone.published.table_audit import audit

TABLES = Path(__file__).parent / "tables"
CLEAN = ("run-glue", "textattack", "distilbert", "model-recycling", "run-glue-f1")


def errors(name, **given):
    return [f for f in audit(TABLES / name, given).summary["findings"] if f["level"] == "error"]


def column(name, **given):
    return audit(TABLES / name, given).summary["columns"][0]


@pytest.mark.parametrize("name", CLEAN)
def test_tables_that_are_right_are_not_accused(name):
    assert errors(name) == []


def test_every_public_table_is_tried():
    wrong = {"run-glue-f1-fp16", "trec-batches", "textattack-stsb"}
    assert {folder.name for folder in TABLES.iterdir()} == {*CLEAN, *wrong}


@pytest.mark.parametrize("name", ["run-glue", "textattack", "model-recycling", "distilbert"])
def test_one_more_unit_in_the_last_digit_is_noticed(name, tmp_path):
    """A check that accuses nobody would pass the test above: each value is moved in turn."""
    found = audit(TABLES / name)
    for result in found.published.results:
        printed = result.values["accuracy"]
        of = found.published.setup.design(result.n).stated
        if of.share(printed) > 0.3:
            continue  # nearly any value would be possible
        moved = shutil.copytree(TABLES / name, tmp_path / "moved", dirs_exist_ok=True)
        text = (moved / "published.csv").read_text()
        row = next(line for line in text.splitlines() if line.strip('"').startswith(result.model))
        wrong = printed.moved(1 if not of.allows(printed.moved(1)) else -1)
        (moved / "published.csv").write_text(
            text.replace(row, row.replace(printed.text, wrong.text))
        )
        summary = audit(moved).summary
        (value,) = (v for c in summary["columns"] for v in c["impossible"])
        assert value["model"] == result.model and printed.text in value["nearest"]


def test_means_are_told_from_single_runs(tmp_path):
    """The same values of a single run are impossible; without `seeds` the number is asked for."""
    said = errors("model-recycling", seeds=1)
    assert "3 of 3 accuracies in the table cannot come from 56 rows." in said[0]["sentence"]
    alone = shutil.copy(TABLES / "model-recycling" / "published.csv", tmp_path / "alone.csv")
    said = audit(Path(alone)).summary["findings"]
    assert "cannot come from one run over 56 rows" in said[0]["sentence"]
    assert all(
        "state their number (`seeds`)" in f["sentence"] for f in said if f["level"] == "error"
    )


def test_what_makes_every_value_possible_is_named_as_such(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("model,accuracy\na,95.23\nb,94.63\n")
    (said,) = (f["sentence"] for f in audit(table, {"n_test": 5000, "other_n": [25000]}).summary["findings"]
               if f["check"] == "granularity")  # fmt: skip
    assert "From 10,000 rows on every value is possible" in said
    assert "25,000 rows or k/10,000 (means over 2 runs or more) can neither be shown" in said


def test_means_of_batches_are_found_out():
    found = column("trec-batches")
    assert [v["nearest"] for v in found["impossible"]] == [
        ["86.00", "86.20"], ["87.00", "87.20"], ["90.00", "90.20"], ["85.60", "85.80"]
    ]  # fmt: skip
    named = {(e["name"], e["of"]) for e in found["explanations"]}
    assert ("batch-means", 64 * 13 * 8) in named  # 64 and 52 have 832 as least common multiple


def test_an_f1_that_no_counts_give_is_found():
    found = audit(TABLES / "run-glue-f1-fp16").summary["contradictions"]
    assert [(c["values"], c["nearest"]) for c in found] == [
        ({"f1": "88.12", "accuracy": "83.58"}, ["88.10", "88.14"])
    ]


def test_a_row_that_was_copied_is_found():
    (copy,) = audit(TABLES / "textattack-stsb").summary["repeats"]
    assert (copy["model"], copy["original"]) == ("distilbert-base-uncased", "distilbert-base-cased")
