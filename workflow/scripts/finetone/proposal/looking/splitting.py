"""Which rows to learn from and which to test on: as the files say, or cut off."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from finetone.proposal.looking.columns import split_named
from finetone.proposal.looking.survey import Survey, Values

FEW = 400  # rows below which a test split says little and cross-validation more
MANY = 2_000  # rows from which some can be spared to choose epochs on
MOST_TEST = 10_000  # rows: more make intervals hardly narrower (± 1 point)
TEST, DEV, TEST_OF_FEW = 0.2, 0.1, 0.3
FOLDS, LEAST_FOLDS = 5, 3
LABELLED = 0.5  # of the rows of a split, or its labels are kept secret


@dataclass
class Splitting:
    """The keys of a dataset block that say which rows are for what.

    Attributes
    ----------
    split, splits
        As the configuration has them.
    where
        {column: values}, if a column that names the splits holds other values, too.
    files
        Which of the splits that files stand for is which of ours: {ours: theirs}.
    rows
        {split: rows}, about.
    notes
        {key: why it is as it is}.
    """

    split: dict[str, Any] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    where: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    of_train: npt.NDArray[np.bool_] | None = None  # rows of the train split, where it is given

    @property
    def trained(self) -> int:
        """Rows that one training reads."""
        folds = self.split.get("folds", 0)
        return self.rows["train"] - self.rows["train"] // folds if folds else self.rows["train"]


def splitting(
    found: Survey, classes: npt.NDArray[np.int16], columns: Sequence[str], *, folds: bool
) -> Splitting:
    """Decide which rows are for what.

    Parameters
    ----------
    found
        The table.
    classes
        Of each row, negative for none.
    columns
        Those that may name the split of a row.
    folds
        Whether cross-validation is to be had.
    """
    scale = found.filled / max(1, len(classes))  # of very long tables not all rows are known
    for column in ("", *columns):
        given = _given(found.values[column], classes, column, scale)
        if given is not None:
            return _with_dev(given)
    rows = round(scale * int((classes >= 0).sum()))
    # a fold can have no less than one text of each class, and what is the same shares one
    rarest = min(found.different(classes).values(), default=0) if folds and rows < FEW else 0
    return _with_dev(_cut(rows, min(FOLDS, rarest)))


def _given(
    values: Values, classes: npt.NDArray[np.int16], column: str, scale: float
) -> Splitting | None:
    """The splits that a column, or the files (""), name; None if they do not."""
    codes = values.codes
    sizes: dict[str, int] = {}  # rows with a class by value
    means: dict[str, str] = {}  # the largest value that means it, by split
    for code, value in enumerate(values.values):
        split, here = split_named(value), classes[codes == code]
        labelled = int((here >= 0).sum())
        if split is None or labelled < LABELLED * len(here):
            continue
        if labelled > sizes.get(means.get(split, ""), 0):
            sizes[value] = labelled
            means[split] = value
    if "train" not in means or len(means) == 1:
        return None
    notes = {}
    if "test" not in means:
        means["test"] = means.pop("dev")
        notes["splits"] = f"the labels of no other split are there: tested on {means['test']}"
    means = {split: means[split] for split in ("train", "dev", "test") if split in means}
    rows = {split: round(scale * sizes[value]) for split, value in means.items()}
    train = codes == values.values.index(means["train"])
    if not column:
        return Splitting(files=means, rows=rows, notes=notes, of_train=train)
    found = Splitting({"column": column}, rows=rows, notes=notes, of_train=train)
    if means != {"train": "train", "test": "test"}:
        found.splits = {split: value.strip() for split, value in means.items()}
    if others := {str(value) for value in values.values} - set(means.values()):
        found.where = {column: sorted(value.strip() for value in means.values())}
        found.notes["where"] = f"leaves out {', '.join(sorted(map(repr, others))[:3])}"
    return found


def _cut(rows: int, folds: int) -> Splitting:
    """Into so many folds, where they are enough and the rows few, or a test split."""
    if folds >= LEAST_FOLDS and rows >= 2 * FOLDS:
        note = f"{rows} rows: a test split of them would say little, so each row is tested once"
        if folds < FOLDS:
            note += f"; no more folds, for a class has only {folds} different texts"
        return Splitting({"folds": folds}, rows={"train": rows}, notes={"split": note})
    share = TEST_OF_FEW if rows < FEW else min(TEST, _share(MOST_TEST, rows))
    if rows < 2 / share:
        share = 0.5
    test = round(share * rows)
    notes = {}
    if rows < FEW:
        notes["split"] = f"{test} of {rows} rows to test on are few: expect wide intervals"
    return Splitting({"test": share}, rows={"train": rows - test, "test": test}, notes=notes)


def _with_dev(found: Splitting) -> Splitting:
    """Cut a dev split off the training rows where there are enough."""
    train = found.rows["train"]
    if "dev" in found.rows or "folds" in found.split or train < MANY:
        return found
    whole = train + (found.rows["test"] if "test" in found.split else 0)
    share = min(DEV, _share(MOST_TEST // 2, whole))
    dev = round(share * whole)
    found.split["dev"] = share
    found.rows = {**found.rows, "train": train - dev, "dev": dev}
    return found


def _share(part: int, rows: int) -> float:
    """A share in two digits."""
    return float(f"{part / rows:.2g}")
