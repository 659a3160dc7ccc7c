"""A dataset block becomes split files and a manifest that describes them."""

import csv
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finetone import files
from finetone.data.download import prepare
from finetone.data.first_look import look
from finetone.data.splits import read_split
from finetone.errors import UserError
from finetone.identity import describe

LABELS = ["negative", "positive"]
SPLITS = ("train", "dev", "test")


def write_csv(path: Path, rows) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("review", "mood"), *rows])
    return str(path)


def block_of(**keys: Any) -> dict[str, Any]:
    return {"text": "review", "label": "mood", "labels": LABELS, **keys}


def rows_of(n: int) -> list[tuple[str, str]]:
    return [(f"review {i}", LABELS[i % 2]) for i in range(n)]


def test_one_file_is_cut_into_train_test_and_dev(tmp_path: Path):
    source = write_csv(tmp_path / "all.csv", rows_of(100))
    out = tmp_path / "out"
    block = block_of(file=source, split={"test": 0.2, "dev": 0.1, "seed": 4})
    prepare("mine", block, out)
    manifest = files.read_json(out / "manifest.json")
    assert manifest["dataset"] == "mine"
    assert manifest["labels"] == LABELS
    assert manifest["split"] == {"test": 0.2, "dev": 0.1, "seed": 4}
    assert manifest["source"] == {
        "kind": "file",
        "files": describe({"train": Path(source)}),
        "read_as": {"train": {"encoding": "utf-8", "separator": ","}},
    }
    assert manifest["rows"] == {
        "train": {"negative": 35, "positive": 35},
        "test": {"negative": 10, "positive": 10},
        "dev": {"negative": 5, "positive": 5},
    }
    assert manifest["splits"] == {
        name: files.sha256(out / f"{name}.parquet") for name in ("train", "test", "dev")
    }
    together = pd.concat(read_split(out / f"{name}.parquet") for name in manifest["splits"])
    assert sorted(together["id"]) == list(range(100))
    assert all(
        text == f"review {i}" for i, text in zip(together["id"], together["text"], strict=True)
    )


def test_named_files_become_named_splits_and_stale_ones_go(tmp_path: Path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "dev.parquet").write_text("left over")
    paths = {
        "train": write_csv(tmp_path / "a.csv", rows_of(10)),
        "test": write_csv(tmp_path / "b.csv", rows_of(4)),
    }
    prepare("mine", block_of(file=paths), out)
    assert sorted(p.name for p in out.iterdir()) == [
        "manifest.json",
        "test.parquet",
        "train.parquet",
    ]
    assert read_split(out / "test.parquet")["id"].tolist() == [0, 1, 2, 3]


def test_members_of_a_wheel_and_a_threshold(tmp_path: Path):
    wheel = tmp_path / "x.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("x/t.csv", 'review,mood\na,-0.5\nb,0\n"c, d",1e-3\n')
    out = tmp_path / "out"
    block = block_of(
        wheel={
            "requirement": "x==1",
            "sha256": files.sha256(wheel),
            "member": {"test": "x/t.csv"},
        },
        threshold=0,
    )
    other = block_of(wheel={**block["wheel"], "sha256": "0" * 64}, threshold=0)
    with pytest.raises(UserError, match=f"{wheel}: its sha256 is .*; delete it and run again"):
        prepare("mine", other, out, [wheel])
    prepare("mine", block, out, [wheel])
    test = read_split(out / "test.parquet")
    assert list(test.itertuples(index=False, name=None)) == [(0, "a", 0), (2, "c, d", 1)]
    manifest = files.read_json(out / "manifest.json")
    assert manifest["dropped"] == {"empty": 0, "tie": 1, "unlabelled": 0, "where": 0}
    assert manifest["source"] == {
        "kind": "wheel",
        **block["wheel"],
        "read_as": {"test": {"encoding": "utf-8", "separator": ","}},
    }
    assert list(manifest["splits"]) == ["test"]


def test_empty_texts_are_dropped_counted_and_warned_of(tmp_path: Path, caplog):
    rows = [("good", "1"), ("", "0"), (" \t", ""), ("bad", "0")]
    out = tmp_path / "out"
    prepare("mine", block_of(file=write_csv(tmp_path / "a.csv", rows)), out)
    assert read_split(out / "train.parquet")["id"].tolist() == [0, 3]
    assert files.read_json(out / "manifest.json")["dropped"]["empty"] == 2
    assert "2 rows without text dropped" in caplog.text


