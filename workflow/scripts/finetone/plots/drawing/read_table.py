"""Reading the tables that pictures are drawn from."""

from pathlib import Path
from typing import Any

import pandas as pd

from finetone.errors import UserError
from finetone.formats.csv_table import TEXT, read_csv


def read(path: str | Path, columns: list[str], dataset: str | None = None) -> pd.DataFrame:
    """Read the rows of a table for a picture.

    Parameters
    ----------
    path
        A CSV file of ours.
    columns
        Columns that it must have.
    dataset
        The only dataset to return; all if not given.

    Raises
    ------
    UserError
        There are no rows of the dataset, or a column is missing or holds text instead of
        numbers.
    """
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


def ranked(ranking: Path, columns: list[str], dataset: str) -> pd.DataFrame:
    """Read `columns` of the methods in ranking.csv, from the best one to the worst."""
    table = read(ranking, ["method", "rank", *columns], dataset)
    return table.sort_values("rank", kind="stable").reset_index(drop=True)


def rows(table: pd.DataFrame) -> list[Any]:
    """Rows as named tuples; `Index` is the row's label."""
    return list(table.itertuples())


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def methods_in(table: pd.DataFrame) -> list[str]:
    """Names of the methods, in the order of the rows."""
    return [str(name) for name in table["method"].unique()]


def truth(column: pd.Series) -> pd.Series:
    """Convert a column of true and false, however the CSV file spells them, to bool."""
    return column.astype(str).str.lower().isin(["true", "1", "1.0"])
