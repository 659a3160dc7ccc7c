"""Accuracy on another file of the same domain, with and without texts that were trained on.

    python benchmarks/imdb_half.py results/imdb-wheels imdb-test

Reads the predictions that are there of a dataset under `transfer` and leaves out rows whose text, after
folding case and white space, is in the source's training or dev split: nothing else compares two datasets.
"""

import argparse
from pathlib import Path

import pandas as pd

from finetone.data.audit import fold
from finetone.files import read_json
from finetone.numbers import percent
from finetone.statistics.intervals import wilson
from finetone.tables.panels import panels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of an experiment, as results/imdb-wheels")
    parser.add_argument("dataset", help="one under transfer")
    asked = parser.parse_args()

    source = read_json(asked.folder / "results.json")["source"]
    known = {
        fold(text)
        for split in ("train", "dev")
        for text in pd.read_parquet(asked.folder / f"data/{source}/{split}.parquet")["text"]
    }
    test = pd.read_parquet(asked.folder / f"data/{asked.dataset}/test.parquet").set_index("id")
    leaked = test["text"].map(fold).isin(known)
    print(f"{len(test):,} rows, of which {leaked.sum()} were trained or chosen on")
    files = sorted((asked.folder / f"predictions/{asked.dataset}").glob("*/seed*.parquet"))
    (panel,) = panels(files)
    clean = ~leaked.loc[panel.ids].to_numpy()
    runs = ((method, seed) for method, seeds in panel.seeds.items() for seed in seeds)
    for (method, seed), right in zip(runs, panel.correct, strict=True):
        low, high = wilson(int(right[clean].sum()), int(clean.sum()), 0.95)
        print(
            f"{method:20} {f'seed{seed}':6} {percent(right.mean())} %, "
            f"without them {percent(right[clean].mean())} [{percent(low)}, {percent(high)}]"
        )


if __name__ == "__main__":
    main()
