"""Draw row subsets of a train split: nested ones of any size, and those of a cross-validation."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from finetone import files
from finetone.data.splits import read_split
from finetone.errors import UserError
from finetone.formats import row_subset, similar_rows
from finetone.formats.row_subset import RowSubset
from finetone.provenance import Provenance
from finetone.resampling import folds
from finetone.seeds import derive


def draw(
    name: str,
    settings: dict[str, Any],
    data: Path,
    target: Path,
    within: Path | None = None,
    near_duplicates: Path | None = None,
    provenance: Provenance | None = None,
) -> None:
    """Write the subset `name` of a dataset's train split.

    Parameters
    ----------
    settings
        `rows`, how many, or which share if below 1, and `seed`; or `folds`, `repeat`, `fold` and
        `seed`: all rows but those of one fold.
    data
        Folder of the dataset.
    target
        File to write.
    within
        Another subset of the split that the rows are taken of.
    near_duplicates
        Rows of the split that are alike; of folds only.

    Raises
    ------
    UserError
        There are not so many rows, or not so many of a class; or so few hold one class only.
    """
    manifest = files.read_json(data / "manifest.json")
    train = read_split(files.split_of(data, "train"))
    labels = train["label"].to_numpy()
    if near_duplicates is not None:
        pairs = similar_rows.read(near_duplicates)
        pairs = pairs[(pairs["split"] == "train") & (pairs["other_split"] == "train")]
        about = {key: settings[key] for key in ("folds", "repeat", "seed")}
        fold = folds.draw(labels, train["id"].to_numpy(), pairs, names=manifest["labels"], **about)
        learned = np.flatnonzero(fold != settings["fold"])
        subset = RowSubset(name, manifest["dataset"], len(labels), learned)
        row_subset.write(target, subset, provenance)
        return
    among = np.arange(len(labels))
    if within is not None:
        among = row_subset.read(within, len(labels)).rows
    rows, key = settings["rows"], "tune.rows" if name == "tuning" else "learning_curve.rows"
    if rows < 1:
        rows = max(1, round(rows * len(among)))
    if rows > len(among):
        raise UserError(
            f"{key}: {name} asks for {rows} rows, there are {len(among)}; write fewer rows"
        )
    chosen = among[nested(labels[among], settings["seed"])[: int(rows)]]
    if len(there := np.unique(labels[chosen])) < 2:
        raise UserError(
            f"{key}: of {len(among)} rows, {rows} hold only {manifest['labels'][there[0]]!r}, as all "
            f"other classes are rare ({name}); write more rows, for two classes are needed"
        )
    subset = RowSubset(name, manifest["dataset"], len(labels), np.sort(chosen))
    row_subset.write(target, subset, provenance)


def nested(labels: npt.NDArray[np.int16], seed: int) -> npt.NDArray[np.int64]:
    """Places [n] of all rows in a random order of which every beginning is stratified.

    Each row gets its random place within its class as a share of the class; rows go by that share.
    So subsets of growing size are nested, and no class is ever more than one row from its share.

    Parameters
    ----------
    labels
        Class numbers [n].
    seed
        Of the order.
    """
    generator = np.random.default_rng(derive(seed, "subset"))
    shares, ties = np.empty(len(labels)), generator.random(len(labels))
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        shares[places] = (generator.permutation(len(places)) + 0.5) / len(places)
    return np.lexsort((ties, shares))
