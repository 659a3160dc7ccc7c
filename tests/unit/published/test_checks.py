import os
import subprocess
import sys
from math import log

import numpy as np
import pytest

from finetone.errors import UserError
from finetone.published.checks import loss_possible, lowest_loss, rankings, repeats, two_proportions
from finetone.published.findings import summarise
from finetone.published.literature import outliers, read_literature
from finetone.published.printed import Printed
from finetone.published.reading import Published, Result
from finetone.published.stated import Setup
from tests import ROOT, library_path


def result(model, epoch, accuracy, loss=None, kind="pretrained", table="published", n=1000):
    values = {"accuracy": Printed.parse(accuracy)}
    if loss:
        values["loss"] = Printed.parse(loss, 1)
    return Result(table, model, epoch, values, n, kind, model)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_no_prediction_beats_the_lowest_loss(classes):
    """Whatever the probabilities: their mean cross-entropy is at least (1 - accuracy)·ln 2."""
    random = np.random.default_rng(classes)
    for sharpness in (0.1, 1, 10, 100):
        logits = sharpness * random.normal(size=(500, classes))
        probabilities = np.exp(logits - logits.max(1, keepdims=True))
        probabilities /= probabilities.sum(1, keepdims=True)
        labels = random.integers(classes, size=500)
        loss = -np.log(np.maximum(probabilities[np.arange(500), labels], 1e-300)).mean()
        accuracy = (probabilities.argmax(1) == labels).mean()
        assert loss >= lowest_loss(accuracy)


def test_the_lowest_loss_is_reached_by_two_equal_guesses():
    """Right for certain or wrong by a hair: no better bound holds, with any number of classes."""
    losses = [0.0] * 9 + [-log(0.5)]
    assert np.mean(losses) == pytest.approx(lowest_loss(0.9))


@pytest.mark.parametrize(
    ("accuracy", "loss", "fine"),
    [
        ("98.42", "0.006", False),
        ("96.10", "0.027", True),  # 0.0270 lies within the rounding
        ("100.00", "0.000", True),
        ("50.00", "0.33", False),
        ("50.00", "0.35", True),
    ],
)
def test_loss_against_accuracy(accuracy, loss, fine):
    assert loss_possible(Printed.parse(accuracy), Printed.parse(loss, 1)) is fine


def test_fractions_are_read_on_their_own_scale():
    assert not loss_possible(Printed.parse("0.9842", 1), Printed.parse("0.006", 1))


def test_repeats_need_every_epoch_and_no_other_loss():
    rows = [result("a", 1, "90.10", "0.3"), result("a", 2, "91.20", "0.2")]
    assert [r.original for r in repeats([*rows, result("b", 1, "90.10"), result("b", 2, "91.20")])]
    assert not repeats([*rows, result("b", 1, "90.10"), result("b", 2, "91.21")])
    assert not repeats([*rows, result("b", 1, "90.10", "0.4"), result("b", 2, "91.20", "0.2")])
    assert not repeats([*rows, result("b", 1, "90.10")])


def test_models_that_answer_with_one_class_are_not_accused():
    """Two such models have the same accuracy and F1, in every epoch."""

    def row(model, epoch, accuracy, f1):
        values = {"accuracy": Printed.parse(accuracy), "f1": Printed.parse(f1)}
        return Result("published", model, epoch, values, 408, method=model)

    best = row("c", 1, "91.18", "93.62")
    rows = [row("a", 1, "68.38", "81.22"), row("b", 1, "68.38", "81.22"), best]
    findings = summarise(Published(Setup(n_test=408, average="binary", positives=279), rows), [])[
        "findings"
    ]
    assert {(f["check"], f["level"]) for f in findings} == {("alike", "note"), ("rankings", "note")}


def test_a_single_equal_value_is_no_repeat():
    assert not repeats([result("a", 0, "90.10"), result("b", 0, "90.10")])


