"""What is counted in one reading of a table, and which rows are for what."""

import numpy as np
import pytest

from finetone.proposal.looking import survey as surveys
from finetone.proposal.looking.languages import language_of, main_languages
from finetone.proposal.looking.splitting import splitting
from finetone.proposal.looking.survey import survey, tokens_of
from tests.proposing import texts


def batches(rows, size=7, **columns):
    """Batches of `size` rows; columns are lists as long as `rows`."""
    whole = {"text": rows, **columns}
    for start in range(0, len(rows), size):
        yield {name: cells[start : start + size] for name, cells in whole.items()}


def surveyed(rows, files=("",), **columns):
    """A survey of the rows, in as many equal parts as there are files."""
    parts = np.array_split(np.arange(len(rows)), len(files))
    read = [
        (split, batches([rows[i] for i in part], **{n: [c[i] for i in part] for n, c in columns.items()}))
        for split, part in zip(files, parts, strict=True)
    ]  # fmt: skip
    return survey(iter(read), "text")


def test_values_are_counted_by_type_and_rows_without_text_left_out():
    rows = ["a b", "", None, "  ", "c", "d", "e"]
    found = surveyed(rows, label=[1, 1, 1, 1, True, "1", float("nan")])
    assert (found.rows, found.empty, found.filled) == (7, 3, 4)
    values = found.values["label"]
    assert values.codes.tolist() == [0, 1, 2, 3] and values.complete
    assert [type(value) for value in values.values] == [int, bool, str, type(None)]


def test_values_beyond_a_number_are_not_kept(monkeypatch):
    monkeypatch.setattr(surveys, "MOST_VALUES", 3)
    found = surveyed(texts(20), label=[str(i % 5) for i in range(20)]).values["label"]
    assert not found.complete and found.by_value == {"0": 4, "1": 4, "2": 4}
    assert found.codes.tolist() == [0, 1, 2, -1, -1] * 4


def test_repeated_texts_and_their_other_labels():
    rows = ["One text", "one  TEXT", "another", "third", "third", "third"]
    found = surveyed(rows, label=["a"] * 6)
    assert found.repeated(np.array([0, 0, 0, 0, 1, 0], np.int16)) == (3, 3)
    assert found.repeated(np.array([0, 1, 0, 0, -1, 0], np.int16)) == (2, 2), "-1: no class"


def test_test_rows_that_stand_in_train():
    found = surveyed(["a", "b", "c", "A", "d", "c"], files=("train", "test"))
    train = found.values[""].codes == 0
    assert found.shared(np.zeros(6, np.int16), train) == (2, 3)


def test_only_so_many_rows_are_compared(monkeypatch):
    monkeypatch.setattr(surveys, "MOST_ROWS", 10)
    found = surveyed(["same"] * 100, label=["a"] * 100)
    rows = len(found.values["label"].codes)
    assert 10 <= rows <= 20 and found.repeated(np.zeros(rows, np.int16))[0] == rows - 1
    assert found.values["label"].by_value == {"a": 100}


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("a great film!", 6), ("", 2), ("extraordinarily", 5), ("很好看的电影", 8), ("don't 1999", 6)],
)
def test_tokens_are_estimated(text, tokens):
    assert tokens_of(text) == tokens


def test_lengths_of_a_sample():
    found = surveyed(["word " * (1 + i % 100) for i in range(1000)])
    assert len(found.tokens) == 1000
    assert found.quantile(0.95) == 97 and found.longer(90) == pytest.approx(0.12)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("This is a great film and I liked it", "en"),
        ("schöne Grüße, das war sehr gut", "de"),
        ("très bien, j'adore ce film avec les enfants", "fr"),
        ("muy buena película, me gustó el actor", "es"),
        ("这部电影很好看", "zh"),
        ("很好看 iPhone", "zh"),
        ("とても良い映画です", "ja"),
        ("очень хороший фильм", "ru"),
        ("이 영화 좋아요", "ko"),
        ("good", None),
        ("12345", None),
        ("", None),
    ],
)
def test_languages(text, language):
    assert language_of(text) == language


