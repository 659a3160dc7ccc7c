"""Print the ranking of an experiment, as at the end of `make demo`.

One block per dataset: each method's score with its interval, best first, and for the source dataset
which method to take.

    finetone show results/demo
"""

import argparse
from pathlib import Path
from typing import Any

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
    """Print tables/ranking.csv of `folder` with the parameters of every method.

    And what tables/recommendation.csv says, which earlier versions did not make.
    """
    for name in TABLES:
        if not (folder / name).is_file():
            raise UserError(
                f"{folder}: holds no {name}; give the folder of a finished experiment, "
                "results/<experiment>"
            )
    from finetone.formats.csv_table import read_csv

    ranking, efficiency = (read_csv(folder / name) for name in TABLES)
    # of earlier versions
    ranking = ranking.rename(columns={"accuracy": "score"})
    metrics = ranking.get("metric", "accuracy")
    advice = folder / "tables/recommendation.csv"
    considered = read_csv(advice).to_dict("records") if advice.is_file() else []
    cost = efficiency[["method", "parameters"]]
    for dataset, rows in ranking.assign(metric=metrics).groupby("dataset", sort=False):
        _ranking(str(dataset), rows.merge(cost, on="method", how="left").to_dict("records"))
        if considered and dataset == considered[0]["dataset"]:
            _recommendation(considered)
    if "doubtful" in efficiency and (doubtful := int(efficiency["doubtful"].sum())):
        print(
            f"\nThe timings of {doubtful} of {len(efficiency)} methods are doubtful: the machine was "
            f"busy. When it is idle, delete {folder / ROUNDS} and run again."
        )


def _ranking(dataset: str, rows: list[dict[Any, Any]]) -> None:
    from finetone.plots.numbers import missing, scale

    tested = len(rows) == 1 or any(row["group"] != "" for row in rows)
    metric = rows[0]["metric"]
    factor = scale(metric)
    unit, digits = ("", 4) if factor == 1 else (" in %", 2)
    letters = "methods sharing a letter tie" if tested else UNTESTED
    print(f"\n{dataset}: test {metric.replace('_', ' ')}{unit} [95 % interval], {letters}")
    for row in rows:
        size = (
            f"{row['parameters'] / 1e6:7.2f} M parameters" if not missing(row["parameters"]) else ""
        )
        score, low, high = (f"{factor * row[name]:.{digits}f}" for name in ("score", "low", "high"))
        print(
            f"{row['rank']:>3}  {row['method']:<24}{score:>6} [{low:>5}, {high:>5}]  "
            f"{row['group']!s:<6}{size}"
        )


def _recommendation(rows: list[dict[Any, Any]]) -> None:
    """Which method to take, and why."""
    from finetone.tables.differences.recommendation_table import REASONS

    reason = next(row["why"] for row in rows if row["why"])
    chosen = next((row["method"] for row in rows if row["recommended"]), "none")
    print(f"recommended: {chosen} ({REASONS[reason]})")
    if undecided := [row["method"] for row in rows if row["status"] == "open"]:
        print(f"open: {', '.join(undecided)} (more seeds or test rows would decide)")
