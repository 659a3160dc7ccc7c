"""Tables arrive verbatim and in order, or are refused with file and line."""

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finetone.errors import UserError
from finetone.readers import delimited, limits, table_file
from tests import library_path
from tests.reading import read_table

COLUMNS = ["text", "label"]


def rows_of(table: dict[str, list]) -> list[tuple]:
    return list(zip(table["text"], table["label"], strict=True))


def as_csv(rows) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([COLUMNS, *rows])
    return stream.getvalue().encode()


def as_tsv(rows) -> bytes:
    return "".join(f"{text}\t{label}\n" for text, label in [COLUMNS, *rows]).encode()


def as_jsonl(rows) -> bytes:
    return "".join(json.dumps({"text": t, "label": n}) + "\n" for t, n in rows).encode()


def as_parquet(rows) -> bytes:
    sink = io.BytesIO()
    texts, labels = zip(*rows, strict=True)
    pq.write_table(pa.table({"text": list(texts), "label": list(labels)}), sink)
    return sink.getvalue()


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
flat = text.map(lambda t: "".join(c for c in t if c not in "\t\r\n")).filter(
    lambda t: not delimited.QUOTED.fullmatch(t)
)


def tables(cell):
    return st.lists(st.tuples(cell, st.sampled_from(["0", "1", "NA"])), min_size=1, max_size=8)


@given(tables(text))
@settings(max_examples=60, deadline=None)
def test_what_csv_jsonl_and_parquet_hold_arrives_unchanged_and_in_order(rows):
    assert rows_of(read_table(as_csv(rows), "x.csv", COLUMNS)) == rows
    assert rows_of(read_table(as_jsonl(rows), "x.jsonl", COLUMNS)) == rows
    assert rows_of(read_table(as_parquet(rows), "x.parquet", COLUMNS)) == rows


@given(tables(flat))
@settings(max_examples=60, deadline=None)
def test_what_tsv_holds_arrives_unchanged_and_in_order(rows):
    assert rows_of(read_table(as_tsv(rows), "x.tsv", COLUMNS)) == rows


@given(st.binary(max_size=80), st.sampled_from(["csv", "tsv", "jsonl", "parquet", "csv.gz"]))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_are_read_or_refused_with_the_name(content, kind):
    try:
        read_table(b"text,label\n" + content, f"some.{kind}", COLUMNS)
    except UserError as error:
        assert f"some.{kind}" in str(error)


@pytest.mark.parametrize("write,suffix", [(as_csv, "csv"), (as_jsonl, "jsonl")])
def test_gzip_is_transparent_for_paths(tmp_path: Path, write, suffix):
    path = tmp_path / f"x.{suffix}.gz"
    path.write_bytes(gzip.compress(write([("good", "1")])))
    assert rows_of(read_table(path, str(path), COLUMNS)) == [("good", "1")]


def test_parquet_in_gzip_is_read():
    content = gzip.compress(as_parquet([("good", "1")]))
    assert rows_of(read_table(content, "x.parquet.gz", COLUMNS)) == [("good", "1")]


@pytest.mark.parametrize("cell", ["NA", "null", "1e5", "007", "True", "nan", " x ", "2020-01-01"])
def test_text_is_never_taken_for_a_number_or_a_gap(cell):
    for content, kind in [(as_csv([(cell, "1")]), "csv"), (as_tsv([(cell, "1")]), "tsv")]:
        assert rows_of(read_table(content, f"x.{kind}", COLUMNS)) == [(cell, "1")]


def test_parquet_in_gzip_may_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(table_file, "MAX_PARQUET", 0)
    content = gzip.compress(as_parquet([("good", "1")]))
    with pytest.raises(UserError, match=r"^x\.parquet\.gz: unpacks to more than 0 GB"):
        read_table(content, "x.parquet.gz", COLUMNS)


def test_json_and_parquet_cells_keep_their_type_and_gaps_are_none():
    rows = [("1", 0), ("2", None), (None, 1)]
    assert rows_of(read_table(as_jsonl(rows), "x.jsonl", COLUMNS)) == rows
    assert rows_of(read_table(as_parquet(rows), "x.parquet", COLUMNS)) == rows


