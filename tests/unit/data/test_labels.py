"""Label columns become class numbers, or the row and value that does not fit is named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetone.data.labels import MISSING, TIE, LabelColumn, require_classes
from finetone.errors import UserError

LABELS = ["negative", "positive"]


def to_numbers(values, labels, config_key, rows=None, **given):
    column = LabelColumn(labels, config_key, **given)
    result = column.numbers(values, np.arange(len(values)) if rows is None else np.array(rows))
    column.refuse_odd()
    return result


@pytest.mark.parametrize(
    "values",
    [
        ["negative", "positive"],
        [" negative", "positive "],
        [0, 1],
        ["0", "1"],
        [0.0, 1.0],
        ["0.0", "1.0"],
        ["0.00", "1.00"],
        ["0.", "+1.000"],
        ["negative", 1],
        [np.int64(0), np.float32(1)],
    ],
)
def test_names_and_numbers_mean_the_same(values):
    result = to_numbers(values, LABELS, "d")
    assert result.dtype == np.int16
    assert result.tolist() == [0, 1]


@pytest.mark.parametrize(
    "value", ["Positive", "", 2, -1, 0.5, "1e0", None, float("nan"), True, "9" * 6000]
)
def test_a_value_outside_is_refused_with_its_row_and_the_allowed_ones(value):
    with pytest.raises(UserError) as caught:
        to_numbers([0, 1, value], LABELS, "datasets.d")
    message = str(caught.value)
    assert "datasets.d, row 3: label" in message
    assert "one of negative, positive or 0 … 1" in message
    assert len(message) < 400


def test_rows_are_named_by_their_place_in_the_source():
    with pytest.raises(UserError, match="row 8: label 'x'"):
        to_numbers(["0", "x"], LABELS, "d", rows=[3, 7])


def test_star_ratings_are_names_not_positions():
    stars = ["1", "2", "3", "4", "5"]
    assert to_numbers([1, "5", 3.0], stars, "d").tolist() == [0, 4, 2]
    with pytest.raises(UserError, match="row 1: label 0"):
        to_numbers([0], stars, "d")


def test_a_map_adds_values_to_the_names_and_takes_the_place_of_numbers():
    kind = {"-1": "negative", "4": "positive", "true": "positive"}
    numbers = to_numbers([-1, "4", True, "True", "negative", 4.0], LABELS, "d", label_values=kind)
    assert numbers.tolist() == [0, 1, 1, 1, 0, 1]
    with pytest.raises(UserError, match=r"row 1: label '0' .* is not -1, 4, true, or one of"):
        to_numbers(["0"], LABELS, "d", label_values=kind)


def test_threshold_marks_ties():
    values = ["-0.6", 2, "0", 0.0, "1e-9", "-0.0"]
    assert to_numbers(values, LABELS, "d", threshold=0).tolist() == [0, 1, TIE, TIE, 1, TIE]


@pytest.mark.parametrize("value", ["", "much", None, "nan", "inf", "1_0", True, 10**400])
def test_threshold_wants_finite_numbers(value):
    with pytest.raises(UserError, match=r"row 1: label .* is not a finite number"):
        to_numbers([value], LABELS, "d", threshold=0)


@given(st.integers(2, 9), st.data())
def test_every_spelling_of_a_class_gives_its_number(k, data):
    labels = [f"class {i}" for i in range(k)]
    numbers = data.draw(st.lists(st.integers(0, k - 1)))
    spell = st.sampled_from([lambda i: i, str, float, lambda i: f"{i}.0", lambda i: labels[i]])
    values = [data.draw(spell)(number) for number in numbers]
    assert to_numbers(values, labels, "d").tolist() == numbers


def test_one_class_cannot_be_trained_on():
    with pytest.raises(UserError, match="the training rows hold only 'positive'"):
        require_classes(np.array([1, 1], dtype=np.int8), LABELS, "datasets.d")


def test_a_declared_class_without_rows_is_only_warned_of(caplog):
    require_classes(np.array([0, 2], dtype=np.int8), ["a", "b", "c"], "datasets.d")
    assert "no training row is labelled b" in caplog.text


def test_names_that_are_written_alike_stay_distinct():
    names = ["01", "1", "2"]
    assert to_numbers(["01", "1", "2", 1, 2.0, "2.0", "02"], names, "d").tolist() == [0, 1, 2, 1, 2, 2, 2]  # fmt: skip
    with pytest.raises(UserError, match=r"label '1\.0' .* is not one of 01, 1, 2"):
        to_numbers(["1.0"], names, "d")  # may be either
    assert to_numbers(["True", "true"], ["true", "True"], "d").tolist() == [1, 0]


@pytest.mark.parametrize("names", [["False", "True"], ["false", "true"], ["FALSE", "TRUE"]])
def test_booleans_are_named_in_any_spelling(names):
    values = [True, False, "True", "FALSE", "true", 0, "1"]
    assert to_numbers(values, names, "d").tolist() == [1, 0, 1, 0, 1, 0, 1]


def test_stars_with_two_classes_are_told_of_the_threshold():
    with pytest.raises(
        UserError, match=r"give, in this entry, threshold: 3 \(above it is 'positive'"
    ):
        to_numbers(["5", "4", "3", "2", "1"], LABELS, "d")


def test_yes_and_no_without_quotes_in_a_map_are_explained():
    with pytest.raises(UserError, match="YAML reads yes, no, on and off as true and false"):
        to_numbers(
            ["yes", "no"], LABELS, "d", label_values={"true": "positive", "false": "negative"}
        )


def test_a_column_of_texts_is_no_column_of_labels():
    with pytest.raises(UserError, match=r"… \(50 in all\) .*is 'x' the column of the labels\?"):
        to_numbers([f"text {i}" for i in range(50)], LABELS, "d (train), column 'x'")


def test_missing_labels_are_dropped_if_asked_but_not_where_they_are_a_class():
    values = ["", None, float("nan"), "N/A", "negative"]
    column = LabelColumn(LABELS, "d", drop_missing=True)
    assert column.numbers(values, np.arange(5)).tolist() == [MISSING] * 4 + [0]
    column.refuse_odd()
    assert to_numbers(["none", "some"], ["none", "some"], "d").tolist() == [0, 1]


@pytest.mark.parametrize("names", [["None", "Some"], ["nan", "1"], ["null", "true"]])
def test_no_value_is_no_class_whatever_the_classes_are_called(names):
    column = LabelColumn(names, "d", drop_missing=True)
    values = [None, float("nan"), names[0], names[1]]
    assert column.numbers(values, np.arange(4)).tolist() == [MISSING, MISSING, 0, 1]
    with pytest.raises(UserError, match=r"label None .* missing_labels: drop"):
        to_numbers([None], names, "d")


def test_a_word_for_no_value_is_not_dropped_where_a_class_is_called_like_it():
    with pytest.raises(UserError, match=r'label \'none\' .* label_values: {"none": "None"}'):
        to_numbers(["none", "Some"], ["None", "Some"], "d", drop_missing=True)
    column = LabelColumn(["?", "Some"], "d", drop_missing=True)
    assert column.numbers(["", "?"], np.arange(2)).tolist() == [MISSING, 0]


def test_numbers_that_do_not_count_from_0_are_all_to_be_mapped():
    with pytest.raises(UserError, match=r'label_values: {"1": "…", "2": "…"}'):
        to_numbers([1, 2], LABELS, "d")
    with pytest.raises(UserError, match=r'label_values: {"maybe": "…"}'):
        to_numbers([1, "maybe"], LABELS, "d")


def test_an_empty_map_is_none():
    assert to_numbers(["0", 1], LABELS, "d", label_values={}).tolist() == [0, 1]
