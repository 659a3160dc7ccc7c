"""Embedding files: what is written is read, and nothing else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from finetone.errors import UserError
from finetone.formats.embedding_file import (
    EmbeddingMeta,
    Embeddings,
    read_embeddings,
    write_embeddings,
)
from finetone.provenance import Provenance, read

META = EmbeddingMeta(
    labels=["no", "yes"], pooling="mean", layer=2, max_length=16, engine={"precision": "fp32"},
    parameters={"total": 7, "embedding": 3, "non_embedding": 4}, seconds=1.5, tokens_per_s=30.0,
    peak_memory_bytes=1 << 20,
)  # fmt: skip
THREE = Embeddings(
    ids=np.array([3, 1, 7]),
    labels=np.array([0, 1, 1]),
    vectors=np.arange(12, dtype=np.float32).reshape(3, 4) / 7,
    meta=META,
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_embeddings(tmp_path / "x.arrow", THREE, Provenance("f" * 64, {"pooling": "auto"}))
    found = read_embeddings(tmp_path / "x.arrow")
    for name in ("ids", "labels", "vectors"):
        np.testing.assert_array_equal(getattr(found, name), getattr(THREE, name))
    assert found.meta == META and found.vectors.dtype == np.float32
    assert read(tmp_path / "x.arrow").fingerprint == "f" * 64


def test_no_rows_keep_their_width(tmp_path: Path) -> None:
    none = Embeddings(THREE.ids[:0], THREE.labels[:0], THREE.vectors[:0], META)
    write_embeddings(tmp_path / "x.arrow", none)
    assert read_embeddings(tmp_path / "x.arrow").vectors.shape == (0, 4)


def test_measured_times_are_no_content(tmp_path: Path) -> None:
    """What is made of embeddings is not made again when they took longer."""
    about = Provenance("f" * 64)
    write_embeddings(tmp_path / "a.arrow", THREE, about)
    write_embeddings(tmp_path / "b.arrow", replace(THREE, meta=replace(META, seconds=9.0)), about)
    write_embeddings(tmp_path / "c.arrow", replace(THREE, vectors=THREE.vectors + 1), about)
    first, slower, other = (read(tmp_path / f"{name}.arrow").digest for name in "abc")
    assert first == slower != other


@pytest.mark.parametrize("damage", ["cut", "vectors", "columns"])
def test_a_damaged_file_is_a_sentence(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "x.arrow"
    write_embeddings(path, THREE)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    else:
        table = pa.ipc.open_file(str(path)).read_all()
        if damage == "columns":
            table = table.drop_columns(["embedding"])
        else:
            table = table.set_column(1, "label", pa.array([1, 1, 1], pa.int16()))
        with pa.ipc.new_file(str(path), table.schema) as writer:
            writer.write_table(table)
    with pytest.raises(UserError, match=r"x\.arrow: not an embedding file.*delete it"):
        read_embeddings(path)
