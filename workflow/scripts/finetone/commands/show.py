"""Print the ranking of an experiment, as at the end of `make demo`.

One block per dataset: each method's test accuracy with its interval, best first.

    finetone show results/demo
"""

import argparse
from pathlib import Path

from finetone.errors import UserError

UNTESTED = "of one seed each: whether methods differ cannot be said (add seeds)"
ROUNDS = "speed/rounds.json"
TABLES = ("tables/ranking.csv", "tables/efficiency.csv")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="results of an experiment: results/<experiment>"
    )


def run(options: argparse.Namespace) -> int:
    """Print the ranking.

    Raises
    ------
    UserError
        The folder has no such tables, or one was altered.
    """
    show(options.folder)
    return 0


def show(folder: Path) -> None:
    """Print tables/ranking.csv of `folder` with the parameters of every method."""
    for name in TABLES:
        if not (folder / name).is_file():
            raise UserError(
                f"{folder}: holds no {name}; give the folder of a finished experiment, "
                "results/<experiment>"
            )
    import pandas as pd

    from finetone.formats.csv_table import read_csv

    ranking, efficiency = (read_csv(folder / name) for name in TABLES)
    cost = efficiency[["method", "parameters", "train_seconds"]]
    for dataset, rows in ranking.groupby("dataset", sort=False):
        tested = len(rows) == 1 or (rows["group"] != "").all()
        letters = "methods sharing a letter tie" if tested else UNTESTED
        print(f"\n{dataset}: test accuracy in % [95 % interval], {letters}")
        for row in rows.merge(cost, on="method", how="left").to_dict("records"):
            size = (
                "" if pd.isna(row["parameters"]) else f"{row['parameters'] / 1e6:7.2f} M parameters"
            )
            print(
                f"{row['rank']:>3}  {row['method']:<24}{100 * row['accuracy']:6.2f} "
                f"[{100 * row['low']:5.2f}, {100 * row['high']:5.2f}]  {row['group']!s:<6}{size}"
            )
    if "doubtful" in efficiency and (doubtful := int(efficiency["doubtful"].sum())):
        print(
            f"\nThe timings of {doubtful} of {len(efficiency)} methods are doubtful: the machine was "
            f"busy. When it is idle, delete {folder / ROUNDS} and run again."
        )
