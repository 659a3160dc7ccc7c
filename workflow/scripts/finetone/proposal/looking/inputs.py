"""The files that a user names: which tables they are, and for which split each stands."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetone.config.canonical import encoding_name
from finetone.errors import UserError, did_you_mean, listed
from finetone.identity import matching
from finetone.proposal.looking.columns import split_named, words_of
from finetone.readers.limits import MAX_BYTES
from finetone.readers.lines import hint
from finetone.readers.table_file import TableFile

ASKED, OPTION = "give its encoding:,", "give its --encoding,"
Batches = Iterator[Mapping[str, list[Any]]]


@dataclass(frozen=True)
class Input:
    """A file: its table, the columns of that, and the split it stands for ("" for none)."""

    path: Path
    table: TableFile
    columns: list[str]
    split: str

    def batches(self, columns: Sequence[str]) -> Batches:
        """Its columns, some thousand rows at a time."""
        return self.table.batches(columns)


def open_all(patterns: Sequence[str], separator: str | None, encoding: str | None) -> list[Input]:
    """The tables, those to learn from first.

    Parameters
    ----------
    patterns
        Paths; `*` and `?` stand for several.
    separator, encoding
        What the user said of all of them.

    Raises
    ------
    UserError
        One is not there, or is no table.
    """
    encoding = _known(encoding)
    named = [path for pattern in patterns for path in matching(pattern)]
    paths = list({path.resolve(): path for path in named[::-1]}.values())
    paths.sort(key=named.index)
    splits = _splits(paths)
    inputs = [_open(path, splits[path], separator, encoding) for path in paths]
    return sorted(inputs, key=lambda each: each.split not in ("", "train"))


def with_columns(inputs: Sequence[Input], needed: Sequence[str]) -> tuple[list[Input], list[Input]]:
    """The tables that have these columns, and those to test on that have no labels.

    Raises
    ------
    UserError
        One to learn from has other columns.
    """
    has = [each for each in inputs if set(needed) <= set(each.columns)]
    others = [each for each in inputs if each not in has]
    for each in others:
        if each.split in ("", "train"):
            lost = next(name for name in needed if name not in each.columns)
            raise UserError(
                f"{each.path}: no column {lost!r}, which {inputs[0].path} has{hint(lost, each.columns)}"
            )
    return has, others


def head_of(one: Input) -> dict[str, list[Any]]:
    """The first rows of a table, by column."""
    if not one.columns:
        raise UserError(f"{one.path}: no column has a text or number in each of the first rows")
    head = one.table.first(one.columns)
    if not any(head.values()):
        raise UserError(f"{one.path}: has no rows")
    return head


def read_as(
    inputs: Sequence[Input], columns: Sequence[str], encoding: str | None
) -> dict[str, str]:
    """Separator and encoding that have to be configured for the pipeline to read these columns.

    It finds most by itself: those that the header names all columns by, and encodings it can prove.
    """
    needed = {} if encoding is None else {"encoding": str(_known(encoding))}
    for each in inputs:
        found = each.table.read_as.get("separator")
        alone = TableFile(each.path, str(each.path), encoding=each.table.read_as.get("encoding"))
        try:
            alone.first(columns)
            same = alone.read_as.get("separator") == found
        except UserError:
            same = False
        if found and not same:
            needed["separator"] = found
    return needed


def size(inputs: Sequence[Input]) -> int:
    """Bytes of all files."""
    return sum(each.path.stat().st_size for each in inputs)


def _known(encoding: str | None) -> str | None:
    if encoding is None:
        return None
    if (name := encoding_name(encoding)) is None:
        raise UserError(f"--encoding {encoding}: Python knows no encoding of that name")
    return name


def _open(path: Path, split: str, separator: str | None, encoding: str | None) -> Input:
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name its files, such as {path}/*.parquet")
    if not path.is_file():
        folder = path.parent
        near = [other.name for other in folder.iterdir()] if folder.is_dir() else []
        raise UserError(f"{path}: no such file{did_you_mean(path.name, near, cutoff=0.7)}")
    if path.stat().st_size > MAX_BYTES:
        raise UserError(f"{path}: is larger than {MAX_BYTES >> 30} GB; give a part of it")
    table = TableFile(path, str(path), separator, encoding)
    try:
        return Input(path, table, [name for name in table.settle() if name], split)
    except UserError as error:
        raise UserError(str(error).replace(ASKED, OPTION)) from None


def _splits(paths: Sequence[Path]) -> dict[Path, str]:
    """The split that a file's name says, if the names say so of all, and of train and another.

    Raises
    ------
    UserError
        Of some files they do, of another not.
    """
    named: dict[Path, str] = {}
    for path in paths:
        words = words_of(path.name.split(".")[0])
        named[path] = next((s for word in sorted(words) if (s := split_named(word))), "")
    said = set(named.values())
    if said >= {"", "train"} and len(said) > 2:
        odd = next(path for path in paths if not named[path])
        raise UserError(
            f"{odd}: its name says no split, but those of other files say train and "
            f"{max(said - {'train'})}; name its split, or leave it out"
        )
    if "train" in said and len(said) > 1 and "" not in said:
        return named
    return dict.fromkeys(paths, "")


def shown(inputs: Sequence[Input]) -> str:
    """The files in a few words."""
    return listed([str(each.path) for each in inputs], 3)
