"""Reading the tables that pictures are drawn from."""

from pathlib import Path
from typing import Any

import pandas as pd

from finetone.errors import UserError
from finetone.formats.csv_table import TEXT, read_csv


def read(path: str | Path, columns: list[str], dataset: str | None = None) -> pd.DataFrame:
    """Rows of a table (of one dataset, if named); UserError for no rows, and for columns that are
    missing or hold text instead of numbers."""
    table = read_csv(path)
    missing = [c for c in (columns if dataset is None else ["dataset", *columns]) if c not in table]
    if missing:
        raise UserError(f"{path}: no column {missing[0]!r} (has {', '.join(map(str, table))})")
    for name in columns:
        if name not in TEXT and pd.api.types.is_string_dtype(table[name]):
            raise UserError(f"{path}: column {name!r} is not numeric; make it again")
    if dataset is not None:
        table = table[table["dataset"] == dataset].reset_index(drop=True)
        if table.empty:
            raise UserError(f"{path}: no rows of dataset {dataset!r}; make it again")
    return table


def rows(table: pd.DataFrame) -> list[Any]:
    """Rows as named tuples; `Index` is the row's label."""
    return list(table.itertuples())


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def methods_in(table: pd.DataFrame) -> list[str]:
    return [str(name) for name in table["method"].unique()]


def truth(column: pd.Series) -> pd.Series:
    """A column of true/false, however the CSV spells them."""
    return column.astype(str).str.lower().isin(["true", "1", "1.0"])
