"""Print the ranking of an experiment, for the end of `make demo`.

python workflow/scripts/show_table.py results/demo
"""

import sys
from pathlib import Path

import pandas as pd

from finetone.compare.csvfile import read_csv
from finetone.errors import UserError


def main(folder: Path) -> None:
    ranking = read_csv(folder / "tables/ranking.csv")
    cost = read_csv(folder / "tables/efficiency.csv")[["method", "parameters", "train_seconds"]]
    for dataset, rows in ranking.groupby("dataset", sort=False):
        print(f"\n{dataset}: test accuracy in % [95 % interval], methods sharing a letter tie")
        for row in rows.merge(cost, on="method", how="left").itertuples():
            size = "" if pd.isna(row.parameters) else f"{row.parameters / 1e6:7.2f} M parameters"
            print(
                f"{row.rank:>3}  {row.method:<24}{100 * row.accuracy:6.2f} "
                f"[{100 * row.low:5.2f}, {100 * row.high:5.2f}]  {row.group!s:<6}{size}"
            )


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except UserError as error:
        sys.exit(f"finetone: {error}")
