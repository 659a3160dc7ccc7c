"""Everything that a configuration of the user's own table has to say, decided from the table."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from finetone.data.labels import LabelColumn
from finetone.data.splits import choose as choose_rows
from finetone.errors import UserError, listed
from finetone.proposal import candidates
from finetone.proposal.candidates import Candidate
from finetone.proposal.choosing import Choice, choose
from finetone.proposal.looking import inputs
from finetone.proposal.looking.class_keys import TOO_FEW, Classes, in_words
from finetone.proposal.looking.classes import classes_of
from finetone.proposal.looking.columns import Roles, roles
from finetone.proposal.looking.inputs import Input
from finetone.proposal.looking.languages import main_languages
from finetone.proposal.looking.splitting import Splitting, splitting
from finetone.proposal.looking.survey import Survey, survey

LONGEST, LEAST, STEP = 512, 16, 16  # tokens of `max_length`
COVERED = 0.95  # of the texts that `max_length` leaves whole
FEW = 40  # rows to learn from, below which no method learns anything
UNEVEN = 3  # rows of the commonest class to one of the rarest, from where accuracy misleads


@dataclass(frozen=True)
class Options:
    """What the user said; None and nothing where it is to be found out."""

    text: str | None = None
    label: str | None = None
    models: Sequence[str] = ()
    minutes: float = 60.0
    separator: str | None = None
    encoding: str | None = None
    offline: bool = False
    cores: int = 1


@dataclass
class Proposal:
    """All that was seen and decided."""

    options: Options
    tables: list[Input]
    unlabelled: list[Input]
    roles: Roles
    label: str
    found: Survey
    classes: Classes
    rows: dict[str, int]  # of each class
    splitting: Splitting
    max_length: int
    read_as: dict[str, str]
    repeated: tuple[int, int]  # rows whose text stood before, and with another label
    shared: tuple[int, int]  # test rows whose text is in train, and all of them
    languages: list[str]
    choice: Choice
    notes: list[str] = field(default_factory=list)

    @property
    def uneven(self) -> bool:
        """Whether a method that only knows the commonest class has a high accuracy."""
        return max(self.rows.values()) > UNEVEN * min(self.rows.values())


def propose(patterns: Sequence[str], options: Options, schema: Mapping[str, Any]) -> Proposal:
    """Look at tables and decide.

    Parameters
    ----------
    patterns
        Paths of the files.
    options
        What the user said.
    schema
        Of configurations: keys that it does not know are not proposed.

    Raises
    ------
    UserError
        What cannot be seen and has to be said.
    """
    tables = inputs.open_all(patterns, options.separator, options.encoding)
    first = tables[0]
    which = roles(inputs.head_of(first), options.text, options.label, str(first.path))
    tables, unlabelled = inputs.with_columns(tables, [which.text, which.labels[0]])
    found, columns = _survey(tables, which)
    label, classes = _label(found, which, columns, str(first.path))
    values = found.values[label]
    number_of = _numbers(classes, values.values, label)
    of_rows = number_of[values.codes]
    counts = dict.fromkeys(classes.labels, 0)
    for code, count in values.counts.items():
        if number_of[code] >= 0:
            counts[classes.labels[number_of[code]]] += count
    parts = [name for name in which.parts if name in columns]
    dataset = _properties(schema, "datasets", "additionalProperties", "properties")
    folds = "folds" in _properties(dataset, "split", "properties")
    split = splitting(found, of_rows, parts, folds=folds)
    _refuse_one_class(split, of_rows, classes, str(first.path))
    rare = {name: count for name, count in counts.items() if count < TOO_FEW}
    max_length = int(np.clip(-(-found.quantile(COVERED) // STEP) * STEP, LEAST, LONGEST))
    languages = main_languages(found.languages)
    models, notes = _models(options, languages, max_length)
    if split.rows["train"] < FEW:
        few = (
            f"{split.rows['train']} rows to learn from are hardly any: this only shows that it runs"
        )
        notes.append(few)
    if rare:
        said = listed([f"{name} {in_words(count)}" for name, count in rare.items()], 5)
        notes.append(f"too few to learn anything of, or to test it: {said}")
    lengths = np.minimum(found.tokens, max_length)
    choice = choose(models, lengths, split, options.minutes, options.cores, bool(options.models))
    return Proposal(
        options,
        tables,
        unlabelled,
        which,
        label,
        found,
        classes,
        counts,
        split,
        max_length,
        inputs.read_as(tables, [which.text, label], options.encoding),
        found.repeated(of_rows),
        (0, 0) if split.of_train is None else found.shared(of_rows, split.of_train),
        languages,
        choice,
        notes,
    )


def _survey(tables: Sequence[Input], which: Roles) -> tuple[Survey, list[str]]:
    """The tables, read once, and the columns that were counted."""
    everywhere = set.intersection(*(set(each.columns) for each in tables))
    wanted = [name for name in (*which.labels, *which.parts) if name in everywhere]
    for columns in (wanted, which.labels[:1]):
        try:
            read = ((t.split, t.batches([which.text, *columns])) for t in tables)
            return survey(read, which.text), columns
        except UserError:  # in a column that may be none of ours
            if columns == which.labels[:1]:
                raise
    raise AssertionError("the last reading returns or raises")


def _label(found: Survey, which: Roles, columns: Sequence[str], place: str) -> tuple[str, Classes]:
    """The column of the label, and its classes: the first candidate that has some."""
    likely = [name for name in which.labels if name in columns]
    for name in likely:
        with suppress(UserError):
            return name, classes_of(name, found.values[name].by_value, place)
    return likely[0], classes_of(likely[0], found.values[likely[0]].by_value, place)


def _numbers(classes: Classes, values: Sequence[Any], label: str) -> np.ndarray:
    """The class of each value, negative for none, as the pipeline will see it; the last is for others."""
    column = LabelColumn(
        classes.labels, label, classes.label_values or None, classes.threshold, drop_missing=True
    )
    numbers = column.numbers(values, np.arange(len(values)))
    if not classes.keep:
        column.refuse_odd()
    return np.append(numbers, -1).astype(np.int16)


def _refuse_one_class(split: Splitting, of_rows: np.ndarray, classes: Classes, place: str) -> None:
    train = of_rows if split.of_train is None else of_rows[split.of_train]
    train = train[train >= 0]
    if len(set(train.tolist())) > 1 and "test" in split.split:  # as the pipeline will cut them
        rows = min(round(split.split["test"] * len(train)), len(train))
        train = np.delete(train, choose_rows(train, rows, 0, "split", "test"))
    present = sorted(set(train.tolist()))
    if len(present) < 2:
        only = classes.labels[present[0]] if present else "nothing"
        raise UserError(
            f"{place}: the rows to learn from hold only {only!r}; two classes are needed, with two "
            "rows or more of each"
        )


def _models(
    options: Options, languages: Sequence[str], max_length: int
) -> tuple[list[Candidate], list[str]]:
    hub = not options.offline and candidates.hub_answers()
    if options.models:
        return candidates.named(options.models, hub=hub)
    models, note = candidates.fitting(languages, max_length, hub=hub)
    return models, [note] if note else []


def _properties(schema: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """What the schema says below `properties` and these keys."""
    for key in ("properties", *keys) if "properties" in schema else keys:
        schema = schema.get(key, {})
    return schema
