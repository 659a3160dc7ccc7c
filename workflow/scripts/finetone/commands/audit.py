"""Audit a published table: which of its numbers cannot be right.

Nothing is trained. TABLE is a CSV file with a column `model` and at least one of accuracy, error,
precision, recall, f1, mcc, pearson, spearman and loss; or a folder with such a file,
`published.csv`, and a `setup.yaml` that states what the options state. See docs/published-table.md.

    finetone audit results.csv --n 872 --seeds 5

Exit status: 0 if nothing is wrong, 1 if something is, 2 if the table cannot be read.
"""

import argparse
import shlex
from collections.abc import Iterator, Sequence
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
    from finetone.published.phrases import words
    from finetone.published.table_audit import audit
    from finetone.report.study.audit_page import write_audit

    names = [name for name, *_ in (*OPTIONS, *CHOICES)] + ["scale", "batch_sizes", "other_n"]
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    for name, *_ in OPTIONS:
        if given.get(name, 1) < 1:
            raise UserError(f"--{name} {given[name]}: give at least 1")
    found = audit(options.table, given)
    name = options.table.resolve().stem
    out = options.out or Path(f"{name}-audit")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        file = (
            out if isinstance(error, FileExistsError) else next(filter(_is_file, out.parents), None)
        )
        why = f"{file} is a file" if file else f"it cannot be made ({error.strerror})"
        raise UserError(f"--out {out}: {why}; name a folder, which is made if need be") from None
    found.write(out / "audit.json", out / "values.csv")
    command = shlex.join(["finetone", "audit", str(options.table), *_words(options, names)])
    title = found.summary["title"] or name
    write_audit(
        found.summary, out / "values.csv", options.language, title, command, out / "audit.html"
    )
    wrong = any(finding["level"] == "error" for finding in found.summary["findings"])
    for line in _lines(found.summary, options.language, found.published.unread):
        print(line)
    print(words(options.language)["wrong" if wrong else "fine"].format(page=out / "audit.html"))
    return int(wrong)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # in a folder that nobody may enter
        return False


def _lines(summary: dict[str, Any], language: str, unread: Sequence[str]) -> Iterator[str]:
    """What is told on the terminal."""
    from finetone.published.phrases import row_of, words
    from finetone.report.study.audit_parts import in_language

    say = words(language)
    for column in summary["columns"]:
        yield say["checked"].format(
            metric=say[column["metric"]],
            table=say[f"table_{column['table']}"],
            values=column["values"],
            what=say["value_1" if column["values"] == 1 else "value_more"],
            n=column["n_stated"],
            noticed=column["noticed"],
        )
        for value in column["impossible"]:
            yield say["is_impossible"].format(
                row=row_of(value, say),
                printed=value["printed"],
                nearest=say["and"].join(value["nearest"]),
            )
    for finding in summary["findings"]:
        yield say[f"level_{finding['level']}"].format(sentence=in_language(finding, language))
    if unread:
        yield say["not_read"].format(columns=", ".join(unread))


def _words(options: argparse.Namespace, names: list[str]) -> list[str]:
    """The options as they were given."""
    words: list[str] = []
    for name in names:
        value = getattr(options, name)
        if value is not None:
            many = value if isinstance(value, list) else [value]
            words += [f"--{name.replace('_', '-')}", *map(str, many)]
    return words + (["--language", options.language] if options.language != "en" else [])
