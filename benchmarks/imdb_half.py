"""Accuracy on another file of the same domain, without the texts that were trained or chosen on.

    python benchmarks/imdb_half.py results/imdb-wheels imdb imdb-test

Reads the predictions that are there of a dataset under `transfer` and leaves out rows whose text, after
folding case and white space, is in the source's training or dev split: nothing else compares two datasets.
Intervals are over new seeds and new rows, letters and all else as in ranking.csv; a method with one run
borrows the variance over seeds of the others.
"""

import argparse
from pathlib import Path

import pandas as pd

from finetone.comparison.scores import scores_of
from finetone.data.audit import fold
from finetone.numbers import percent
from finetone.statistics.intervals import wilson
from finetone.statistics.variance.roles import Roles
from finetone.tables.differences.comparison_tables import compare
from finetone.tables.panels import panels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of an experiment, as results/imdb-wheels")
    parser.add_argument("source", help="the dataset that was trained on")
    parser.add_argument("dataset", help="one under transfer")
    asked = parser.parse_args()

    known = {
        fold(text)
        for split in ("train", "dev")
        for text in pd.read_parquet(asked.folder / f"data/{asked.source}/{split}.parquet")["text"]
    }
    test = pd.read_parquet(asked.folder / f"data/{asked.dataset}/test.parquet").set_index("id")
    leaked = test["text"].map(fold).isin(known)
    print(f"{len(test):,} rows; left out are {leaked.sum()} that were trained or chosen on\n")
    files = sorted((asked.folder / f"predictions/{asked.dataset}").glob("*/seed*.parquet"))
    (panel,) = panels(files)
    clean = panel.of_rows(~leaked.loc[panel.ids].to_numpy())
    # seeds are 1, 2, 3 …; what draws no random numbers has the seed 0
    fixed = [method for method, seeds in panel.seeds.items() if seeds == [0]]
    roles: Roles = {"deterministic": fixed, "controls": ["majority"]}
    scores = scores_of(clean, "accuracy", roles, None)
    _, ranking = compare(clean, scores, None, 0.95, roles, 0.01)
    print("| method | accuracy, % | | over rows alone | each seed | with all rows |")
    print("|---|---|---|---|---|---|")
    for row in ranking.to_dict("records"):
        method = row["method"]
        interval = f"{percent(row['score'])} [{percent(row['low'])}, {percent(row['high'])}]"
        each = ", ".join(percent(value) for value in clean.accuracies(method))
        n = len(clean.label)
        alone = " – ".join(map(percent, wilson(round(row["score"] * n), n, 0.95)))
        known_too = percent(panel.mean_accuracy(method))
        print(f"| {method} | {interval} | {row['group']} | {alone} | {each} | {known_too} |")


if __name__ == "__main__":
    main()
