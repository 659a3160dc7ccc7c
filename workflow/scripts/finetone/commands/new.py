"""Write the experiment for a table of your own texts and labels.

Looks at the files (CSV, TSV and the like, JSON, Parquet), says what it sees, chooses classes,
splits, models and a recipe, measures for some seconds how long they will take here, and writes
config/<name>.yaml, in which every choice can be changed.

    finetone new reviews.csv
    finetone new train.jsonl test.jsonl --label stars --minutes 30
    finetone new reviews.csv --models distilbert-base minilm-l6 --output config/films.yaml
"""

import argparse
import os
import re
import shlex
import sys
from pathlib import Path

from finetone import files
from finetone.commands.clone import find
from finetone.errors import UserError

SCHEMA = "workflow/schemas/config.schema.yaml"
SEPARATORS = {"comma": ",", "semicolon": ";", "bar": "|", "tab": "\t"}
LARGE = 50 << 20  # bytes that take a while to read
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="tables, or parts of one")
    parser.add_argument("--text", metavar="COLUMN", help="the column of the text")
    parser.add_argument("--label", metavar="COLUMN", help="the column of the label")
    parser.add_argument(
        "--models",
        nargs="+",
        default=[],
        metavar="MODEL",
        help="names that `finetone models` lists, or folders",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=60.0,
        metavar="N",
        help="that a run may take on this machine (default: %(default)g)",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: config/<name>.yaml")
    parser.add_argument("--force", action="store_true", help="overwrite the output")
    parser.add_argument(
        "--offline", action="store_true", help="without the model hub: what is here, or on PyPI"
    )
    parser.add_argument(
        "--separator", choices=SEPARATORS, help="of a delimited file whose header does not tell"
    )
    parser.add_argument("--encoding", metavar="NAME", help="of a text file, such as gb18030")


def run(options: argparse.Namespace) -> int:
    """Look, decide, write and tell.

    Raises
    ------
    UserError
        Something has to be said that cannot be seen, or the output is there already or cannot be
        written.
    """
    usual = f"{_name(options.files[0])}.yaml"
    output = options.output or Path("config", usual)
    name = output.stem
    if output.is_dir():
        raise UserError(f"--output {output}: is a folder; give a file, such as {output / usual}")
    if output.suffix not in (".yaml", ".yml"):
        raise UserError(f"--output {output}: must end in .yaml, as configurations do")
    if not NAME.fullmatch(name):
        raise UserError(
            f"--output {output}: {name!r} cannot name an experiment; use letters, digits, '.', '_' "
            "and '-'"
        )
    if output.exists() and not options.force:
        raise UserError(f"{output}: is there already; give --output, or --force to overwrite it")
    if not options.minutes > 0:
        raise UserError(f"--minutes {options.minutes:g}: give more than 0")
    find("config/models.yaml")
    files.refuse_read_only([output])
    _tell_of_large(options.files)

    from finetone.config.checking import check
    from finetone.config.values import load
    from finetone.data.first_look import look
    from finetone.proposal.decisions import Options, propose
    from finetone.proposal.document import document
    from finetone.proposal.told import told

    schema = find(SCHEMA)
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    rules = load(schema)
    proposal = propose(
        options.files,
        Options(
            options.text,
            options.label,
            options.models,
            options.minutes,
            SEPARATORS.get(options.separator),
            options.encoding,
            options.offline,
            cores,
        ),
        rules,
    )
    command = f"finetone run {shlex.quote(str(output))}"
    text = document(proposal, name, command, rules)
    output.parent.mkdir(parents=True, exist_ok=True)
    with files.atomic(output) as partial:
        partial.write_text(text, encoding="utf-8")
        config = check(load(partial), schema)
        for dataset, block in config["datasets"].items():
            look(dataset, block)
    print(*told(proposal, output, command), sep="\n")
    return 0


def _name(file: str) -> str:
    """A name for the experiment, after a file."""
    stem = Path(file).name.split(".")[0]
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_")[:40]
    return name or "own"


def _tell_of_large(given: list[str]) -> None:
    size = sum(Path(file).stat().st_size for file in given if Path(file).is_file())
    if size > LARGE:
        print(f"reading {size / 1e6:,.0f} MB …", file=sys.stderr, flush=True)
