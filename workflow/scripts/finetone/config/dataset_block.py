"""What no schema can check in the entry of a dataset: its source, splits, folds and classes."""

import unicodedata
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from finetone.config.blocks import DatasetBlock
from finetone.config.canonical import encoding_name
from finetone.config.source_keys import Fault, one_source, wheel_faults
from finetone.identity import by_split, without

SOURCES = ("hub", "wheel", "file")
SPLITS = ("train", "dev", "test")
NO_SHARES = {
    "seed",
    "column",
    "folds",
    "repeats",
    "near_duplicates",
}  # keys of `split` that are no split


def dataset_faults(block: DatasetBlock) -> Iterator[Fault]:
    labels = block["labels"]
    yield from one_source(block, SOURCES)
    yield from wheel_faults(block, "member", "the file inside the wheel")
    column = block.get("split", {}).get("column")
    if "splits" in block and "hub" not in block and column is None:
        yield ["splits"], "is for hub and split.column; write file, or member, as {split: path}"
    yield from _one_split_each(["splits"], block.get("splits", {}))
    yield from _one_split_each(["wheel", "member"], block.get("wheel", {}).get("member"))
    if column is not None and ("hub" in block or isinstance(_named_files(block), dict)):
        yield ["split", "column"], "is for one file; here, the source itself names the splits"
    for key in ("separator", "encoding"):
        if block.get(key) is not None and "hub" in block:
            yield [key], "is for file and wheel; the hub's own reader knows it"
    if (encoding := block.get("encoding")) and not encoding_name(encoding):
        yield ["encoding"], f"{encoding!r} is no encoding that Python knows; such as utf-8, cp1252"
    for first, second in combinations(labels, 2) if len(labels) < 500 else ():
        if _looks(first) == _looks(second):
            yield ["labels"], f"{first!r} and {second!r} look the same; use other names"
    if block["text"] == block["label"]:
        yield ["label"], f"is the column of the text already, {block['text']!r}"
    if unknown := sorted(splits_of(block) - set(SPLITS)):
        yield [], f"unknown split {unknown[0]!r}; the splits are {', '.join(SPLITS)}"
    if "threshold" in block and len(labels) != 2:
        yield ["threshold"], f"makes two classes, but labels names {len(labels)}"
    if "threshold" in block and block.get("label_values"):
        yield ["label_values"], "is for names, threshold for numbers; leave out one of them"
    for value, label in block.get("label_values", {}).items():
        if label not in labels:
            yield ["label_values", value], f"{label!r} is not one of labels {labels}"
    yield from _folds(block)
    if sum(shares(block).values()) >= 1:
        yield ["split"], "leaves no rows for training; the shares must sum to less than 1"


def _one_split_each(config_key: list[str], given: Any) -> Iterator[Fault]:
    """No rows stand for two splits: what is learned from them would be tested on them."""
    for first, second in combinations(given if isinstance(given, dict) else (), 2):
        if given[first] == given[second]:
            problem = f"{given[first]!r} is both {first} and {second}; leave out one of them"
            yield [*config_key, second], problem


def _folds(block: DatasetBlock) -> Iterator[Fault]:
    """Every row is tested in cross-validation, so there is no test split beside it."""
    folds, own = folds_of(block), "test" in splits_of(block)
    if folds and own and "test" in block["split"]:
        yield ["split", "test"], "is for one split, folds for cross-validation; leave one out"
    elif folds and own:
        remedy = "leave folds out, or name the training rows alone"
        if "hub" in block or "column" in block["split"]:
            remedy += " (splits: {train: train})"
        yield ["split", "folds"], f"the dataset has a test split of its own; {remedy}"
    if "repeats" in block.get("split", {}) and not folds:
        yield ["split", "repeats"], "is for cross-validation; add folds: 5"
    rows = block.get("sample", {}).get("train", folds)
    if isinstance(rows, int) and rows < folds:
        yield ["sample", "train"], f"{rows} rows cannot make {folds} folds"


def row_faults(block: DatasetBlock) -> Iterator[Fault]:
    """Where rows are to be cut off there are some, and no split of that name; where sampled, too."""
    given, cut = _given_splits(block), set(shares(block))
    place = " (name those to use under splits:)" if "hub" in block else ""
    for split in sorted(cut & given):
        yield ["split", split], f"the source has a {split} split already{place}; leave it out"
    if cut and "train" not in given:
        yield ["split"], "the source has no train split to cut from"
    for split, size in block.get("sample", {}).items():
        if split != "seed" and split not in splits_of(block):
            yield ["sample", split], f"there is no {split} split to take {size} from"
        elif isinstance(size, float) and size >= 1:
            problem = f"{size} is neither a share (below 1) nor a whole number of rows"
            yield ["sample", split], problem


def folds_of(block: DatasetBlock) -> int:
    """The number of folds of a dataset block's cross-validation; 0 if there is none."""
    return int(block.get("split", {}).get("folds", 0))


def splits_of(block: DatasetBlock) -> set[str]:
    """Names of the splits a dataset block can yield."""
    return _given_splits(block) | set(shares(block))


def shares(block: DatasetBlock) -> dict[str, float]:
    """The shares of `split` that are cut off the training rows."""
    return without(block.get("split", {}), *NO_SHARES)


def _given_splits(block: DatasetBlock) -> set[str]:
    """Names of the splits that a dataset block's source has."""
    if "hub" in block:
        return set(block.get("splits") or ("train", "test"))
    if "column" in block.get("split", {}):
        return set(block.get("splits") or ("train", "test"))
    return set(by_split(_named_files(block)))


def _named_files(block: DatasetBlock) -> Any:
    """What a block says of its files: one, several, or some by split."""
    return block["file"] if "file" in block else block.get("wheel", {}).get("member", "")


def _looks(name: str) -> str:
    """A class name without what cannot be seen in it."""
    return " ".join(unicodedata.normalize("NFC", name).split())