def test_byte_order_mark_blank_lines_and_windows_line_ends_are_no_content():
    content = b"\xef\xbb\xbftext,label\r\n\r\ngood,1\r\n\r\n"
    assert rows_of(read_table(content, "x.csv", COLUMNS)) == [("good", "1")]
    assert rows_of(read_table(content.replace(b",", b"\t"), "x.tsv", COLUMNS)) == [("good", "1")]


def test_quotes_in_tsv_are_text():
    content = b'text\tlabel\n" never closed\t1\n"both"\t0\nin "the" middle\t1\n'
    texts = read_table(content, "x.txt", COLUMNS)["text"]
    assert texts == ['" never closed', '"both"', 'in "the" middle']


def test_a_text_of_200000_characters_is_read():
    long = "a" * 200_000
    assert rows_of(read_table(as_csv([(long, "1")]), "x.csv", COLUMNS)) == [(long, "1")]


JSON_ROW = b'{"text": "a", "label": 1}\n'


@pytest.mark.parametrize(
    "name,content,message",
    [
        ("x.csv", b"", "x.csv: is empty"),
        ("x.tsv", b"", "x.tsv: is empty"),
        ("x.jsonl", b"", "x.jsonl: is empty"),
        ("x.csv", b"text,label\n", "x.csv: has no rows"),
        ("x.jsonl", b"\n \n", "x.jsonl: has no rows"),
        ("x.csv", b"txt,label\na,1\n", "x.csv, line 1: no column 'text'; did you mean 'txt'"),
        ("x.tsv", b"a\tlabel\na\t1\n", "x.tsv, line 1: no column 'text'; there are 'a', 'label'"),
        ("x.csv", b"text,label,text\na,1,b\n", "x.csv, line 1: the header has 'text' twice"),
        ("x.csv", b"text,label\na,1\nb\n", "x.csv, line 3: has 1 fields, the header has 2"),
        ("x.csv", b"text,label\na,b,1\n", "x.csv, line 2: has 3 fields"),
        ("x.tsv", b"text\tlabel\na\tb\t1\n", "x.tsv, line 2: has 3 fields"),
        ("x.csv", b'text,label\n"a\nb",1\n"c,1\nd,0\n', "x.csv, line 4: opens a quote"),
        ("x.csv", b'text,label\n"a"b,1\n', "x.csv, line 2: has text after a closing quote"),
        ("x.csv", b"text,label\na,1\rb,0\n", "x.csv, line 2: holds a bare carriage return"),
        ("x.tsv", b"text\tlabel\na\rb\t1\n", "x.tsv, line 2: holds a bare carriage return"),
        ("x.tsv", b'text\tlabel\n"say ""hi"""\t1\n', "x.tsv, line 2: is quoted as in CSV"),
        ("x.csv", b"text,label\na\0,1\n", "x.csv, line 2: holds a NUL byte"),
        ("x.csv", b"text,label\nok,1\ncaf\x81,1\n", "x.csv, line 3: is not UTF-8 (byte 0x81)"),
        ("x.csv", "text,label\na,1\n".encode("utf-16-le"), "x.csv: seems to be UTF-16"),
        ("x.jsonl", JSON_ROW + b"{'text': 1}\n", "x.jsonl, line 2: is not valid JSON"),
        ("x.jsonl", JSON_ROW + b"[1]\n", "x.jsonl, line 2: is no JSON object"),
        ("x.jsonl", b'{"text": "a"}\n' * 2, "x.jsonl, line 1: has no key 'label'"),
        (
            "x.jsonl",
            b'{"text": {"a": 1}, "label": 1}',
            "x.jsonl, line 1: 'text' holds an object where a text",
        ),
        (
            "x.jsonl",
            b'{"text": "a", "data": {"label": 1}}',
            "x.jsonl, line 1: has no key 'label'; there are 'text', 'data'; what is inside 'data'",
        ),
        ("x.csv", b"\n\r\n\n", "x.csv: is empty"),
        ("x.csv", b"\xef\xbb\xbf", "x.csv: is empty"),
        (
            "x.csv",
            gzip.compress(b"text,label\na,b\n", mtime=0),
            "x.csv: is compressed with gzip; let its name end in .gz",
        ),
        ("x.tsv", b"PAR1\x15\x04", "x.tsv: is Parquet; let its name end in .parquet"),
        ("x.csv", b"PK\x03\x04\x14\0", "x.csv: is a spreadsheet or an archive"),
        ("x.jsonl", b"\x28\xb5\x2f\xfd\0", "x.jsonl: is compressed, and only .gz is read"),
        ("x.csv.zst", b"", "x.csv.zst: is compressed, and only .gz is read"),
        (
            "x.csv",
            "text,label\na,b\n".encode("utf-16-be"),
            "x.csv: seems to be UTF-16 without a byte order mark; give its encoding:, such as utf-16-be",
        ),
        (
            "x.jsonl",
            b'{"text": "a", "text": "b", "label": 1}',
            "x.jsonl, line 1: is not valid JSON",
        ),
        ("x.jsonl", b'{"text": "a", "label": NaN}', "x.jsonl, line 1: is not valid JSON (NaN"),
        ("x.jsonl", b'{"text": "\\ud800", "label": 1}', "x.jsonl, line 1: holds half of a surr"),
        ("x.jsonl", b"[" * 100_000, "x.jsonl, line 1: is no JSON object"),
        ("x.jsonl", b'[{"text": ' + b"[" * 100_000, "x.jsonl, line 1: is not valid JSON"),
        ("x.parquet", b"PAR1 but not really", "x.parquet: not a readable Parquet file"),
        ("x.csv.gz", b"no gzip", "x.csv.gz: broken gzip file"),
        (
            "x.csv.gz",
            gzip.compress(b"text,label\na,1\n", mtime=0)[:-6],
            "x.csv.gz: broken gzip file",
        ),
        ("x.dat", b"", "x.dat: unknown kind of table"),
        ("x.xlsx", b"", "x.xlsx: is a spreadsheet; save it as CSV"),
        ("x", b"", "x: unknown kind of table"),
    ],
)
def test_malformed_tables_are_refused_with_file_and_line(name, content, message):
    with pytest.raises(UserError) as caught:
        read_table(content, name, COLUMNS)
    assert str(caught.value).startswith(message)


