"""Which files are read, and how the pipeline has to read them."""

import gzip
from pathlib import Path

import pytest

from finetone.errors import UserError
from finetone.proposal.looking.inputs import head_of, open_all, read_as, shown, with_columns


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def files(*names, content="text,label\nfine,1\nbad,0\n"):
    for name in names:
        Path(name).write_text(content)
    return list(names)


def test_names_of_files_say_their_split():
    names = files("imdb_test.csv", "imdb_train.csv", "imdb-validation.csv")
    assert [(t.path.name, t.split) for t in open_all(names, None, None)] == [
        ("imdb_train.csv", "train"),
        ("imdb_test.csv", "test"),
        ("imdb-validation.csv", "dev"),
    ]
    for others in (["a.csv", "test.csv"], ["train-0.csv", "train-1.csv"], ["train.csv", "b.csv"]):
        assert {t.split for t in open_all(files(*others), None, None)} == {""}


def test_a_name_that_says_no_split_beside_train_and_test_is_refused():
    names = files("train.csv", "test.csv", "more.csv")
    with pytest.raises(
        UserError, match=r"^more\.csv: its name says no split, but .* train and test"
    ):
        open_all(names, None, None)


def test_patterns_stand_for_files_each_once():
    files("p-1.csv", "p-2.csv", "what?*.csv")
    assert [str(t.path) for t in open_all(["p-?.csv", "p-1.csv"], None, None)] == ["p-1.csv", "p-2.csv"]  # fmt: skip
    assert [str(t.path) for t in open_all(["./p-1.csv", str(Path("p-1.csv").absolute())], None, None)] == ["p-1.csv"]  # fmt: skip
    assert [str(t.path) for t in open_all(["what?*.csv"], None, None)] == ["what?*.csv"]
    assert shown(open_all(["p-*.csv"], None, None)) == "p-1.csv, p-2.csv"


@pytest.mark.parametrize(
    ("content", "suffix", "given", "needed"),
    [
        ("text;label\na, b;1\n", "csv", {}, {}),
        ("a,b;text;label\n1;a;1\n", "csv", {}, {}),
        ("text,label,x;text;label\n1;a;1\n1;a;1\n", "csv", {}, {"separator": ";"}),
        ("text;label\na;1\n", "csv", {"encoding": "latin1"}, {"encoding": "iso8859-1"}),
        ("text|label\na|1\n", "txt", {"separator": "|"}, {}),
        ('[{"text": "a", "label": 1}]', "json", {}, {}),
    ],
)
def test_only_what_the_pipeline_would_not_find_is_written(content, suffix, given, needed):
    files(f"x.{suffix}", content=content)
    tables = open_all([f"x.{suffix}"], given.get("separator"), given.get("encoding"))
    assert head_of(tables[0])["label"][0] in ("1", 1)
    assert read_as(tables, ["text", "label"], given.get("encoding")) == needed


def test_compressed_and_western_files():
    Path("x.csv.gz").write_bytes(gzip.compress("text;label\ncafé;1\n".encode("cp1252")))
    tables = open_all(["x.csv.gz"], None, None)
    assert head_of(tables[0]) == {"text": ["café"], "label": ["1"]}
    assert read_as(tables, ["text", "label"], None) == {}


def test_a_test_file_without_labels_is_for_later():
    files("train.csv")
    files("test.csv", content="text\nfine\n")
    has, others = with_columns(open_all(["train.csv", "test.csv"], None, None), ["text", "label"])
    assert ([t.path.name for t in has], [t.path.name for t in others]) == (["train.csv"], ["test.csv"])  # fmt: skip
    files("other.csv", content="text,lable\nfine,1\n")
    with pytest.raises(UserError, match=r"other.csv: no column 'label', which train.csv has; did"):
        with_columns(open_all(["train.csv", "other.csv"], None, None), ["text", "label"])


@pytest.mark.parametrize(
    ("name", "content", "options", "told"),
    [
        ("gone.csv", None, {}, "gone.csv: no such file$"),
        ("reveiws.csv", None, {}, "reveiws.csv: no such file; did you mean 'reviews.csv'"),
        ("x.xlsx", b"PK", {}, "x.xlsx: is a spreadsheet; save it as CSV"),
        ("x.csv", b"", {}, "x.csv: is empty"),
        ("x.csv", b"text,label\n", {}, "x.csv: has no rows"),
        ("x.jsonl", b'{"a": [1]}\n', {}, "x.jsonl, line 1: holds no texts and numbers; what is inside 'a' is not read"),
        ("x.csv", "text,label\nочень плохо,1\n".encode("cp1251"), {}, "x.csv, line 2: is not UTF-8 .* give its --encoding, such as"),
        ("x.csv", b"text,label\na,1\n", {"encoding": "cp9999"}, "--encoding cp9999: Python knows no"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_named(name, content, options, told):
    files("reviews.csv")
    if content is not None:
        Path(name).write_bytes(content)
    with pytest.raises(UserError, match=told):
        head_of(open_all([name], None, options.get("encoding"))[0])


def test_a_folder_and_a_file_that_is_too_large(monkeypatch):
    Path("data").mkdir()
    with pytest.raises(UserError, match=r"data: is a folder; name its files, such as data/\*.parq"):
        open_all(["data"], None, None)
    monkeypatch.setattr("finetone.proposal.looking.inputs.MAX_BYTES", 10)
    with pytest.raises(UserError, match="x.csv: is larger than 0 GB; give a part of it"):
        open_all(files("x.csv"), None, None)
