"""Classes from the values of a label column; what is chosen can be undone, and says how."""

from decimal import Decimal

import numpy as np
import pytest

from finetone.data.labels import LabelColumn
from finetone.errors import UserError
from finetone.proposal.looking.classes import classes_of


@pytest.mark.parametrize(
    ("column", "values", "labels"),
    [
        ("label", {"pos": 5, "neg": 5}, ["neg", "pos"]),
        ("label", {"Positive": 5, "neutral": 1, "Negative": 5}, ["Negative", "neutral", "Positive"]),
        ("label", {"sports": 3, "arts": 3, "trade": 3}, ["arts", "sports", "trade"]),
        ("answer", {"ja": 3, "nein": 3}, ["nein", "ja"]),
        ("label", {"True": 5, "False": 5}, ["false", "true"]),
        ("label", {True: 5, False: 5}, ["false", "true"]),
        ("label", {"TRUE": 5, "false": 5}, ["false", "true"]),
        ("label", {"0": 5, "1": 5}, ["0", "1"]),
        ("label", {0: 5, 1.0: 5}, ["0", "1"]),
        ("label", {"1.00": 5, "2.00": 5, "-0.0": 5}, ["0", "1", "2"]),
        ("label", {Decimal("1.00"): 5, Decimal("2.00"): 5}, ["1", "2"]),
        ("sentiment", {"0.00": 5, "1.00": 5}, ["negative", "positive"]),
        ("label", {str(i): 5 for i in range(1, 6)}, ["1", "2", "3", "4", "5"]),
        ("topic", {str(i): 9 for i in range(20)}, [str(i) for i in range(20)]),
        ("mood", {"01": 1, "1": 1, "2": 1}, ["01", "1", "2"]),
        ("sentiment", {"0": 5, "1": 5}, ["negative", "positive"]),
    ],
)  # fmt: skip
def test_classes_in_an_order_that_has_the_positive_one_last(column, values, labels):
    found = classes_of(column, values, "x.csv")
    assert found.labels == labels and found.threshold is None and not found.label_values


def test_numbers_that_are_written_with_an_exponent():
    found = classes_of("label", {"1e3": 5, " 2E3": 5, "2000": 5}, "x.csv")
    assert found.labels == ["1000", "2000"]
    assert found.label_values == {"1e3": "1000", "2E3": "2000"}
    column = LabelColumn(found.labels, "label", found.label_values)
    assert column.numbers(["1e3", " 2E3", "2000"], np.arange(3)).tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"0": 5, "4": 5}, {"0": "negative", "4": "positive"}),
        ({"-1": 5, "0": 5, "1": 5}, {"-1": "negative", "0": "neutral", "1": "positive"}),
    ],
)
def test_numbers_of_sentiment_get_names(values, names):
    found = classes_of("sentiment", values, "x.csv")
    assert found.label_values == names and "is negative" in found.notes["labels"]


@pytest.mark.parametrize(
    ("column", "numbers", "threshold", "ties"),
    [
        ("stars", range(1, 6), 3, "1 row with 3 left out"),
        ("rating", range(1, 11), 5.5, ""),
        ("overall", range(1, 6), 3, "1 row with 3"),  # called nothing, but plainly stars
        ("score", [2, 4, 5], 3, ""),
        ("score", [-4, -1.5, 0, 2], 0, "1 row with 0"),
        ("score", [0.1, 0.4, 0.9], 0.5, ""),
        ("sentiment", [-0.5, 0.25], 0, ""),
        ("stars", [1, 5], 3, ""),
        ("score", [0, 20, 100], 50, ""),
        ("stars", [1, 2, 3, 4], 2.5, ""),  # four stars may be all there are
    ],
)
def test_ratings_are_cut_in_the_middle_of_their_scale(column, numbers, threshold, ties):
    found = classes_of(column, {str(number): 1 for number in numbers}, "x.csv")
    assert (found.labels, found.threshold) == (["negative", "positive"], threshold)
    assert ties in found.notes["threshold"] and ("left out" in found.notes["threshold"]) == (
        ties != ""
    )


