"""Label a file of new texts with a method of a finished experiment.

FILE is a table of any kind that an experiment reads (.csv, .tsv, .json, .jsonl, .parquet …, also
.gz), or - for standard input. OUT gets all of its rows and columns as they are, and after them
label and probability; its name decides the format (.csv, .tsv, .jsonl, .parquet). OUT.json says
what labelled it.

The method is the recommended one. A column calibrated_probability comes from the temperature
that was fitted on the dev rows; without one it is called probability. The column unlike_training
marks texts unlike those that the method was trained on: by length, script, words that no training
text has, or tokens unknown to its tokenizer.

What was interrupted goes on where it was: give the same command again.

    finetone label results/demo new.csv -o labelled.csv
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from finetone import files, log
from finetone.commands.new import SEPARATORS
from finetone.errors import UserError

KINDS = ("csv", "tsv", "jsonl", "json", "parquet")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("folder", type=Path, metavar="RESULTS", help="results/<experiment>")
    parser.add_argument("file", metavar="FILE", help="the table to label, or - for standard input")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT")
    parser.add_argument("--text", metavar="COLUMN", help="default: the training data's column")
    parser.add_argument("--method", metavar="NAME", help="default: the recommended one")
    parser.add_argument(
        "--seed", metavar="N", help="of the run; mean averages over all (default: the first)"
    )
    parser.add_argument(
        "--separator",
        type=lambda given: SEPARATORS.get(given, given),  # by name, or as a dataset's is written
        choices=tuple(SEPARATORS.values()),
        metavar=f"{{{','.join(SEPARATORS)}}}",
        help="of a delimited table; default: found",
    )
    parser.add_argument("--encoding", help="of a text file; default: found")
    parser.add_argument("--format", choices=KINDS, help="of standard input (default: csv)")
    parser.add_argument(
        "--threads", type=int, default=len(os.sched_getaffinity(0)), metavar="N",
        help="CPU threads (default: %(default)s)",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Label the table.

    Raises
    ------
    UserError
        An option, the folder or the table is not what it should be.
    """
    for name, value in log.QUIET.items():  # before what reads them is imported
        os.environ.setdefault(name, value)
    if options.threads < 1:
        raise UserError(f"--threads {options.threads}: give at least 1")
    if options.format and options.file != "-":
        raise UserError(
            f"--format {options.format}: is for standard input (-); a file's name says it"
        )
    from finetone.labelling.label import label
    from finetone.labelling.output import check_suffix
    from finetone.labelling.progress import for_terminal
    from finetone.labelling.sources import table_in, text_column, training_split

    check_suffix(options.output.name)
    files.refuse_folder(options.output)
    files.refuse_read_only([options.output])
    _refuse_overwriting(options)
    with _input(options) as (path, name):
        from finetone.labelling.choice import choose

        choice = choose(options.folder, options.method, options.seed)
        dataset = choice.runs[0].record.dataset
        table = table_in(path, name, options.separator, options.encoding)
        seeds = ", ".join(str(run.record.seed) for run in choice.runs)
        log.on_terminal(f"{choice.method}, seed {seeds}, trained on {dataset}")
        progress = for_terminal()
        summary = label(
            choice,
            table,
            options.text or text_column(options.folder, dataset),
            options.output,
            train=training_split(options.folder, dataset),
            threads=options.threads,
            progress=progress,
            source={"name": name, "sha256": files.sha256(path)},
        )
        progress.close()
    for sentence in summary.sentences():
        log.on_terminal(sentence)
    return 0


def _refuse_overwriting(options: argparse.Namespace) -> None:
    """The record goes beside the output, where something of the user's may be."""
    from finetone.provenance import csv_record

    record = csv_record(options.output)
    try:
        known = not record.exists() or "made_from" in files.read_json(record)
    except UserError:
        known = False
    if not known:
        raise UserError(
            f"--output {options.output}: {record}, where its record would go, is there already and "
            "is none; give another name"
        )


@contextmanager
def _input(options: argparse.Namespace) -> Iterator[tuple[Path, str]]:
    """The file to read, and its name for messages; standard input is put on disk first."""
    if options.file != "-":
        path = Path(options.file)
        if not path.is_file():
            what = "is a folder; name a file" if path.is_dir() else "no such file"
            raise UserError(f"{path}: {what}")
        if options.output.exists() and options.output.samefile(path):
            raise UserError(f"--output {options.output}: is the file to label; give another name")
        yield path, options.file
        return
    with tempfile.NamedTemporaryFile(prefix="finetone-") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy, files.CHUNK)
        copy.flush()
        yield Path(copy.name), f"standard-input.{options.format or 'csv'}"