def test_two_copies_name_the_same_original():
    rows = [result(m, e, f"9{e}.10") for m in "abc" for e in (1, 2)]
    assert [(r.model, r.original) for r in repeats(rows)] == [("b", "a"), ("c", "a")]


def test_two_proportions_against_statsmodels():
    from statsmodels.stats.proportion import proportions_ztest

    for a, b, n in [(0.9, 0.91, 5000), (0.5, 0.7, 30), (0.98, 0.98, 100)]:
        expected = proportions_ztest([a * n, b * n], [n, n])[1]
        assert two_proportions(a, b, n) == pytest.approx(expected)
    assert two_proportions(1, 1, 10) == 1


def test_rankings_leave_close_pairs_open():
    found = rankings([result("a", 1, "95.0"), result("b", 1, "94.9"), result("c", 1, "60.0")], 500)
    assert [(p["a"], p["b"]) for p in found["open"]] == [("a", "b")]
    assert (found["pairs"], found["told_apart"]) == (3, 2)


def test_one_model_has_no_ranking():
    assert rankings([result("a", 1, "95.0")], 500)["open"] == []


LITERATURE = """dataset,kind,model,method,value,n,status,source
d,pretrained,big,,95.0,1000,read,somewhere
d,pretrained,tiny,,85.0,,read,somewhere
d,pretrained,huge,,99.0,,memory,nowhere
d,scratch,net,,80.0,,measured,here
"""


def published(*results, baselines=()):
    return Published(Setup(dataset="d", n_test=1000), list(results), [], list(baselines))


def test_literature_flags(tmp_path):
    path = tmp_path / "literature.csv"
    path.write_text(LITERATURE)
    references = read_literature(path)
    table = published(
        result("a", 1, "84.0"),  # too weak, but not its last epoch
        result("a", 2, "95.1"),
        result("b", 1, "90.0"),
        result("b", 2, "84.9"),
        baselines=[result("net", 0, "81.0", kind="scratch", table="baselines")],
    )
    found = {
        (o.result.model, o.result.epoch): (o.beyond, o.reference.model)
        for o in outliers(table, references)
    }
    assert found == {
        ("a", 2): ("best", "big"),
        ("b", 2): ("weakest-of-kind", "tiny"),
        ("net", 0): ("best-of-kind", "net"),
    }


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (",read,", ",seen,", "status 'seen'"),
        ("95.0", "950", "not between 0 and 100"),
        ("95.0", "x", "value 'x'"),
    ],
)
def test_literature_must_be_what_it_says(tmp_path, old, new, words):
    path = tmp_path / "literature.csv"
    path.write_text(LITERATURE.replace(old, new, 1))
    with pytest.raises(UserError, match=words):
        read_literature(path)


@pytest.mark.parametrize("seed", range(10))
def test_a_clean_table_raises_no_flag(seed):
    """Accuracies that are counts, losses that predictions gave: nothing but open rankings."""
    random = np.random.default_rng(seed)
    results = []
    for model in range(14):
        for epoch in (1, 2, 3):
            p_true = random.beta(4, 1, size=2000)
            accuracy, loss = (p_true > 0.5).mean(), -np.log(p_true).mean()
            results.append(
                result(f"m{model}", epoch, f"{100 * accuracy:.2f}", f"{loss:.3f}", n=2000)
            )
    setup = Setup(dataset="d", n_test=2000, batch_sizes=(16, 32))
    found = summarise(Published(setup, results), [])
    assert {f["check"] for f in found["findings"]} <= {"rankings"}


def test_the_chance_of_a_copy_is_the_same_number_in_every_process():
    """Python orders sets of texts anew in each process, and rounding depends on the order."""
    code = (
        "from pathlib import Path; from finetone.published.table_audit import audit; "
        f"print([c['chance'] for c in audit(Path({str(ROOT / 'config/paper')!r})).summary['repeats']])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": library_path(), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")  # between which the last digit was another
    }
    assert len(said) == 1
