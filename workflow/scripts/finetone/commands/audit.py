"""Audit a published table: which of its numbers cannot be right.

Nothing is trained. TABLE is a CSV file with a column `model` and at least one of accuracy, error,
precision, recall, f1, mcc, pearson, spearman and loss; or a folder with such a file,
`published.csv`, and a `setup.yaml` that states what the options state. See docs/published-table.md.

    finetone audit results.csv --n 872 --seeds 5

Exit status: 0 if nothing is wrong, 1 if something is, 2 if the table cannot be read.
"""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetone import log
from finetone.errors import UserError

OPTIONS = (
    ("n", "rows of the test set"),
    ("seeds", "runs behind each value (1: a single run)"),
    ("classes", "classes of the task"),
    ("positives", "rows of the class that precision, recall and F1 are about"),
)
LISTS = (
    ("batch-sizes", "batch sizes of the evaluation, if known"),
    ("other-n", "other numbers of rows it may have been"),
)
CHOICES = (
    ("statistic", ("mean", "median", "best"), "of the runs (default: mean)"),
    ("rounding", ("nearest", "cut"), "how digits were left out (default: either)"),
    ("average", ("binary", "micro", "macro", "weighted"), "of precision, recall and F1"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "table", type=Path, metavar="TABLE", help="a CSV file, or a folder with one"
    )
    for name, text in OPTIONS:
        parser.add_argument(f"--{name}", type=int, metavar="N", help=text)
    for name, choices, text in CHOICES:
        parser.add_argument(f"--{name}", choices=choices, help=text)
    parser.add_argument("--scale", type=int, choices=(1, 100), help="fractions or percent")
    for name, text in LISTS:
        parser.add_argument(f"--{name}", type=int, nargs="+", metavar="N", help=text)
    parser.add_argument("--language", choices=("en", "zh"), default="en")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="default: <name of the table>-audit, here"
    )


def run(options: argparse.Namespace) -> int:
    """Print the findings and write the page, and return the exit status."""
    try:
        return _audit(options)
    except UserError as error:
        log.on_terminal(str(error))
        return 2


def _audit(options: argparse.Namespace) -> int:
    from finetone.published.table_audit import audit
    from finetone.report.study.audit_page import write_audit

    names = [name for name, *_ in (*OPTIONS, *CHOICES)] + ["scale", "batch_sizes", "other_n"]
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    for name, *_ in OPTIONS:
        if given.get(name, 1) < 1:
            raise UserError(f"--{name} {given[name]}: give at least 1")
    if "n" in given:
        given["n_test"] = given.pop("n")
    found = audit(options.table, given)
    name = options.table.resolve().stem
    out = options.out or Path(f"{name}-audit")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {out}: {error.strerror}") from None
    found.write(out / "audit.json", out / "values.csv")
    command = shlex.join(["finetone", "audit", str(options.table), *_words(options, names)])
    title = found.summary["title"] or name
    write_audit(
        found.summary, out / "values.csv", options.language, title, command, out / "audit.html"
    )
    _print(found.summary, options.language, found.published.unread)
    wrong = any(finding["level"] == "error" for finding in found.summary["findings"])
    print(f"{'Something' if wrong else 'Nothing'} is wrong; the page is {out / 'audit.html'}")
    return int(wrong)


def _print(summary: dict[str, Any], language: str, unread: Sequence[str]) -> None:
    from finetone.report.study.audit_parts import in_language

    for column in summary["columns"]:
        print(
            f"{column['metric']}, {column['table']}: {column['values']} values held against "
            f"{column['n_stated']:,} rows; {column['noticed']:.0%} of values with random digits "
            "would be noticed"
        )
        for value in column["impossible"]:
            epoch = f", epoch {value['epoch']}" if value["epoch"] else ""
            near = " and ".join(value["nearest"])
            print(f"  {value['model']}{epoch}: {value['printed']} is impossible, {near} are not")
    for finding in summary["findings"]:
        print(f"{finding['level']}: {in_language(finding, language)}")
    if unread:
        print(f"not read: {', '.join(unread)}")


def _words(options: argparse.Namespace, names: list[str]) -> list[str]:
    """The options as they were given."""
    words: list[str] = []
    for name in names:
        value = getattr(options, name)
        if value is not None:
            many = value if isinstance(value, list) else [value]
            words += [f"--{name.replace('_', '-')}", *map(str, many)]
    return words + (["--language", options.language] if options.language != "en" else [])
