"""Tables that hold, or unpack to, the absurd end in one sentence, soon and in little memory."""

import gzip
import io
import json
import os
import random
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finetone.data.wheel import extract_folder, read_member
from finetone.errors import UserError
from finetone.readers import limits
from tests import ROOT, library_path
from tests.reading import read_table

COLUMNS = ["text", "label"]
HEAD = b"text,label\n"


def packed(piece: bytes, times: int) -> bytes:
    """`piece` so many times, compressed."""
    stream = io.BytesIO()
    with gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=6) as sink:
        block = piece * 10_000
        for _ in range(times // 10_000):
            sink.write(block)
    return stream.getvalue()


def parquet(text: Any, rows: int, times: int = 1) -> bytes:
    """`times` row groups of `rows` rows, all of them the same `text`, stored once per group."""
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([text]))
    table = pa.table({"text": column, "label": np.zeros(rows, np.int8)})
    stream = io.BytesIO()
    with pq.ParquetWriter(
        stream, table.schema, compression="zstd", store_schema=False,
        dictionary_pagesize_limit=1 << 30,
    ) as writer:  # fmt: skip
        for _ in range(times):
            writer.write_table(table, row_group_size=rows)
    return stream.getvalue()


def written(table: pa.Table, **options: Any) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream, **options)
    return stream.getvalue()


def not_utf8() -> bytes:
    texts = pa.array([b"caf\xe9", b"b"]).cast(pa.binary())
    wrong = pa.Array.from_buffers(pa.string(), 2, texts.buffers())
    return written(pa.table({"text": wrong, "label": [0, 1]}))


BLANK = "follows 1,000,000 blank lines"
RATIO = r"unpacks to more than \d+ MB from"
CELL = "holds a cell of more than 16 MB"
NUL = "holds a NUL byte|is longer than 32 MB"
EXPECTED: dict[str, tuple[Callable[[], bytes], str]] = {
    "blank.csv": (lambda: HEAD + b"\n" * 5_000_000, BLANK),
    "blank.tsv": (lambda: b"text\tlabel\n" + b"\r\n" * 5_000_000, BLANK),
    "blank.jsonl": (lambda: b"\n" * 5_000_000, BLANK),
    "blank.csv.gz": (lambda: gzip.compress(HEAD) + packed(b"\n", 100_000_000), BLANK),
    "spaces.jsonl.gz": (lambda: packed(b" " * 99 + b"\n", 1_500_000), RATIO),
    "rows.csv.gz": (lambda: gzip.compress(HEAD) + packed(b"a" * 96 + b",1\n", 1_500_000), RATIO),
    "rows.jsonl.gz": (
        lambda: packed(b'{"text": "%s", "label": 1}\n' % (b"a" * 75), 1_500_000),
        RATIO,
    ),
    "endless.csv.gz": (lambda: gzip.compress(HEAD) + packed(b"abc", 20_000_000), "longer than 32"),
    "endless.tsv": (lambda: b"text\tlabel\n" + b"a" * 50_000_000, "longer than 32 MB"),
    "endless.jsonl": (lambda: b'{"text": "' + b"a" * 50_000_000, "longer than 32 MB"),
    "commas.csv": (lambda: HEAD + b"," * 50_000_000, "longer than 32 MB"),
    "open.csv": (lambda: HEAD + b'"never closed\n' * 1 + b"a,1\n" * 5_000_000, CELL),
    "record.csv": (lambda: HEAD + b'"a\n",' * 8_000_000, "longer than 32 MB, or never ends"),
    "wide.csv": (lambda: b"text,label," + b",".join(b"c%d" % i for i in range(10**6)), "1,000,002"),
    "wide.tsv": (lambda: b"text\t" + b"\t".join(b"c%d" % i for i in range(10**6)), "1,000,001"),
    "wide.jsonl": (
        lambda: json.dumps({f"c{i}": 1 for i in range(10**6)}).encode(),
        "has no key 'text'; there are 'c0'",
    ),
    "deep.jsonl": (lambda: b'{"text": ' + b"[" * 10**6, "line 1: is not valid JSON"),
    "deep-objects.jsonl": (lambda: b'{"text": ' * 10**6, "line 1: is not valid JSON"),
    "list.jsonl": (lambda: b'{"text": ["a"], "label": 1}', "line 1: 'text' holds a list"),
    "object.jsonl": (
        lambda: b'{"text": "a", "label": {"b": 1}}',
        "line 1: 'label' holds an object",
    ),
    "digits.jsonl": (lambda: b'{"text": "a", "label": ' + b"9" * 10**6 + b"}", "not valid JSON"),
    "cell.jsonl": (lambda: b'{"label": 1, "text": "' + b"a" * 20_000_000 + b'"}', CELL),
    "cell.csv": (lambda: HEAD + b"a" * 20_000_000 + b",1\n", CELL),
    "cell.tsv": (lambda: b"text\tlabel\n" + b"a" * 20_000_000 + b"\t1\n", CELL),
    "key.jsonl": (
        lambda: b'{"' + b"a" * 20_000_000 + b'": 1}',
        "has no key 'text'; there are 'aaa",
    ),
    "nul.csv": (lambda: bytes(50_000_000), NUL),
    "nul.tsv": (lambda: bytes(50_000_000), NUL),
    "nul.jsonl": (lambda: bytes(50_000_000), NUL),
    "nul.parquet": (lambda: bytes(50_000_000), "not a readable Parquet file"),
    "nul.parquet.gz": (lambda: packed(b"\0", 200_000_000), RATIO),
    "nul.csv.gz": (lambda: packed(b"\0", 50_000_000), NUL),
    "repeated.parquet": (lambda: parquet("a" * 1_000_000, 1_000_000), RATIO),
    "repeated-16-mb.parquet": (lambda: parquet("a" * (1 << 24), 100_000), RATIO),
    "cell.parquet": (lambda: parquet("a" * 40_000_000, 100_000), CELL),
    "huge-cell.parquet": (lambda: parquet("a" * 100_000_000, 1000), RATIO),
    "cell-not-shared.parquet": (
        lambda: written(pa.table({"text": ["a" * 20_000_000], "label": [1]}), use_dictionary=False),
        CELL,
    ),
    "categories.parquet": (
        lambda: written(
            pa.table(
                {
                    "text": pa.DictionaryArray.from_arrays(
                        pa.array(np.zeros(10**6, np.int32)), pa.array(["a" * 1_000_000])
                    ),
                    "label": np.zeros(10**6, np.int8),
                }
            )
        ),
        RATIO,
    ),
    "rows.parquet": (lambda: parquet("a", 10_000_000), RATIO),
    "nothing.parquet": (
        lambda: written(pa.table({"text": pa.nulls(10**7, pa.string()), "label": np.zeros(10**7)})),
        RATIO,
    ),
    "billions.parquet": (lambda: parquet("a", 10_000_000, 6), "has more than 50,000,000 rows"),
    "lists.parquet": (
        lambda: written(pa.table({"text": [["a"]], "label": [1]})),
        "column 'text' holds list<",
    ),
    "wide.parquet": (
        lambda: written(pa.table({f"c{i}": [1] for i in range(10_001)})),
        "10,001 columns",
    ),
    "not-utf8.parquet": (not_utf8, "not a readable Parquet file .*utf-8"),
}