def test_samples_are_balanced_and_recorded(tmp_path: Path):
    out = tmp_path / "out"
    source = write_csv(tmp_path / "sorted.csv", sorted(rows_of(100), key=lambda row: row[1]))
    block = block_of(file=source, split={"test": 0.5}, sample={"train": 10, "test": 0.5, "seed": 1})
    prepare("mine", block, out)
    manifest = files.read_json(out / "manifest.json")
    assert manifest["sample"] == {"train": 10, "test": 0.5, "seed": 1}
    assert manifest["rows"]["train"] == {"negative": 5, "positive": 5}
    assert sum(manifest["rows"]["test"].values()) == 25


def test_the_same_block_gives_the_same_bytes(tmp_path: Path):
    source = write_csv(tmp_path / "a.csv", rows_of(50))
    for name in ("one", "two"):
        prepare("mine", block_of(file=source, split={"test": 0.2}), tmp_path / name)
    assert files.sha256(tmp_path / "one") == files.sha256(tmp_path / "two")


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
text = text.filter(str.strip)


@given(st.lists(st.tuples(text, st.sampled_from(LABELS)), min_size=1, max_size=9))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_id_text_and_label_arrive_unchanged_and_in_order(tmp_path: Path, rows):
    source = write_csv(tmp_path / "a.csv", rows)
    prepare("mine", block_of(file={"test": source}), tmp_path / "out")
    result = read_split(tmp_path / "out" / "test.parquet").itertuples(index=False, name=None)
    assert list(result) == [(i, t, LABELS.index(label)) for i, (t, label) in enumerate(rows)]


def bad(tmp_path: Path, rows=None, **keys: Any) -> str:
    """The message prepare refuses a block with; nothing may be left under a final name."""
    source = write_csv(tmp_path / "a.csv", rows_of(20) if rows is None else rows)
    block = block_of(**({"file": source} | keys))
    with pytest.raises(UserError) as caught:
        prepare("mine", block, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*"))
    return str(caught.value)


def test_bad_blocks_are_refused_with_the_key(tmp_path: Path):
    assert "datasets.mine.file: no file" in bad(tmp_path, file="missing.csv")
    assert "no column 'review text'; did you mean 'review'?" in bad(tmp_path, text="review text")
    assert "datasets.mine.sample.train: asks for 21 rows" in bad(tmp_path, sample={"train": 21})


def test_bad_rows_are_refused_with_their_place(tmp_path: Path):
    rows = rows_of(4)
    assert "hold only 'positive'" in bad(tmp_path, [("a", "positive"), ("b", "1")])
    assert "row 5: label 'meh'" in bad(tmp_path, [*rows, ("a", "meh")])
    assert "no row is left (2 without text, 0 ties, 0 without label)" in bad(
        tmp_path, [("", "1"), (" ", "0")]
    )
    assert "hold only" in bad(tmp_path, rows, sample={"train": 1})


def test_a_text_column_that_holds_numbers_is_refused(tmp_path: Path):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"review": [1, 2], "mood": [0, 1]}), path)
    assert "row 1: column 'review' holds int '1', not text" in bad(tmp_path, file=str(path))


def prepared(folder: Path, **block: Any) -> tuple[dict[str, Any], dict[str, list]]:
    """The manifest, and (id, text, label) of the rows of each split."""
    out = folder / "out"
    prepare("mine", block_of(**block), out)
    manifest = files.read_json(out / "manifest.json")
    frames = {name: read_split(out / f"{name}.parquet") for name in manifest["splits"]}
    return manifest, {k: list(f.itertuples(index=False, name=None)) for k, f in frames.items()}


def refused(folder: Path, **block: Any) -> str:
    with pytest.raises(UserError) as caught:
        prepared(folder, **block)
    return str(caught.value)


PARTS = """review,mood,part,lang,sure
good,positive,Train,en,True
bad,negative,train,en,TRUE
bon,positive,train,fr,true
fine,positive,test,en,false
awful,negative, test ,en,True
"""


