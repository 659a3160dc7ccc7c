"""Tables on disk: the same bytes for the same content, safe to open in a spreadsheet."""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from finetone.errors import UserError, first_line
from finetone.files import atomic, readable
from finetone.provenance import check_csv

# Columns of any table that are always read as text: a method may be called "007", "1e3", "NA" or
# "True", and the digits of a published number are kept as printed.
NAMES = {"dataset", "method", "model", "reference", "a", "b", "repeats", "label", "slice", "scope"}
NAMES |= {"id", "true", "predicted", "trial"}
NAMES |= {"suggested", "other_id", "other_label", "split", "other_split"}
WORDS = {
    *("form", "key", "stated", "here", "kind", "statistic", "group", "table", "why", "unit"),
    *("flags", "sha256", "decidable"),
}
WORDS |= {
    *("verdict", "verdict_half", "verdict_twice", "undecidable", "own_verdict"),
    *("own_decidable", "own_undecidable", "own_verdict_half", "own_verdict_twice"),
    *("padded_verdict", "conflicts", "metric", "status"),
}
IN_LANGUAGES = ("claim", "reading", "note", "explanation", "own_explanation", "padded_explanation")
PROSE = {
    "text",
    "other_text",
    "says",
    "where",
    "reason",
    "reason_zh",
    *IN_LANGUAGES,
    *(f"{name}_zh" for name in IN_LANGUAGES),
}
PRINTED = {"printed", "nearest", "others", "published_millions"}
TEXT = NAMES | WORDS | PROSE | PRINTED
MIXED = {"epoch"}  # a number, but "all" in one row of column_match.csv
# Spreadsheets read a cell with such a beginning as a formula (OWASP, "CSV injection"), the wide
# characters in East Asian locales. A further apostrophe makes it text.
FORMULA = r"(?='*[=+\-@\t\r\n＝＋－＠])"


def guard(cell: Any) -> Any:
    """Prefix text that a spreadsheet would run as a formula with an apostrophe.

    Line ends become newlines; what is not text stays as it is.
    """
    if not isinstance(cell, str):
        return cell
    return re.sub(rf"\A{FORMULA}", "'", re.sub("\r\n?", "\n", cell))


def unguard(cell: str) -> str:
    """Return the text that `guard` was given."""
    return re.sub(rf"\A'{FORMULA}", "", cell)


def write_csv(table: pd.DataFrame, target: str | Path) -> None:
    """Write a table as CSV, completely or not at all.

    UTF-8, newline ends, floats with 6 significant digits, missing values empty, text guarded.

    Parameters
    ----------
    table
        Its index is not written.
    target
        The file to write.

    Raises
    ------
    ValueError
        A column holds text, but is not one that `read_csv` reads as text.
    """
    table = table.copy()
    for name in table.columns:
        if pd.api.types.is_float_dtype(table[name]):
            table[name] = table[name] + 0.0  # no -0
        elif not pd.api.types.is_numeric_dtype(table[name]):
            if name not in TEXT | MIXED and any(isinstance(cell, str) for cell in table[name]):
                raise ValueError(
                    f"column {name!r} holds text; add it to TEXT in formats/csv_table.py"
                )
            table[name] = table[name].map(guard)
    with atomic(target) as partial:
        table.to_csv(
            partial, index=False, float_format="%.6g", lineterminator="\n", encoding="utf-8"
        )


def read_csv(path: str | Path) -> pd.DataFrame:
    """Read one of our tables with the types it was written with.

    Text stays text (missing text is empty), and numbers are numbers even in a table without rows.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    UserError
        It is not a table, or was altered.
    """
    check_csv(Path(path))
    try:
        with readable(Path(path)):
            names = pd.read_csv(path, nrows=0).columns
            table = pd.read_csv(
                path,
                dtype={name: str for name in names if name in TEXT},
                keep_default_na=False,
                na_values={name: [""] for name in names if name not in TEXT},
            )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        why = first_line(error)
        raise UserError(f"{path}: not a readable table ({why}); delete it and rerun") from None
    for name in names:
        if name in TEXT:
            table[name] = table[name].map(unguard).astype(str)
        elif table.empty:
            table[name] = table[name].astype(float)
    return table
