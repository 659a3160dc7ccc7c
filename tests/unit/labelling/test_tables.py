"""Rows and columns of a table come out as they went in, in every format, with ours after them."""

import csv
import datetime
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finetone.errors import UserError
from finetone.labelling.output import free_name, writer
from finetone.readers import whole_table
from finetone.readers.whole_table import WholeTable

OURS = {"label": ["pos", None], "probability": [0.75, None]}


def through(given: Path, target: Path, text: str = "text", name: str | None = None) -> None:
    """Read a table of two rows and write it with two columns."""
    table = WholeTable(given, name or given.name)
    out = None
    for window in table.windows(text):
        out = out or writer(target, target.name, table.read_as)
        out.write(window, OURS)
    assert out is not None and table.done == 1.0
    out.close()


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("a.csv", b'text,n\n"a ""b"", c",007\n"two\nlines",NA\n',
         b'text,n,label,probability\n"a ""b"", c",007,pos,0.75\n"two\nlines",NA,,\n'),
        ("a.csv", "\ufefftext;n;;\nwürde;1,5;;\nx;=1+1;;\n".encode(),
         "\ufefftext;n;;;label;probability\nwürde;1,5;;;pos;0.75\nx;=1+1;;;;\n".encode()),
        ("a.csv", "text|n\r\nça va|1\r\nx|2\r\n".encode("cp1252"),
         "text|n|label|probability\nça va|1|pos|0.75\nx|2||\n".encode()),
        ("a.csv", b"sep=;\ntext;n\na;1\nb;2\n", b"text;n;label;probability\na;1;pos;0.75\nb;2;;\n"),
        ("a.tsv", b'text\tn\n"unpaired\t1\nb\t2\n', b'text,n,label,probability\n"""unpaired",1,pos,0.75\nb,2,,\n'),
    ],
)  # fmt: skip
def test_cells_of_delimited_tables_stay_as_they_are(
    tmp_path: Path, name: str, given: bytes, expected: bytes
) -> None:
    (tmp_path / name).write_bytes(given)
    through(tmp_path / name, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == expected


def test_a_bare_carriage_return_breaks_no_row(tmp_path: Path) -> None:
    rows = [{"text": "two\rlines", "n": 1}, {"text": "b", "n": float("inf")}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    through(tmp_path / "a.parquet", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as stream:
        found = list(csv.reader(stream))
    assert found[1:] == [["two\rlines", "1.0", "pos", "0.75"], ["b", "inf", "", ""]]
    (window,) = WholeTable(tmp_path / "out.csv", "out.csv").windows("text")
    assert window.texts == ["two\rlines", "b"]


def test_a_table_of_tabs_has_no_quotes(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text('text\tn\n"unpaired\t1\nb\t2\n')
    through(tmp_path / "a.tsv", tmp_path / "out.tsv")
    expected = 'text\tn\tlabel\tprobability\n"unpaired\t1\tpos\t0.75\nb\t2\t\t\n'
    assert (tmp_path / "out.tsv").read_text() == expected
    (tmp_path / "a.csv").write_text('text,n\na,1\n"two\nlines",2\n')
    with pytest.raises(UserError, match=r"out.tsv: row 2 holds a tab or a line break"):
        through(tmp_path / "a.csv", tmp_path / "out.tsv")


def test_objects_keep_their_keys_and_types(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "text": "a", "tags": ["x", {"y": None}]},
        {"text": "b", "id": None, "ok": True},
    ]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    for target in ("out.jsonl", "out.csv"):
        through(tmp_path / "a.json", tmp_path / target)
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert found == [
        {**row, "label": label, "probability": chance}
        for row, label, chance in zip(rows, OURS["label"], OURS["probability"], strict=True)
    ]
    expected = (
        'id,text,tags,ok,label,probability\n1,a,"[""x"", {""y"": null}]",,pos,0.75\n,b,,true,,\n'
    )
    assert (tmp_path / "out.csv").read_text() == expected


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "text": ["a", None],
            "when": pa.array([datetime.date(2026, 1, 2)] * 2),
            "list": [[1, 2], None],
            "x": [1.5, float("nan")],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    packed = tmp_path / "b.parquet.gz"
    packed.write_bytes(gzip.compress((tmp_path / "a.parquet").read_bytes()))
    for given in (tmp_path / "a.parquet", packed):
        through(given, tmp_path / "out.parquet")
        found = pq.read_table(tmp_path / "out.parquet")
        assert found.schema.field("probability").type == pa.float32()
        assert found.select(table.column_names).equals(table) or found["x"][1].as_py() != 0
        assert found.select(["text", "when", "list"]).equals(table.select(["text", "when", "list"]))
        assert found["label"].to_pylist() == OURS["label"]
    through(tmp_path / "a.parquet", tmp_path / "out.jsonl")
    first, second = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert first["when"] == "2026-01-02" and first["list"] == [1, 2] and second["x"] is None
    (tmp_path / "c.csv").write_text("text,,\na,1,2\nb,3,4\n")
    through(tmp_path / "c.csv", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").column_names[:3] == [
        "text",
        "column 2",
        "column 3",
    ]


def test_rows_that_do_not_fit_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_table, "ROWS", 2)
    first = [{"text": "a", "n": 1}, {"text": "b", "n": 2}]
    for later, target, told in (
        ({"text": "c", "new": 3}, "out.csv", r"from row 3 on there is a key 'new'"),
        ({"text": "c", "n": "many"}, "out.parquet", r"rows from 3 on do not fit the columns"),
    ):
        lines = [*first, later, later]
        (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
        with pytest.raises(UserError, match=told):
            through(tmp_path / "a.jsonl", tmp_path / target)
    (tmp_path / "a.jsonl").write_text('{"text": 5}\n')
    with pytest.raises(UserError, match=r"a.jsonl, row 1: 'text' holds no text \(int\)"):
        through(tmp_path / "a.jsonl", tmp_path / "out.jsonl")
    (tmp_path / "a.jsonl").write_text('{"texts": "a"}\n')
    with pytest.raises(UserError, match="has no key 'text'; did you mean 'texts'"):
        through(tmp_path / "a.jsonl", tmp_path / "out.jsonl")
    (tmp_path / "a.csv").write_text("text,n\n")
    with pytest.raises(UserError, match="has no rows"):
        through(tmp_path / "a.csv", tmp_path / "out.csv")
    (tmp_path / "a.csv").write_bytes("текст,text\n".encode("cp1251") + b"a,b\n")
    with pytest.raises(UserError, match="is not UTF-8"):
        through(tmp_path / "a.csv", tmp_path / "out.csv")
    with pytest.raises(UserError, match=r"out.xlsx: the name .* must end in .csv, .tsv"):
        writer(tmp_path / "x", "out.xlsx", {})
    (tmp_path / "a.parquet").write_bytes(b"PAR1 damaged")
    with pytest.raises(UserError, match="not a readable Parquet file"):
        through(tmp_path / "a.parquet", tmp_path / "out.csv")


def test_windows_are_bounded_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_table, "CHARACTERS", 1000)
    texts = [f"{i} " + "x" * (i % 300) for i in range(200)]
    (tmp_path / "a.csv").write_text("text\n" + "\n".join(texts) + "\n")
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet", row_group_size=20)
    for name in ("a.csv", "a.parquet"):
        windows = list(WholeTable(tmp_path / name, name).windows("text"))
        assert [text for window in windows for text in window.texts] == texts
        assert [window.first for window in windows][:1] == [1] and len(windows) > 8
        assert all(sum(map(len, (w.texts[:-1]))) < 4000 for w in windows)  # type: ignore[arg-type]


def test_our_columns_take_no_name_of_the_table() -> None:
    assert free_name("label", ["text"]) == "label"
    assert free_name("label", ["label", "predicted_label"]) == "predicted_predicted_label"