def test_a_column_names_the_split_and_others_choose_the_rows(tmp_path: Path):
    (tmp_path / "a.csv").write_text(PARTS)
    block = {"file": str(tmp_path / "a.csv"), "split": {"column": "part"}}
    _, rows = prepared(tmp_path, **block)
    assert rows == {
        "train": [(0, "good", 1), (1, "bad", 0), (2, "bon", 1)],
        "test": [(3, "fine", 1), (4, "awful", 0)],
    }
    manifest, rows = prepared(tmp_path, **block, where={"lang": ["en"], "sure": ["true"]})
    assert [row[0] for split in rows.values() for row in split] == [0, 1, 4]
    assert manifest["dropped"]["where"] == 2
    cut = {"file": block["file"], "split": {"column": "part", "dev": 0.4, "seed": 0}}
    assert {k: len(v) for k, v in prepared(tmp_path, **cut)[1].items()} == {
        "train": 2,
        "test": 2,
        "dev": 1,
    }


def test_values_that_are_not_there_are_named_with_those_that_are(tmp_path: Path):
    (tmp_path / "a.csv").write_text(PARTS)
    block = {"file": str(tmp_path / "a.csv")}
    told = refused(tmp_path, **block, where={"lang": ["EN"]})
    assert "where.lang: no row has 'EN'; there are 'en' (4 rows), 'fr' (1 row)" in told
    told = refused(tmp_path, **block, where={"lang": ["false"]})
    assert "YAML reads yes, no, on and off as true and false" in told
    names = {"train": "train", "dev": "validation"}
    told = refused(tmp_path, **block, split={"column": "part"}, splits=names)
    assert "column 'part' also holds 'test' (2 rows); name each under splits:" in told
    only = {"where": {"part": ["train", "Train"]}, "split": {"column": "part"}}
    assert "no row has 'test' in column 'part'" in refused(tmp_path, **block, **only)


def test_odd_labels_are_told_at_once_with_the_map_that_mends_them(tmp_path: Path):
    rows = [("good", "Positive"), ("fine", "positive"), ("x", "Positive"), ("bad", "negative!"),
            ("awful", ""), ("dull", "NaN"), ("so", "meh")]  # fmt: skip
    block = {"file": write_csv(tmp_path / "a.csv", rows)}
    told = refused(tmp_path, **block)
    for part in (
        "row 1: label 'Positive' (2 rows, from row 1 on), 'negative!' (1 row, from row 4 on), ''",
        'label_values: {"Positive": "positive", "negative!": "negative", "meh": "…"}',
        "for rows without a label: missing_labels: drop",
    ):
        assert part in told
    mapped = {"Positive": "positive", "negative!": "negative", "meh": "negative"}
    manifest, kept = prepared(tmp_path, **block, label_values=mapped, missing_labels="drop")
    assert [row[2] for row in kept["train"]] == [1, 1, 1, 0, 0]
    assert manifest["dropped"]["unlabelled"] == 2
    assert "missing_labels" in refused(tmp_path, **block, label_values=mapped)


def test_several_files_are_one_split_in_the_order_of_their_names(tmp_path: Path):
    for i in (1, 0, 2):
        table = pa.table({"review": [f"a{i}", f"b{i}"], "mood": ["negative", "positive"]})
        pq.write_table(table, tmp_path / f"train-0000{i}.parquet")
    pattern = str(tmp_path / "train-*.parquet")
    for several in (pattern, {"train": [pattern]}, [str(tmp_path / f"train-0000{i}.parquet") for i in range(3)]):  # fmt: skip
        manifest, rows = prepared(tmp_path, file=several)
        assert [row[:2] for row in rows["train"]] == list(enumerate(["a0", "b0", "a1", "b1", "a2", "b2"]))  # fmt: skip
        assert list(manifest["source"]["files"]) == ["train[0]", "train[1]", "train[2]"]
    told = refused(tmp_path, file=str(tmp_path / "none-*.parquet"))
    assert "datasets.mine.file: no file" in told and "none-*.parquet" in told
    assert f"{tmp_path} is a folder; name its files" in refused(tmp_path, file=str(tmp_path))


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        (["a.csv", "./a.csv"], r"a\.csv is named twice under train"),
        (["*.csv", "b.csv"], r"b\.csv is named twice under train"),
        (
            {"train": "*.csv", "test": "other/a.csv"},
            "is both train and test, which would test on what",
        ),
        ({"train": "a.csv", "test": ["b.csv", "a.csv"]}, r"a\.csv is both train and test"),
    ],
)
def test_a_file_is_read_once(tmp_path: Path, monkeypatch, named, sentence: str):
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "b.csv"):
        Path(name).write_text("text,label\nx,no\ny,yes\n")
    Path("other").mkdir()
    Path("other/a.csv").symlink_to("../a.csv")
    block = {"text": "text", "label": "label", "labels": ["no", "yes"], "file": named}
    with pytest.raises(UserError, match=rf"^datasets\.d\.file: .*{sentence}"):
        look("d", block)
    with pytest.raises(UserError, match=sentence):
        prepare("d", block, tmp_path / "d")


