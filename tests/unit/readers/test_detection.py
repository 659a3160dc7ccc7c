"""Separators, encodings and kinds of JSON are found, or asked for."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finetone.errors import UserError
from finetone.readers.encodings import is_western, proven
from finetone.readers.table_file import TableFile
from tests.reading import read_table

COLUMNS = ["text", "label"]
ROWS = {"text": ["good; really, yes", "bad | it's\nno"], "label": ["1", "0"]}


def delimited(separator: str, end: str = "\n") -> str:
    cells = [["id", *COLUMNS], *zip("12", ROWS["text"], ROWS["label"], strict=True)]
    return "".join(separator.join(f'"{c}"' if c in ROWS["text"] else c for c in row) + end for row in cells)  # fmt: skip


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("separator", [",", ";", "|", "\t"])
def test_separators_and_marks_are_found(separator, end, encoding, pack):
    name = "x.csv" if pack is bytes else "x.csv.gz"
    table = TableFile(pack(delimited(separator, end).encode(encoding)), name)
    (batch,) = table.batches(COLUMNS)
    assert batch == ROWS
    assert table.read_as == {"encoding": encoding, "separator": separator}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", 'sep=;\r\ntext;label\r\n"good; really, yes";1\r\n'),
        ("x.txt", 'text;label\n"good; really, yes";1\n'),
        ("x.tsv", 'text\tlabel\ngood; really, yes\t1\n'),
        ("x.tsv", '"text"\t"label"\n"good; really, yes"\t"1"\n'),
        ("x.tab", "\ntext\tlabel\ngood; really, yes\t1\n"),
        ("x.csv", '"a, b";text;label\n1;good; really, yes;1\n'.replace("good; really, yes", '"good; really, yes"')),
        ("x.json", '\ufeff [ {"label": "1", "text": "good; really, yes"} ] \n'),
        ("x.jsonl", '[\n{"label": "1",\n "text": "good; really, yes"}\n]'),
        ("x.json", '{"text": "good; really, yes", "label": "1"}\n\n'),
    ],
)  # fmt: skip
def test_what_programs_write(name, content):
    assert read_table(content.encode(), name, COLUMNS) == {"text": ["good; really, yes"], "label": ["1"]}  # fmt: skip


def test_a_separator_that_is_given_decides():
    with pytest.raises(
        UserError, match="x.csv, line 1: no column 'text'; did you mean 'text;label'"
    ):
        read_table(b"text;label\na;1\n", "x.csv", COLUMNS, separator=",")


def test_lines_are_counted_behind_excels_hint():
    with pytest.raises(
        UserError, match="x.csv, line 4: has 3 fields, the header has 2; put a text"
    ):
        read_table(b"sep=;\ntext;label\na;1\na;b;1\n", "x.csv", COLUMNS)


WESTERN = ["Le café est très bon, « déjà vu »", "schöne Grüße, Straße", "señor ¿qué?", "naïve – bad",
           "crème brûlée for 5 €", "smörgåsbord på svenska", "FAÇADE", "Ça va bien"]  # fmt: skip
OTHERS = {
    "cp1250": ["Příliš žluťoučký kůň úpěl", "dobře, příští týden", "ładny żółw śpi"],
    "cp1251": ["очень хороший фильм", "плохо"],
    "cp1253": ["πολύ καλή ταινία"],
    "cp1254": ["çok güzel bir şey değil mi, ışık"],
    "gb18030": ["这部电影很好看，我喜欢"],
    "shift_jis": ["とても良い映画です"],
    "mac-roman": ["le café est très bon, déjà vu"],
    "koi8-r": ["очень хороший фильм"],
}


def test_western_text_that_is_not_utf8_is_read_as_cp1252():
    content = "text,label\n" + "plain,1\n" * 12_000 + "".join(f'"{t}",0\n' for t in WESTERN)
    table = TableFile(content.encode("cp1252"), "x.csv")
    texts = [text for batch in table.batches(COLUMNS) for text in batch["text"]]
    assert texts == ["plain"] * 12_000 + WESTERN, "no row twice, though reading began anew"
    assert table.read_as == {"encoding": "cp1252", "separator": ","}


@pytest.mark.parametrize("encoding", OTHERS)
def test_other_encodings_are_asked_for_and_can_be_given(encoding):
    content = ("text,label\n" + "".join(f'"{t}",0\n' for t in OTHERS[encoding])).encode(encoding)
    with pytest.raises(UserError, match=r"x.csv, line \d: is not UTF-8 .*; give its encoding:"):
        read_table(content, "x.csv", COLUMNS)
    assert read_table(content, "x.csv", COLUMNS, encoding=encoding)["text"] == OTHERS[encoding]


CHINESE = [
    "这部电影很好看，我喜欢它的故事，也喜欢里面的人",
    "太差了，一点也不好看，我看了一个小时就走了，不推荐给大家",
]


def test_chinese_text_that_is_not_utf8_is_read_as_gb18030():
    content = "text,label\n" + "plain,1\n" * 300 + "".join(f'"{t}",0\n' for t in CHINESE * 5)
    table = TableFile(content.encode("gbk"), "x.csv")
    texts = [text for batch in table.batches(COLUMNS) for text in batch["text"]]
    assert texts == ["plain"] * 300 + CHINESE * 5
    assert table.read_as == {"encoding": "gb18030", "separator": ","}


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("big5", "這部電影很好看，我非常喜歡它的故事，也喜歡演員的表演，值得一看"),
        ("shift_jis", "とても良い映画です。とても感動しました。また見たいと思います。"),
        ("euc-kr", "이 영화는 정말 재미있었고 배우들의 연기도 아주 좋았습니다 추천합니다"),
        ("cp1251", "очень хороший фильм, мне понравилось, рекомендую всем посмотреть"),
        ("cp1256", "فيلم جيد جدا أعجبني كثيرا"),
        ("tis-620", "ภาพยนตร์เรื่องนี้ดีมาก ฉันชอบมาก"),
    ],
)
def test_other_texts_are_not_taken_for_chinese(encoding, text):
    assert proven(lambda: [f"{text}\n".encode(encoding)] * 20) is None


def test_chinese_in_two_encodings_proves_nothing():
    text = CHINESE[0] + "\n"
    assert proven(lambda: [text.encode("gbk")] * 20) == "gb18030"
    assert proven(lambda: [text.encode("gbk")] * 20 + [text.encode()]) is None
    assert proven(lambda: [text.encode("gbk")] * 20 + [b"\xff\n"]) is None


def test_fractions_and_signs_are_western_too():
    lines = ["2½ stars, ¾ of it naïve", "10¢ ¦ ¨", "co\u00adoperate"]
    assert is_western([f"{line}\n".encode("cp1252") for line in lines])


def test_two_encodings_in_one_file_prove_nothing():
    assert not is_western(["café\n".encode(), "café\n".encode("cp1252")])
    assert is_western([b"plain\n", "café\n".encode("cp1252")])


def test_an_encoding_that_is_wrong_is_named_with_the_line():
    content = "text,label\na,1\ncafé,0\n".encode("cp1252")
    with pytest.raises(UserError, match=r"x.csv, line 3: is not ascii \(byte 0xe9\)"):
        read_table(content, "x.csv", COLUMNS, encoding="ascii")


def test_an_array_on_one_line_longer_than_any_line_may_be(monkeypatch):
    monkeypatch.setattr("finetone.readers.limits.MAX_RECORD", 100_000)
    rows = [{"text": f"{i} \u00e9 \\ \" \n {'x' * (i % 500)}", "label": i % 2} for i in range(20_000)]  # fmt: skip
    for text in (json.dumps(rows), json.dumps(rows, indent=1, ensure_ascii=False)):
        found = read_table(text.encode(), "x.json", COLUMNS)
        assert found["text"] == [row["text"] for row in rows]
        assert found["label"] == [row["label"] for row in rows]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('[{"text": "a", "label": 1}', "line 1: the array has no end"),
        ('[{"text": "a", "label": 1},\n', "line 2: the array has no end"),
        ('[{"text": "a", "label": 1}\n{"text"', "line 2: has no comma between two objects"),
        ('[{"text": "a", "label": 1}]\n x', "line 2: goes on after the end of the array"),
        ('[\n1]', "line 2: is no JSON object"),
        ('[{"text": "a",\n "label": nope}]', "line 2: is not valid JSON"),
        ('[{"text": "a", "text": "b"}]', r"line 1: is not valid JSON \(a key is given twice"),
        ('[{"text": "a"}]', "line 1: has no key 'label'"),
        ('[{"text": "\\ud800", "label": 1}]', "line 1: holds half of a surrogate pair"),
        ('{"data": [\n', r"line 1: is not valid JSON .*; write one object per line, or an array"),
        ("[]", "has no rows"),
    ],
)  # fmt: skip
def test_arrays_that_are_none_are_refused_with_the_line(content, told):
    with pytest.raises(UserError, match=f"^x.json(, |: ){told}"):
        read_table(content.encode(), "x.json", COLUMNS)


def test_an_array_that_is_not_utf8_is_named_with_the_line():
    content = b'[\n{"text": "a", "label": 1},\n{"text": "' + b'\x81", "label": 0}]'
    with pytest.raises(UserError, match="x.json, line 3: is not UTF-8"):
        read_table(content, "x.json", COLUMNS)
    with pytest.raises(UserError, match="x.json, line 1: is not UTF-8"):
        read_table(b'[{"text": "a", "label": 1}]\x81', "x.json", COLUMNS)


def test_an_endless_value_is_refused(monkeypatch):
    monkeypatch.setattr("finetone.readers.limits.MAX_RECORD", 1000)
    with pytest.raises(UserError, match="x.json, line 1: is longer than 0 MB, or never ends"):
        read_table(b'[{"text": "' + b"a" * 5_000_000, "x.json", COLUMNS)


@pytest.mark.parametrize("separator", [",", ";", "|", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_columns_are_found_without_their_names(separator, encoding):
    table = TableFile(delimited(separator).encode(encoding), "x.csv")
    assert table.settle() == ["id", *COLUMNS]
    assert table.read_as == {"encoding": encoding, "separator": separator}
    assert table.first(COLUMNS) == ROWS


@pytest.mark.parametrize(
    ("name", "content", "columns"),
    [
        ("x.csv", 'sep=;\r\na,b;c\r\n"1;2",3;4\r\n', ["a,b", "c"]),
        ("x.csv", '\n"a, b";c\n"one\nmore, and more, lines";"2"\n', ["a, b", "c"]),
        ("x.csv", 'a;b\n"' + "one, more\n" * 300 + '";2\n', ["a", "b"]),
        ("x.tsv", 'a\tb\n"unpaired\t2\n', ["a", "b"]),
        ("x.tsv", '"a"\t"b"\n"1"\t"2"\n', ["a", "b"]),
        ("x.csv", "text\none, two\n", ["text"]),
        ("x.csv", "a,b,\n1,2,\n", ["a", "b", ""]),
        ("x.jsonl", '{"a": 1, "b": [2], "c": null}\n{"c": "x", "a": 1, "b": 3}\n{"a": 1, "c": 2, "d": 4}\n', ["a", "c", "d"]),
        ("x.json", '[{"a": 1, "b": {}}]', ["a"]),
    ],
)  # fmt: skip
def test_columns_of_what_programs_write(name, content, columns):
    assert TableFile(content.encode(), name).settle() == columns


def test_western_columns_are_found():
    content = "text;café\n" + "plain;1\n" * 500 + "".join(f'"{t}";0\n' for t in WESTERN)
    table = TableFile(content.encode("cp1252"), "x.csv")
    assert table.settle() == ["text", "café"]
    assert table.read_as == {"encoding": "cp1252", "separator": ";"}
    with pytest.raises(UserError, match="give its encoding:"):
        TableFile("text,оценка\nда,1\n".encode("cp1251"), "x.csv").settle()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.csv", b"", "x.csv: is empty"),
        ("x.csv.gz", b"nothing", "x.csv.gz: broken gzip file"),
        ("x.parquet", b"nothing", "x.parquet: not a readable Parquet file"),
    ],
)
def test_columns_of_what_is_no_table(name, content, told):
    with pytest.raises(UserError, match=told):
        TableFile(content, name).settle()


def test_nested_columns_of_parquet_have_no_cells(tmp_path):
    table = pa.table({"text": ["a"], "words": [["a"]], "label": [1]})
    pq.write_table(table, tmp_path / "x.parquet")
    assert TableFile(tmp_path / "x.parquet", "x.parquet").settle() == COLUMNS
