"""Label a table of new texts with a method of a finished experiment.

The table is read, classified and written in windows of some thousand rows, in which texts of
similar length share a batch. What was classified is kept beside the output until that is finished,
so that a killed run goes on where it was: its windows are known by their content.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from finetone import files
from finetone.errors import UserError
from finetone.labelling.choice import Choice
from finetone.labelling.classifiers import Classifier, loaded
from finetone.labelling.familiarity import KINDS, Familiarity, sample
from finetone.labelling.output import Columns, Writer, check_suffix, free_name, writer
from finetone.labelling.progress import Progress, ahead
from finetone.labelling.windows import NONE, Labelled, Windows
from finetone.log import logger
from finetone.provenance import Provenance, csv_record, keys_of
from finetone.readers.whole_table import WholeTable

UNFINISHED = "{}.unfinished"  # folder beside the output
STEP = 4096  # training texts that are prepared at a time


@dataclass
class Summary:
    """What was labelled.

    Attributes
    ----------
    rows
        All of the table.
    labels
        {class: rows}.
    without_text
        Rows that have none, and so no label.
    unlike
        {kind: rows that are unlike the training texts}; None where these are not there.
    unlike_rows
        Rows that are unlike them in any way.
    columns
        Names of our columns.
    resumed
        Rows that an interrupted run had labelled.
    """

    labels: dict[str, int]
    unlike: dict[str, int] | None
    rows: int = 0
    without_text: int = 0
    unlike_rows: int = 0
    columns: list[str] = field(default_factory=list)
    resumed: int = 0

    def add(self, found: Labelled) -> None:
        """Count a window."""
        self.rows += len(found.label)
        self.without_text += int((found.label == NONE).sum())
        counts = np.bincount(found.label[found.label != NONE], minlength=len(self.labels))
        for name, count in zip(self.labels, counts.tolist(), strict=True):
            self.labels[name] += count
        self.unlike_rows += int(found.unlike.any(axis=1).sum())
        if self.unlike is not None:
            for kind, count in zip(KINDS, found.unlike.sum(axis=0).tolist(), strict=True):
                self.unlike[kind] += count

    def sentences(self) -> list[str]:
        """What a user should know of it."""
        shown = sorted(self.labels.items(), key=lambda item: -item[1])
        most = ", ".join(f"{name} {count:,}" for name, count in shown[:10])
        more = f", … ({len(shown)} classes)" if len(shown) > 10 else ""
        told = [f"{self.rows - self.without_text:,} of {self.rows:,} rows labelled: {most}{more}"]
        if self.resumed:
            told.append(f"{self.resumed:,} of them by the run before, which was interrupted")
        if self.without_text:
            told.append(f"{self.without_text:,} rows have no text, and so no label")
        if self.unlike is None:
            told.append(
                "the training texts are not there any more, so texts unlike them were not looked for"
            )
        elif self.unlike_rows:
            kinds = ", ".join(f"{kind} {n:,}" for kind, n in self.unlike.items() if n)
            told.append(
                f"{self.unlike_rows:,} texts ({100 * self.unlike_rows / self.rows:.1f} %) are unlike "
                f"the training texts ({kinds}): see the column {self.columns[-1]}"
            )
        return told


def label(
    choice: Choice,
    table: WholeTable,
    text: str,
    target: Path,
    *,
    train: Path | None,
    threads: int,
    progress: Progress,
    provenance: Provenance | None = None,
    source: dict[str, Any] | None = None,
) -> Summary:
    """Write `target`, and its record beside it: every row of a table, with label and probability.

    Rows without text have no label. `probability` is that of the label, and is called
    `calibrated_probability` if it comes from a temperature; `unlike_training` says in which ways a
    text is unlike the training texts.

    Parameters
    ----------
    choice
        The method and its runs.
    table, text
        The table, and its column of texts.
    target
        The file to write; its suffix decides the format.
    train
        The training split, if it is still there.
    threads
        CPU threads.
    progress
        Is told how far it is.
    provenance
        The record of the file.
    source
        What the record says of the table.

    Raises
    ------
    UserError
        The table cannot be read, or cannot be written in that format.
    """
    check_suffix(target.name)
    cache = target.with_name(UNFINISHED.format(target.name))
    with loaded(choice, threads) as classifier, files.atomic(target) as partial:
        familiar = None if train is None else familiarity(train, classifier)
        kinds = None if familiar is None else dict.fromkeys(KINDS, 0)
        summary = Summary(dict.fromkeys(choice.labels, 0), kinds)
        windows = Windows(choice, classifier, familiar, cache)
        out: Writer | None = None
        for one in ahead(windows.prepared(table.windows(text))):
            known = one.known
            found = windows.labelled(one)
            if out is None:
                summary.columns = _names(choice, one.window.columns, familiar is not None)
                out = writer(partial, target.name, table.read_as)
            try:
                out.write(one.window, _columns(choice, found, summary.columns))
            except UserError:  # of the format, whatever was found
                shutil.rmtree(cache, ignore_errors=True)
                raise
            summary.add(found)
            if known:
                summary.resumed += len(found.label)
                progress.skip(table.done)
            progress.update(summary.rows, 0 if known else len(found.label), table.done)
        if out is not None:  # a table without rows was refused
            out.close()
    about = keys_of(provenance) | choice.facts() | {"source": source, "text": text}
    about |= {
        key: value for key, value in vars(summary).items() if key not in ("resumed", "labels")
    }
    about |= {"counts": summary.labels, "sha256": files.sha256(target)}
    files.write_json(csv_record(target), about)
    shutil.rmtree(cache, ignore_errors=True)
    for sentence in summary.sentences():
        logger.info("%s: %s", target.name, sentence)
    return summary


def familiarity(train: Path, classifier: Classifier) -> Familiarity:
    """What the training texts look like, to themselves and to the tokenizer of a method."""
    texts = sample(train)
    unknown = []
    for start in range(0, len(texts), STEP):
        counts = classifier.unknown(classifier.prepare(texts[start : start + STEP]))
        if counts is not None:
            unknown.append(counts)
    joined = [np.concatenate(each) for each in zip(*unknown, strict=True)]
    return Familiarity.of(texts, (joined[0], joined[1]) if joined else None)


def _names(choice: Choice, taken: Sequence[str], compared: bool) -> list[str]:
    """Names of our columns, none of which the table has."""
    probability = "calibrated_probability" if choice.calibrated else "probability"
    names = ["label", probability, *(["unlike_training"] if compared else [])]
    return [free_name(name, taken) for name in names]


def _columns(choice: Choice, found: Labelled, names: Sequence[str]) -> Columns:
    classes = choice.labels
    nothing = found.label == NONE
    # as many digits as a float32 has, and no more
    chances = [
        None if empty else float(f"{chance:.6g}")
        for empty, chance in zip(nothing, found.probability.tolist(), strict=True)
    ]
    columns: list[Sequence[Any]] = [
        [None if number == NONE else classes[number] for number in found.label.tolist()],
        chances,
        [
            "+".join(kind for kind, is_so in zip(KINDS, row, strict=True) if is_so)
            for row in found.unlike
        ],
    ]
    return dict(zip(names, columns, strict=False))