def test_more_rows_than_a_batch_or_row_group_keep_their_order(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("finetone.data.row_store.GROUP_BYTES", 100_000)
    path = write_csv(tmp_path / "a.csv", rows_of(25_001))
    _, rows = prepared(tmp_path, file=path, split={"test": 0.3}, sample={"train": 10_001})
    assert len(rows["train"]) == 10_001 and len(rows["test"]) == 7500
    for split in rows.values():
        ids = [row[0] for row in split]
        assert ids == sorted(set(ids))
        assert all((text, label) == (f"review {i}", i % 2) for i, text, label in split)


def test_the_first_rows_tell_before_a_run(tmp_path: Path, monkeypatch):
    block = block_of(file=write_csv(tmp_path / "a.csv", [*rows_of(400), ("x", "meh")]))
    with pytest.raises(UserError, match="its first rows.*row 401: label 'meh'"):
        look("mine", block)
    with pytest.raises(UserError, match="line 1: no column 'moood'; did you mean 'mood'"):
        look("mine", {**block, "label": "moood"})
    monkeypatch.setattr("finetone.data.first_look.SMALL", 1000)
    look("mine", block_of(file=write_csv(tmp_path / "b.csv", [*rows_of(4000), ("x", "meh")])))
    (tmp_path / "c.csv").write_bytes(
        "review,mood\nnaïve,negative\ncafé,positive\n".encode("cp1252")
    )
    look("mine", block_of(file=str(tmp_path / "c.csv")))  # is read as a whole before it is judged
    look("mine", {"hub": {"id": "a/b"}})


@pytest.mark.parametrize(
    ("rows", "more", "sentence"),
    [
        ([], {}, "all.csv: has no rows"),
        ([(" ", "negative")], {}, r"datasets.mine \(train\): no row is left \(1 without text"),
        ([("a", "negative")] * 9, {}, "datasets.mine: the training rows hold only 'negative'"),
        (None, {"sample": {"train": 600}}, "sample.train: asks for 600 rows, there are 32"),
        (None, {"split": {"test": 0.001}}, "split.test: 0.001 of 40 rows is 0 rows"),
        (None, {"where": {"mood": ["sad"]}}, "where.mood: no row has 'sad'"),
        (None, {"split": {"column": "mood"}}, "split.column: column 'mood' also holds"),
    ],
)
def test_small_files_are_looked_at_to_their_end(tmp_path: Path, caplog, rows, more, sentence):
    file = write_csv(tmp_path / "all.csv", rows_of(40) if rows is None else rows)
    block = block_of(**{"file": file, "split": {"test": 0.2}, **more})
    with pytest.raises(UserError, match=sentence):
        look("mine", block)
    with pytest.raises(UserError, match=sentence):
        prepare("mine", block, tmp_path / "mine")


def test_near_duplicates_are_cut_into_one_split(tmp_path: Path):
    templates = [" ".join(f"word{i}{letter}" for letter in "abcdefgh") for i in range(40)]
    rows = [(f"{text} {end}", LABELS[i % 2]) for i, text in enumerate(templates) for end in "abc"]
    rows += [(f"word{i} apart{i} alone{i} other{i}", LABELS[i % 2]) for i in range(120)]
    source = write_csv(tmp_path / "all.csv", rows)
    found = {}
    for how in ("ignore", "together"):
        block = block_of(file=source, split={"test": 0.2, "dev": 0.1, "near_duplicates": how})
        prepare("mine", block, tmp_path / how)
        splits = {name: read_split(tmp_path / how / f"{name}.parquet") for name in SPLITS}
        of = {
            split: set(frame["text"].str[:-2]) & set(templates) for split, frame in splits.items()
        }
        found[how] = len(of["train"] & of["test"]) + len((of["train"] | of["test"]) & of["dev"])
        assert [len(splits[name]) for name in SPLITS] == [168, 24, 48]
        assert splits["test"]["label"].mean() == 0.5
    assert found["ignore"] > 10 and found["together"] == 0
    assert of["test"] and of["dev"]  # not only rows on their own
