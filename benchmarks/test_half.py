"""Accuracy on another file of the same domain, with and without texts that were trained on.

    python benchmarks/test_half.py results/imdb-wheels imdb-test

Reads the predictions that are there of a dataset under `transfer` and leaves out rows whose text, after
folding case and white space, is in the source's training or dev split: nothing else compares two datasets.
"""

import argparse
from pathlib import Path

import pandas as pd

from finetone.data.audit import fold
from finetone.files import read_json
from finetone.formats import predictions
from finetone.numbers import percent
from finetone.statistics.intervals import wilson


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
    for path in sorted((asked.folder / f"predictions/{asked.dataset}").glob("*/seed*.parquet")):
        (rows,) = predictions.read(predictions.header(path), kept_only=True)
        right = rows.logits.argmax(axis=1) == rows.label
        clean = ~leaked.loc[rows.ids].to_numpy()
        low, high = wilson(int(right[clean].sum()), int(clean.sum()), 0.95)
        print(
            f"{path.parent.name:20} {path.stem:6} {percent(right.mean())} %, "
            f"without them {percent(right[clean].mean())} [{percent(low)}, {percent(high)}]"
        )


if __name__ == "__main__":
    main()