def test_a_key_that_a_json_object_lacks_is_null():
    rows = b'{"text": "a"}\n{"label": 1}\n{"text": "b", "label": null}\n'
    found = read_table(rows, "x.jsonl", ["text", "label"])
    assert found == {"text": ["a", None, "b"], "label": [None, 1, None]}


def test_the_beginning_of_a_truncated_file_is_refused_in_one_sentence(tmp_path: Path):
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\n" + b"a,b\n" * 9)[:-12])
    with pytest.raises(UserError, match=r"x\.csv\.gz: broken gzip file"):
        table_file.TableFile(path, str(path)).first(["text"])


def test_missing_parquet_column_is_named():
    with pytest.raises(UserError, match=r"x.parquet: no column 'review'; there are 'text'"):
        read_table(as_parquet([("a", 1)]), "x.parquet", ["review", "label"])


def test_missing_file_is_a_sentence(tmp_path: Path):
    with pytest.raises(UserError, match="No such file"):
        read_table(tmp_path / "x.csv", "x.csv", COLUMNS)


def test_an_endless_line_is_refused_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(limits, "MAX_RECORD", 1000)
    bomb = gzip.compress(b"text,label\n" + b"a" * 10_000_000)
    with pytest.raises(UserError, match=r"x.csv.gz, line 2: is longer than"):
        read_table(bomb, "x.csv.gz", COLUMNS)


MILLION = """
import resource, sys
from pathlib import Path
from finetone.readers.table_file import TableFile
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before = peak()
rows = 0
for batch in TableFile(Path(sys.argv[1]), "x.csv").batches(["text", "label"]):
    rows, last = rows + len(batch["text"]), batch["text"][-1]
print(rows, last, peak() - before)
"""


def test_a_million_short_rows_take_less_than_50_mb(tmp_path: Path):
    path = tmp_path / "x.csv"
    with path.open("w") as stream:
        stream.write("text,label\n")
        stream.writelines(f"row {i},{i % 2}\n" for i in range(1_000_000))
    result = subprocess.run(
        [sys.executable, "-c", MILLION, str(path)],
        env={**os.environ, "PYTHONPATH": library_path()},
        capture_output=True,
        text=True,
        check=True,
    )
    *said, megabytes = result.stdout.split()
    assert said == ["1000000", "row", "999999"]
    assert int(megabytes) < 50
