"""Token files are the contract's, whole or refused, and are read without a copy."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from finetone.errors import UserError
from finetone.formats import token_file
from finetone.formats.token_file import Tokens, TokensMeta, read_tokens, write_tokens
from tests import library_path

META = TokensMeta(["negative", "positive"], max_length=8, pad_token_id=0, rows=3)
TEXTS = [[2, 4, 6, 7, 3], [2, 5, 3], [2, 8, 9, 3]]


def write(path: Path, texts: list[list[int]] = TEXTS) -> Path:
    places, flat = np.arange(len(texts)), np.concatenate(texts).astype(np.int32)
    labels = pa.chunked_array([pa.array(places % 2, pa.int8())])
    lengths = np.array([len(text) for text in texts])
    write_tokens(path, pa.chunked_array([places * 10]), labels, lengths, flat, META)
    return path


def texts_of(result: Tokens) -> list[list[int]]:
    return [part.tolist() for part in np.split(result.input_ids, result.offsets[1:-1])]


def test_what_is_written_is_read(tmp_path: Path):
    result = read_tokens(write(tmp_path / "x.arrow"))
    assert texts_of(result) == TEXTS and result.meta == META
    assert result.ids.tolist() == [0, 10, 20] and result.labels.tolist() == [0, 1, 0]
    with pa.memory_map(str(tmp_path / "x.arrow")) as source:
        about = json.loads(pa.ipc.open_file(source).schema.metadata[b"finetone"])
    assert len(about["checksum"]) == 64


def test_the_file_is_the_contracts_and_is_read_without_a_copy(tmp_path: Path):
    write(tmp_path / "x.arrow", TEXTS * 2000)
    with pa.memory_map(str(tmp_path / "x.arrow")) as source:
        schema = pa.ipc.open_file(source).schema
        assert [(f.name, str(f.type)) for f in schema] == [
            ("id", "int64"),
            ("label", "int16"),
            ("input_ids", "list<item: int32>"),
        ]
    before = pa.total_allocated_bytes()
    result = read_tokens(tmp_path / "x.arrow")
    assert pa.total_allocated_bytes() == before
    assert not result.input_ids.flags.owndata
    assert not result.input_ids.flags.writeable


def test_thousands_of_classes_and_files_of_earlier_versions(tmp_path: Path):
    """Class numbers had 8 bits once."""
    names = [f"c{i}" for i in range(5000)]
    meta = TokensMeta(names, max_length=8, pad_token_id=0, rows=3)
    flat, lengths = np.concatenate(TEXTS).astype(np.int32), np.array([5, 3, 4])
    ids = pa.chunked_array([np.arange(3)])
    labels = pa.chunked_array([pa.array([0, 127, 4999], pa.int16())])
    write_tokens(tmp_path / "new.arrow", ids, labels, lengths, flat, meta)
    assert read_tokens(tmp_path / "new.arrow").labels.tolist() == [0, 127, 4999]
    with pa.memory_map(str(write(tmp_path / "old.arrow"))) as source:
        table = pa.ipc.open_file(source).read_all()
    narrow = table.schema.set(1, pa.field("label", pa.int8()))
    with pa.ipc.new_file(str(tmp_path / "narrow.arrow"), narrow) as writer:
        writer.write_table(table.cast(narrow))
    assert read_tokens(tmp_path / "narrow.arrow").labels.tolist() == [0, 1, 0]


def test_a_file_of_several_batches_reads_the_same(tmp_path: Path):
    write(tmp_path / "one.arrow")
    table = pa.ipc.open_file(pa.memory_map(str(tmp_path / "one.arrow"))).read_all()
    with pa.ipc.new_file(str(tmp_path / "many.arrow"), table.schema) as writer:
        writer.write_table(table, max_chunksize=1)
    one, many = read_tokens(tmp_path / "one.arrow"), read_tokens(tmp_path / "many.arrow")
    for name in ("ids", "labels", "offsets", "input_ids"):
        assert getattr(one, name).tolist() == getattr(many, name).tolist()


def test_more_tokens_than_one_batch_can_address_are_split(tmp_path: Path, monkeypatch):
    write(tmp_path / "one.arrow")
    monkeypatch.setattr(token_file, "MAX_OFFSET", 8)
    write(tmp_path / "many.arrow")
    assert pa.ipc.open_file(str(tmp_path / "many.arrow")).num_record_batches == 2
    many = read_tokens(tmp_path / "many.arrow")
    assert texts_of(many) == texts_of(read_tokens(tmp_path / "one.arrow"))


@pytest.mark.parametrize("content", [b"", b"ARROW1", b"\0" * 500])
def test_a_broken_token_file_is_a_sentence(tmp_path: Path, content: bytes):
    path = tmp_path / "x.arrow"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"x.arrow: not a token file"):
        read_tokens(path)
    with pytest.raises(UserError, match=r"y.arrow: not a token file"):
        read_tokens(tmp_path / "y.arrow")


def test_an_arrow_file_of_something_else_is_a_sentence(tmp_path: Path):
    table = pa.table({"a": [1]})
    with pa.ipc.new_file(str(tmp_path / "x.arrow"), table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(UserError, match="not a token file"):
        read_tokens(tmp_path / "x.arrow")


def test_reading_tokens_needs_neither_pandas_nor_transformers():
    code = "import sys, finetone.formats.token_file; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": library_path()},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"pandas", "transformers", "torch", "datasets"} & set(loaded)


def test_some_of_the_texts_in_another_order(tmp_path: Path):
    taken = read_tokens(write(tmp_path / "x.arrow")).take(np.array([2, 0]))
    assert texts_of(taken) == [TEXTS[2], TEXTS[0]]
    assert taken.ids.tolist() == [20, 0] and taken.labels.tolist() == [0, 0]
    assert taken.meta.rows == 2 and len(taken.take(np.array([], int))) == 0
