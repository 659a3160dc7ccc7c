"""Rows and numbers of a CSV file that people wrote."""

import csv
import re
from pathlib import Path

from finetone.errors import UserError
from finetone.published.printed import Printed

ALIASES = {
    "acc": "accuracy",
    "acc.": "accuracy",
    "error rate": "error",
    "error_rate": "error",
    "f1-score": "f1",
    "f1 score": "f1",
    "matthews": "mcc",
    "name": "model",
}


def number(path: Path, line: int, column: str, text: str, scale: int = 100) -> Printed:
    """Read the printed number in a cell.

    Parameters
    ----------
    path, line, column
        Where the cell is, for the message.
    text
        Its content.
    scale
        What 1 is printed as.

    Raises
    ------
    UserError
        It is not a plain decimal number.
    """
    try:
        return Printed.parse(text, scale)
    except ValueError:
        first = re.match(r"-?\d+[.,]?\d*", text)
        hint = f"; write {first[0].replace(',', '.')}" if first else "; leave the cell empty"
        raise UserError(
            f"{path}, line {line}: {column} {text!r} is not a plain decimal number such as 95.70 "
            f"(no spread, no comma){hint}"
        ) from None


def read_csv(path: Path, required: list[str]) -> list[tuple[int, dict[str, str]]]:
    """Read the rows of a CSV file, with their line numbers.

    Columns may be separated by commas, semicolons or tabs; their names are read in lower case.

    Parameters
    ----------
    path
        The file, in UTF-8.
    required
        Columns that it must have.

    Returns
    -------
    list of (int, dict)
        Line number, and stripped text by column.

    Raises
    ------
    UserError
        The file is missing or broken, lacks a column, has no rows, or a model has no name.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            head = stream.readline()
            if not head.strip():
                raise UserError(f"{path}: has no first line with the names of the columns")
            stream.seek(0)
            delimiter = max(",;\t", key=head.count)
            reader = csv.DictReader(stream, restval="", strict=True, delimiter=delimiter)
            names = [_plain(name) for name in reader.fieldnames or []]
            columns = [
                ALIASES.get(name, name) if ALIASES.get(name) not in names else name
                for name in names
            ]
            missing = [column for column in required if column not in columns]
            if missing:
                raise UserError(
                    f"{path}: column {missing[0]!r} is missing; it has {', '.join(columns)}"
                )
            if len(set(columns)) < len(columns):
                raise UserError(f"{path}: two columns have one name; it has {', '.join(columns)}")
            reader.fieldnames = columns
            rows = [(reader.line_num, row) for row in reader]
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; it holds the printed results") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a CSV file in UTF-8 ({error}); save it as one") from None
    if not rows:
        raise UserError(f"{path}: no rows under the header")
    for line, row in rows:
        if None in row:
            raise UserError(f"{path}, line {line}: more cells than the header has; quote commas")
    stripped = [(line, {key: cell.strip() for key, cell in row.items()}) for line, row in rows]
    for line, row in stripped:
        if "model" in required and not row["model"]:
            raise UserError(
                f"{path}, line {line}: the model has no name; give it one, or delete the line"
            )
    return stripped


def _plain(name: str) -> str:
    """The name of a column in lower case, without the unit that a percentage may have."""
    return re.sub(r"\s*(\(%\)|\[%\]|%)$", "", name.strip()).lower()
