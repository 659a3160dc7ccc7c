"""Precision, recall, F1 and MCC against all tables of counts."""

from itertools import product
from math import sqrt

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef, precision_recall_fscore_support

from finetone.published.confusion import counts_possible, f1_possible
from finetone.published.consistency import contradiction
from finetone.published.findings import summarise
from finetone.published.printed import Printed
from finetone.published.reading import Published, Result
from finetone.published.stated import Setup


def metrics(n, positives, true, false):
    """By their definitions, from counts of true and false positives."""
    missed, negatives = positives - true, n - positives
    product = (true + false) * (n - true - false) * positives * negatives
    return {
        "accuracy": (n - missed - false) / n,
        "error": (missed + false) / n,
        "precision": true / (true + false) if true + false else 0,
        "recall": true / positives,
        "f1": 2 * true / (2 * true + false + missed) if true else 0,
        "mcc": (true * (negatives - false) - false * missed) / sqrt(product) if product else 0,
    }


@pytest.mark.parametrize("seed", range(60))
def test_values_are_possible_where_some_table_gives_them(seed):
    random = np.random.default_rng(seed)
    n = int(random.integers(5, 50))
    positives = int(random.integers(1, n))
    tables = list(product(range(positives + 1), range(n - positives + 1)))
    given = metrics(n, positives, *tables[random.integers(len(tables))])
    names = random.permutation(list(given))[: random.integers(1, 5)]
    printed = {str(name): Printed.parse(f"{100 * given[name]:.1f}") for name in names}
    assert counts_possible(n, positives, printed, "nearest")
    moved = {k: v.moved(int(random.integers(-9, 10))) for k, v in printed.items()}
    bounds = {k: [float(b) for b in v.between("nearest")] for k, v in moved.items()}
    found = any(
        all(low - 1e-12 <= row[k] <= high + 1e-12 for k, (low, high) in bounds.items())
        for row in (metrics(n, positives, *table) for table in tables)
    )
    assert counts_possible(n, positives, moved, "nearest") == found


def test_large_counts_do_not_overflow():
    printed = {"f1": Printed.parse("0.88776655443322110", 1), "accuracy": Printed.parse("0.9", 1)}
    assert counts_possible(10_000_000, 4_000_000, printed)


def test_f1_of_averages_is_only_bounded_from_above():
    """Macro-averages over two classes; their F1 is below the harmonic mean of the averages."""
    averages = {"precision": Printed.parse("75.0"), "recall": Printed.parse("62.5")}

    def possible(f1, exact):
        return f1_possible({"f1": Printed.parse(f1), **averages}, exact=exact)

    assert possible("68.2", exact=True)
    assert possible("45.0", exact=False) and not possible("45.0", exact=True)
    assert not possible("70.0", exact=False)


def row(**texts):
    values = {name: Printed.parse(text) for name, text in texts.items()}
    return Result("published", "a", 0, values, 408)


@pytest.mark.parametrize(
    ("setup", "texts", "why", "nearest"),
    [
        (Setup(average="binary", positives=279), {"f1": "88.85", "accuracy": "84.07"}, None, None),
        (
            Setup(average="binary", positives=279),
            {"f1": "88.87", "accuracy": "84.07"},
            "counts",
            ["88.85", "88.89"],
        ),
        (
            Setup(average="binary"),
            {"f1": "88.87", "accuracy": "84.07"},
            "counts",
            ["88.85", "88.89"],
        ),
        (Setup(average="macro"), {"f1": "88.87", "accuracy": "84.07"}, None, None),
        (Setup(average="binary", seeds=5), {"f1": "88.87", "accuracy": "84.07"}, None, None),
        (Setup(average="binary"), {"f1": "100.0", "accuracy": "100.0"}, None, None),
        (Setup(), {"error": "15.93", "accuracy": "84.07"}, None, None),
        (Setup(), {"error": "15.95", "accuracy": "84.07"}, "complement", ["15.93"]),
        (
            Setup(average="binary"),
            {"f1": "70.0", "precision": "75.0", "recall": "62.5"},
            "harmonic",
            ["68.2"],
        ),
        (Setup(average="macro"), {"f1": "45.0", "precision": "75.0", "recall": "62.5"}, None, None),
        (
            Setup(average="macro"),
            {"f1": "70.0", "precision": "75.0", "recall": "62.5"},
            "average",
            ["68.2"],
        ),
        (
            Setup(positives=279),
            {"mcc": "99.0", "accuracy": "84.07"},
            "counts",
            [],  # farther than is sought
        ),
    ],
)
def test_values_of_a_row_are_held_against_each_other(setup, texts, why, nearest):
    found = contradiction(row(**texts), setup)
    assert (found and found.why) == why
    assert (found and [p.text for p in found.nearest]) == nearest


@pytest.mark.parametrize("average", ["binary", "micro", "macro", "weighted"])
@pytest.mark.parametrize(
    ("seeds", "statistic"), [(1, "mean"), (5, "mean"), (4, "median"), (3, "best")]
)
def test_no_honest_table_is_accused(average, seeds, statistic):
    """All metrics of random predictions, by scikit-learn, as means, medians or best of runs."""
    random = np.random.default_rng(seeds)
    over = {"mean": np.mean, "median": np.median, "best": np.max}[statistic]
    n, results = 277, []
    label = random.permutation(np.arange(n) < 131).astype(int)
    for model in range(6):
        runs = []
        for _ in range(seeds):
            p = random.beta(4, 2, size=n)  # of the right class
            predicted = np.where(p > 0.5, label, 1 - label)
            scores = precision_recall_fscore_support(label, predicted, average=average)[:3]
            accuracy = (predicted == label).mean()
            mcc = matthews_corrcoef(label, predicted)
            runs.append([accuracy, 1 - accuracy, *scores, mcc, -np.log(p).mean()])
        names = ("accuracy", "error", "precision", "recall", "f1", "mcc", "loss")
        values = dict(zip(names, over(runs, axis=0), strict=True))
        values["error"] = (
            over([run[1] for run in runs]) if statistic != "best" else 1 - values["accuracy"]
        )
        printed = {
            name: Printed.parse(f"{v:.3f}", 1)
            if name == "loss"
            else Printed.parse(f"{100 * v:.2f}")
            for name, v in values.items()
        }
        results.append(Result("published", f"m{model}", 0, printed, n))
    positives = 131 if average == "binary" else None
    setup = Setup(n_test=n, seeds=seeds, statistic=statistic, average=average, positives=positives)
    findings = summarise(Published(setup, results), [])["findings"]
    assert [f["sentence"] for f in findings if f["level"] == "error"] == []