def test_whole_ratings_can_be_classes():
    found = classes_of("stars", {str(i): 9 for i in range(1, 6)}, "x.csv")
    assert found.notes["labels"] == "a class each: labels: [1, 2, 3, 4, 5], and no threshold"
    found = classes_of("label", {str(i): 9 for i in range(1, 6)}, "x.csv")
    assert "two classes instead: threshold: 3" in found.notes["labels"]


def test_a_scale_with_nothing_below_its_middle_is_cut_in_the_middle_of_the_rows():
    found = classes_of("rating", {"3": 10, "4": 20, "5": 70}, "x.csv")
    assert found.threshold == 4.5 and "the middle of the rows" in found.notes["threshold"]


def test_ways_to_write_a_name_are_mapped_and_gaps_counted():
    values = {"Positive": 5, "positive": 9, " positive": 1, "Negative": 7, "": 2, "NaN": 1, None: 1}
    found = classes_of("mood", values, "x.csv")
    assert found.labels == ["Negative", "positive"]
    assert found.label_values == {"Positive": "positive"}
    assert found.missing == 4 and "4 rows" in found.notes["missing_labels"]


def test_none_is_a_class_where_many_rows_say_so():
    found = classes_of("stance", {"favor": 20, "none": 15, "NONE": 5, None: 3, "": 2}, "x.csv")
    assert found.labels == ["favor", "none"] and found.missing == 5
    assert found.label_values == {"NONE": "none"}
    assert "none (20 rows) is taken for a class" in found.notes["labels"]
    few = classes_of("stance", {"favor": 20, "against": 20, "None": 2}, "x.csv")
    assert (few.labels, few.missing) == (["against", "favor"], 2)
    stars = classes_of("rating", {"1": 20, "5": 20, "None": 20}, "x.csv")
    assert (stars.threshold, stars.missing) == (3, 20)


def test_numbers_that_only_look_alike_are_kept_apart():
    found = classes_of("mood", {"01": 5, "1": 5, "2": 5}, "x.csv")
    assert "01 and 1 are kept apart" in found.notes["labels"]
    found = classes_of("mood", {"1.0": 5, "1": 5, "x": 5}, "x.csv")
    assert len(found.labels) == 2, "1.0 is written by programs"


def test_classes_of_a_few_rows_are_left_out_and_named():
    values = {"positive": 300, "Positive": 5, "negative": 200, "postive": 1, "neutral": 2}
    found = classes_of("mood", values, "x.csv")
    assert found.labels == ["negative", "positive"]
    assert found.keep == ["Positive", "negative", "positive"]
    assert found.left_out == {"postive": 1, "neutral": 2}
    assert 'if postive means positive: add it here, and label_values: {"postive": "positive"}' in found.notes["where"]  # fmt: skip
    few = classes_of("mood", {"a": 40, "b": 40, "c": 2}, "x.csv")
    assert few.labels == ["a", "b", "c"], "in a small table every row counts"
    numbers = classes_of("topic", {"1": 90, "2": 90, "7": 2}, "x.csv")
    assert (numbers.labels, numbers.keep) == (["1", "2"], ["1", "2"])


def test_names_that_may_not_be_class_names_are_shortened():
    long = "a very long name of a class " * 4
    values = {f"{long}{i}": 9 for i in range(3)} | {"two\nlines": 9}
    found = classes_of("topic", values, "x.csv")
    assert len(set(found.labels)) == 4 and all(len(name) <= 64 for name in found.labels)
    assert "two lines" in found.labels
    column = LabelColumn(found.labels, "x", found.label_values)
    assert len(set(column.numbers(list(values), np.arange(4)).tolist())) == 4


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"a": 5}, "holds only 'a'; at least two classes"),
        ({"": 5, None: 1}, "holds nothing; at least two"),
        ({f"text {i}": 1 for i in range(50)}, "holds 50 different values in 50 rows, which are no"),
        ({str(i): 1 for i in range(50)}, "holds 50 different numbers, which are no classes"),
    ],
)
def test_what_is_no_label_is_refused(values, told):
    with pytest.raises(UserError, match=f"^x.csv: column 'topic' {told}"):
        classes_of("topic", values, "x.csv")