def test_languages_that_count():
    assert main_languages({"en": 90, "de": 5, None: 800}) == ["en"]
    assert main_languages({"fr": 30, "en": 70}) == ["en", "fr"]
    assert main_languages({None: 10}) == ["en"] == main_languages({})


def split(rows, *, files=("",), folds=False, classes=None, **columns):
    found = surveyed(texts(rows), files=files, **columns)
    classes = np.zeros(rows, np.int16) if classes is None else classes
    return splitting(found, classes, list(columns), folds=folds)


@pytest.mark.parametrize(
    ("rows", "rare", "said"),
    [
        (60, 30, {"folds": 5}),
        (60, 5, {"folds": 5}),
        (60, 4, {"folds": 4}),
        (60, 3, {"folds": 3}),
        (60, 2, {"test": 0.3}),
        (60, 1, {"test": 0.3}),
        (9, 4, {"test": 0.3}),
        (1000, 1, {"test": 0.2}),
    ],
)
def test_no_more_folds_than_the_rarest_class_has_texts(rows, rare, said):
    classes = (np.arange(rows) < rare).astype(np.int16)
    found = split(rows, folds=True, classes=classes)
    assert found.split == said
    assert ("different texts" in found.notes.get("split", "")) == (said.get("folds", 5) < 5)


def test_equal_texts_are_one_for_the_folds():
    found = surveyed(["one", "ONE", "two", "three"] * 10)
    classes = np.tile(np.array([0, 0, 1, 1], np.int16), 10)
    assert found.different(classes) == {0: 1, 1: 2}
    assert splitting(found, classes, [], folds=True).split == {"test": 0.3}


@pytest.mark.parametrize(
    ("rows", "said", "train"),
    [
        (2, {"test": 0.5}, 1),
        (300, {"test": 0.3}, 210),
        (1000, {"test": 0.2}, 800),
        (5000, {"test": 0.2, "dev": 0.1}, 3500),
        (100_000, {"test": 0.1, "dev": 0.05}, 85_000),
    ],
)
def test_rows_are_cut_off_as_there_are_enough(rows, said, train):
    found = split(rows)
    assert found.split == said and found.rows["train"] == found.trained == train
    assert ("split" in found.notes) == (rows < 400)


def test_few_rows_are_cross_validated_where_that_can_be_configured():
    found = split(300, folds=True)
    assert found.split == {"folds": 5} and (found.trained, found.rows) == (240, {"train": 300})
    assert "300 rows" in found.notes["split"]
    assert split(400, folds=True).split == {"test": 0.2}
    assert split(8, folds=True).split == {"test": 0.3}


def test_a_column_says_the_split():
    part = ["Training"] * 60 + ["val"] * 20 + ["test"] * 20
    found = split(100, part=part)
    assert found.split == {"column": "part"} and not found.where
    assert found.splits == {"train": "Training", "dev": "val", "test": "test"}
    assert found.rows == {"train": 60, "dev": 20, "test": 20}
    plain = split(100, part=["train"] * 80 + ["test"] * 20)
    assert plain.splits == {} and plain.of_train is not None and plain.of_train.sum() == 80


def test_a_split_whose_labels_are_secret_is_left_out():
    part = ["train"] * 60 + ["dev"] * 20 + ["test"] * 20
    classes = np.array([0] * 80 + [-1] * 20, np.int16)
    found = split(100, part=part, classes=classes)
    assert found.splits == {"train": "train", "test": "dev"} and "splits" in found.notes
    assert found.where == {"part": ["dev", "train"]} and "'test'" in found.notes["where"]


def test_a_column_without_two_splits_says_nothing():
    assert split(100, part=["train"] * 100).split == {"test": 0.3}
    assert split(100, part=["test"] * 50 + ["dev"] * 50).split == {"test": 0.3}


def test_files_stand_for_splits():
    found = split(3000, files=("train", "train", "test"))
    assert found.files == {"train": "train", "test": "test"} and found.split == {"dev": 0.1}
    assert found.rows == {"train": 1800, "test": 1000, "dev": 200}
    assert split(90, files=("train", "dev")).files == {"train": "train", "test": "dev"}