CHILD = r"""
import json, re, sys, time
from pathlib import Path
from finetone.errors import UserError
from tests.reading import read_table
# not ru_maxrss, which begins with that of the parent
peak = lambda: int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1]) >> 10
small = Path(sys.argv[1], "small.parquet")
read_table(small, str(small), ["text", "label"])  # what libraries need once
before, told = peak(), {}
for name in sys.argv[2:]:
    begun = time.process_time()
    try:
        said = repr(read_table(Path(sys.argv[1], name), name, ["text", "label"]))
    except UserError as error:
        said = "refused: " + str(error)
    told[name] = said, time.process_time() - begun, peak() - before
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, float, int]]:
    """What one process said of all of them, with seconds and the peak of its memory in MB."""
    folder = tmp_path_factory.mktemp("hostile")
    pq.write_table(pa.table({"text": ["a"], "label": [1]}), folder / "small.parquet")
    for name, (content, _) in EXPECTED.items():
        (folder / name).write_bytes(content())
    result = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder), *EXPECTED],
        env={**os.environ, "PYTHONPATH": f"{library_path()}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    for name in EXPECTED:
        (folder / name).unlink()
    assert result.returncode == 0, result.stderr[-2000:]
    told: dict[str, tuple[str, float, int]] = json.loads(result.stdout)
    return told


@pytest.mark.parametrize("name", EXPECTED)
def test_absurd_tables_are_refused_soon(outcome: dict[str, Any], name: str) -> None:
    said, seconds, _ = outcome[name]
    assert said.startswith("refused: " + name)
    assert re.search(EXPECTED[name][1], said), said
    assert len(said) < 800 and "\n" not in said
    assert seconds < 20


def test_they_take_little_memory(outcome: dict[str, Any]) -> None:
    peaks = {name: megabytes for name, (_, _, megabytes) in outcome.items()}
    assert max(peaks.values()) < 1200, peaks


def test_what_is_long_but_possible_is_read() -> None:
    long = "a" * 10_000_000
    for name, content in {
        "x.csv": HEAD + b"\n" * 900_000 + long.encode() + b",1\n",
        "x.jsonl": json.dumps({"text": long, "label": "1"}).encode(),
        "x.parquet": parquet(long, 1),
    }.items():
        assert read_table(content, name, COLUMNS)["text"] == [long]


def test_many_rows_of_a_short_repeated_text_are_read() -> None:
    frame = read_table(parquet("so so", 100_000, 3), "x.parquet", COLUMNS)
    assert len(frame["text"]) == 300_000 and set(frame["text"]) == {"so so"}


def test_long_texts_named_often_are_read_in_order() -> None:
    draw = random.Random(0)
    texts = [str(i) * 1_000_000 for i in range(20)]  # of one and two million characters
    rows = draw.choices(texts, k=60)
    content = written(
        pa.table({"text": rows, "label": range(60)}), dictionary_pagesize_limit=1 << 30
    )
    assert read_table(content, "x.parquet", COLUMNS)["text"] == rows


def test_a_file_of_many_bytes_is_refused_by_its_own_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BYTES", 1000)
    with pytest.raises(UserError, match="x.csv: unpacks to more than"):
        read_table(HEAD + b"abc,1\n" * 1000, "x.csv", COLUMNS)


def wheel(folder: Path, content: bytes, name: str = "x/rows.csv") -> Path:
    path = folder / "x.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return path


def test_wheels_that_unpack_to_far_more_than_their_size(tmp_path: Path) -> None:
    for name, content in {
        "x/rows.csv": b"a,1\n" * 20_000_000,
        "x/rows.csv.gz": packed(b"a,1\n", 20_000_000),
    }.items():
        path = wheel(tmp_path, content, name)
        with pytest.raises(UserError, match=r"unpacks to more than is allowed \(64 MB\)"):
            read_member(path, name)
    path = wheel(tmp_path, bytes(100_000_000), "x/weights")
    with pytest.raises(UserError, match="unpacks to more than is allowed"):
        extract_folder(path, "x", tmp_path / "out")


# Short, seeded forms of longer searches: whatever the bytes, read or refused in one sentence.


def mutated(whole: bytes, draw: random.Random) -> bytes:
    content = bytearray(whole)
    for _ in range(draw.randint(1, 6)):
        at = draw.randrange(len(content))
        kind = draw.randrange(4)
        if kind == 0:
            content[at] = draw.randrange(256)
        elif kind == 1:
            del content[at : at + draw.randint(1, 30)]
        elif kind == 2:
            content[at:at] = draw.choice([b'"', b"\r", b"\n", b"\0", b"\xff", b",", b"{", b"\\u"])
        else:
            content[at : at + 4] = draw.choice([b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\x80" * 4])
        content = content or bytearray(b"x")
    return bytes(content)


def valid() -> dict[str, bytes]:
    rows = [(f"text {i} “good”, really", i % 2) for i in range(50)]
    texts, labels = zip(*rows, strict=True)
    csv = HEAD + "".join(f'"{t}",{n}\n' for t, n in rows).encode()
    jsonl = "".join(json.dumps({"text": t, "label": n}) + "\n" for t, n in rows).encode()
    table = pa.table({"text": texts, "label": labels})
    return {
        "x.csv": csv,
        "x.tsv": b"text\tlabel\n" + "".join(f"{t}\t{n}\n" for t, n in rows).encode(),
        "x.jsonl": jsonl,
        "x.csv.gz": gzip.compress(csv),
        "x.jsonl.gz": gzip.compress(jsonl),
        "x.parquet": written(table),
        "x.parquet.gz": gzip.compress(written(table)),
        "plain.parquet": written(table, compression="none", use_dictionary=False),
    }


@pytest.mark.parametrize("name", valid())
def test_changed_tables_are_read_or_refused(name: str) -> None:
    draw, whole = random.Random(name), valid()[name]
    for _ in range(300):
        try:
            frame = read_table(mutated(whole, draw), name, COLUMNS)
            assert len(frame["text"])
        except UserError as error:
            assert str(error).startswith(name) and "\n" not in str(error)


def test_changed_wheels_are_read_or_refused(tmp_path: Path) -> None:
    draw = random.Random(2)
    path = tmp_path / "x.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/stored.csv", b"text,label\n" * 20)
        archive.writestr("x/small.csv.gz", gzip.compress(b"text,label\n" * 20))
        for number, kind in enumerate([zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]):
            archive.writestr(f"x/{number}.csv", b"text,label\n" * 20, kind)
    whole = path.read_bytes()
    for _ in range(300):
        path.write_bytes(mutated(whole, draw))
        for name in ["stored.csv", "small.csv.gz", "0.csv", "1.csv", "2.csv"]:
            try:
                read_member(path, f"x/{name}")
            except UserError as error:
                assert "\n" not in str(error)
        try:
            extract_folder(path, "x", tmp_path / "out")
        except UserError as error:
            assert "\n" not in str(error)
