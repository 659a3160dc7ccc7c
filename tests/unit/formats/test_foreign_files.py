"""Files read by C++ libraries, with bytes overwritten anywhere or of other content: one sentence.

Each file is read in a process of its own, which damage must not end.
"""

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finetone.errors import UserError
from finetone.formats import predictions, token_file
from finetone.formats.predictions import write
from tests.workflow.processes import in_fork

ROWS = 60
CASES = 150
META = token_file.TokensMeta(["no", "yes"], max_length=30, pad_token_id=0)


def write_tokens(path: Path) -> None:
    draw = np.random.default_rng(1)
    lengths = draw.integers(1, 30, ROWS)
    flat = draw.integers(0, 50, lengths.sum()).astype(np.int32)
    ids, labels = pa.chunked_array([np.arange(ROWS)]), pa.chunked_array([np.arange(ROWS) % 2])
    token_file.write_tokens(path, ids, labels.cast(pa.int8()), lengths, flat, META)


def read_tokens(path: Path) -> list[bytes]:
    found = token_file.read_tokens(path)
    return [array.tobytes() for array in (found.ids, found.labels, found.input_ids)]


def write_predictions(path: Path) -> None:
    draw = np.random.default_rng(1)
    logits = {epoch: draw.normal(size=(ROWS, 2)).astype(np.float32) for epoch in (1, 2)}
    facts = {"dataset": "d", "method": "m", "seed": 1, "labels": ["no", "yes"], "kept_epoch": 2}
    write(path, np.arange(ROWS), np.arange(ROWS) % 2, logits, facts)


def read_predictions(path: Path) -> list[bytes]:
    epochs = predictions.read(predictions.header(path))
    return [array.tobytes() for e in epochs for array in (e.ids, e.label, e.logits)]


FORMATS = pytest.mark.parametrize(
    ("written", "reader"),
    [(write_tokens, read_tokens), (write_predictions, read_predictions)],
    ids=["tokens", "predictions"],
)


@FORMATS
def test_bytes_overwritten_anywhere_are_noticed(tmp_path: Path, written, reader) -> None:
    file = tmp_path / "file"
    written(file)
    whole, content = file.read_bytes(), reader(file)
    draw = random.Random(3)

    def read_it() -> str:
        try:
            return "" if reader(file) == content else "other content"
        except UserError as error:
            return "" if str(file) in str(error) and "\n" not in str(error) else str(error)

    for case in range(CASES):
        damaged = bytearray(whole)
        size = (1, 1, 8, 64)[case % 4]
        at = draw.randrange(len(damaged) - size)
        damaged[at : at + size] = draw.randbytes(size)
        file.write_bytes(damaged)
        assert in_fork(read_it) == "", f"{size} bytes at {at}"


OTHER = {
    "no rows": lambda table: table.slice(0, 0),
    "other columns": lambda table: table.rename_columns([f"x{n}" for n in table.column_names]),
    "words for ids": lambda table: put(table, "id", pa.array(["a"] * len(table))),
    "words for labels": lambda table: put(table, "label", pa.array(["a"] * len(table))),
    "empty cells": lambda table: put(table, "id", pa.nulls(len(table))),
    "numbers for lists": lambda table: put(table, -1, pa.array([1] * len(table))),
    "words in lists": lambda table: put(table, -1, pa.array([["a", "b"]] * len(table))),
    "holes in lists": lambda table: put(table, -1, pa.array([[None, 1]] * len(table))),
    "no account of itself": lambda table: table.replace_schema_metadata(None),
    "a list of facts": lambda table: table.replace_schema_metadata({"finetone": "[1]"}),
    "no facts": lambda table: table.replace_schema_metadata({"finetone": "{}"}),
    "endless facts": lambda table: table.replace_schema_metadata({"finetone": "[" * 100_000}),
}


def put(table: pa.Table, column: str | int, values: pa.Array) -> pa.Table:
    name = table.column_names[column] if isinstance(column, int) else column
    return table.set_column(table.column_names.index(name), name, values)


@pytest.mark.parametrize("other", OTHER)
@FORMATS
def test_other_content_under_the_name_is_one_sentence(
    tmp_path: Path, written, reader, other: str
) -> None:
    file = tmp_path / "file"
    written(file)
    if written is write_tokens:
        with pa.OSFile(str(file)) as source:
            table = OTHER[other](pa.ipc.open_file(source).read_all())
        with pa.ipc.new_file(str(file), table.schema) as writer:
            writer.write_table(table)
    else:
        pq.write_table(OTHER[other](pq.read_table(file)), file)
    with pytest.raises(UserError, match=f"^{file}: .*") as refused:
        reader(file)
    assert "\n" not in str(refused.value)
