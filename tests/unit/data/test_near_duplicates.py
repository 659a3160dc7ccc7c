"""Near-duplicates: all pairs that comparing every pair finds, across splits and within train."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from finetone import files
from finetone.data.first_look import look, look_at_rows
from finetone.data.near_duplicates import find
from finetone.data.similar_texts import SIMILAR, WORD, Index, Shingler
from finetone.data.splits import SCHEMA, write_split
from finetone.errors import UserError
from finetone.formats import similar_rows

WORDS = [f"w{number}" for number in range(60)]


def shingles(text: str) -> set[tuple[str, ...]]:
    words = WORD.findall(text.casefold())
    words += [""] * (3 - len(words))
    return set(zip(words, words[1:], words[2:], strict=False))


def jaccard(a: str, b: str) -> float:
    return len(shingles(a) & shingles(b)) / len(shingles(a) | shingles(b))


def texts_alike(rows: int, seed: int) -> list[str]:
    """Texts of which many are others with some words changed."""
    random = np.random.default_rng(seed)
    found = [" ".join(random.choice(WORDS, random.integers(1, 25))) for _ in range(rows // 2)]
    for text in list(found):
        words = text.split()
        for place in random.integers(0, len(words), random.integers(0, 4)):
            words[place] = str(random.choice(WORDS))
        found.append(" ".join(words))
    return found


@pytest.mark.parametrize("similar", [0.3, SIMILAR, 0.8])
def test_the_join_finds_exactly_the_pairs_that_are_similar(similar: float) -> None:
    own, others = texts_alike(80, 1), texts_alike(60, 2) + texts_alike(80, 1)[::3]
    shingler = Shingler()
    index = Index(shingler.of(own), similar)
    found = {
        (int(a), int(b)): s
        for each in index.similar_to(shingler.of(others))
        for a, b, s in zip(*each, strict=True)
    }
    wanted = {
        (a, b): jaccard(x, y)
        for a, x in enumerate(others)
        for b, y in enumerate(own)
        if jaccard(x, y) >= similar
    }
    assert len(wanted) > 30 and found == pytest.approx(wanted)


def test_texts_without_a_word_and_scripts_without_blanks() -> None:
    shingler = Shingler()
    index = Index(shingler.of(["👍 !", "这部电影非常好看", "one"]))
    others = ["👍!", "这部电影非常好", "one", "two", "👎 !", "…"]
    found = [
        (int(a), int(b))
        for each in index.similar_to(shingler.of(others))
        for a, b in zip(*each[:2], strict=True)
    ]
    assert sorted(found) == [(0, 0), (1, 1), (2, 2)]


def write_data(folder: Path, **splits: list[str]) -> Path:
    folder.mkdir()
    hashes, start = {}, 0
    for name, texts in splits.items():
        ids = np.arange(start, start + len(texts))
        table = pa.table([ids, texts, ids % 2], schema=SCHEMA)
        hashes[name] = write_split([table], folder / f"{name}.parquet")
        start += len(texts)
    files.write_json(folder / "manifest.json", {"dataset": "d", "labels": [], "splits": hashes})
    return folder


LONG = "it might have been a fine film had anybody been awake to direct it"


def test_across_splits_a_row_has_its_most_similar_one_and_equal_texts_are_left_out(
    tmp_path: Path,
) -> None:
    train = [LONG.replace("awake", "there"), "quite another text of its own", LONG + " at all"]
    data = write_data(tmp_path / "data", train=train, test=[LONG, train[0].upper(), "unlike all"])
    find(data, tmp_path / "near.parquet", False)
    (row,) = similar_rows.read(tmp_path / "near.parquet").to_dict("records")
    assert (row["split"], row["id"], row["other_split"], row["other_id"]) == ("test", 3, "train", 2)
    assert row["similarity"] == pytest.approx(jaccard(LONG, train[2]))


def test_within_train_pairs_join_all_that_are_alike(tmp_path: Path) -> None:
    chain = [LONG, LONG + " at all", LONG + " at all or to act in it", LONG.upper()]
    data = write_data(tmp_path / "data", train=[*chain, "quite another text of its own"])
    find(data, tmp_path / "near.parquet", True)
    rows = similar_rows.read(tmp_path / "near.parquet")
    assert len(rows) == 3 and set(rows["id"]) | set(rows["other_id"]) == {0, 1, 2, 3}


def test_a_damaged_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "near.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="no list of near-duplicates .*; delete it and run again"):
        similar_rows.read(tmp_path / "near.parquet")


def test_few_rows_of_a_class_are_named_before_the_first_job(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(
        "t,l\n" + "".join(f"text {i},{'ab'[i > 5]}\n" for i in range(9))
    )
    block = {"file": str(tmp_path / "x.csv"), "text": "t", "label": "l", "labels": ["a", "b"]}
    block["split"] = {"folds": 4, "seed": 0}
    with pytest.raises(UserError, match="x.split.folds: class 'b' has 3 rows, too few for 4 folds"):
        look("x", block)
    files.write_json(tmp_path / "manifest.json", {"rows": {"train": {"a": 6, "b": 3}}})
    with pytest.raises(UserError, match="class 'b' has 3 rows, too few for 4 folds"):
        look_at_rows("x", block, tmp_path / "manifest.json")
    look("x", block | {"split": {"folds": 3, "seed": 0}})
