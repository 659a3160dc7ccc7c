"""Tables on disk: the same bytes for the same content, safe to open in a spreadsheet."""

from pathlib import Path
from typing import Any

import pandas as pd

from finetone.errors import UserError
from finetone.files import atomic

# Read as text even where a name looks like a number or like a missing value ("NA", "1e3").
TEXT = ("dataset", "method", "a", "b", "kind", "slice", "group", "label", "text", "why", "scope")
# A cell that begins so is a formula to spreadsheets (OWASP, "CSV injection"); the wide forms count
# in East Asian locales.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def guard(cell: Any) -> Any:
    """Prefix text that a spreadsheet would run as a formula with an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def write_csv(table: pd.DataFrame, target: str | Path) -> None:
    """Write whole or not at all: UTF-8, newline ends, floats with 6 significant digits, missing
    values empty, text guarded."""
    table = table.copy()
    for name in table.columns:
        if pd.api.types.is_float_dtype(table[name]):
            table[name] = table[name] + 0.0  # no -0
        elif not pd.api.types.is_numeric_dtype(table[name]):
            table[name] = table[name].map(guard)
    with atomic(target) as partial:
        table.to_csv(
            partial, index=False, float_format="%.6g", lineterminator="\n", encoding="utf-8"
        )


def read_csv(path: str | Path) -> pd.DataFrame:
    """Read one of our tables; names stay text."""
    try:
        names = pd.read_csv(path, nrows=0).columns
        return pd.read_csv(
            path,
            dtype={name: str for name in names if name in TEXT},
            keep_default_na=False,
            na_values={name: [""] for name in names if name not in TEXT},
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a readable table ({error}); delete it and rerun") from None
