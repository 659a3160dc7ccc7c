"""Facts about a method that several tables show: rows of summary.csv, parameters, training time, memory."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from finetone.errors import UserError
from finetone.files import read_json
from finetone.formats.csv_table import read_csv

COUNTS = [
    *("parameters", "non_embedding_parameters", "peak_memory_bytes", "flops_per_token"),
    *("examples_to_target", "seeds"),
]


def summary_rows(summary: Path, dataset: str) -> pd.DataFrame:
    """All rows of summary.csv on a dataset."""
    table = read_csv(summary)
    return table[table["dataset"] == dataset]


def kept_rows(summary: Path, dataset: str) -> pd.DataFrame:
    """The row of each method's kept epoch on a dataset, with methods as index.

    Raises
    ------
    UserError
        summary.csv has no row of the dataset.
    """
    table = summary_rows(summary, dataset)
    if table.empty:
        raise UserError(f"{summary}: no row for dataset '{dataset}'; delete it and rerun")
    return table[table["kept"]].set_index("method")


def run_facts(runs_json: Sequence[Path]) -> pd.DataFrame:
    """Facts from every run.json, one row per method in the order of the files.

    Kind and parameters are those of the first run. Training seconds and memory are means over
    seeds; the seconds also have a standard deviation.
    """
    rows = []
    for path in runs_json:
        run = read_json(path)
        parameters = run.get("parameters") or {}
        rows.append(
            {
                "method": run["method"],
                "kind": run["kind"],
                "parameters": parameters.get("total"),
                "non_embedding_parameters": parameters.get("non_embedding"),
                "train_seconds": run.get("train_seconds"),
                "peak_memory_bytes": run.get("peak_memory_bytes"),
            }
        )
    numeric = ["parameters", "non_embedding_parameters", "train_seconds", "peak_memory_bytes"]
    table = pd.DataFrame(rows, columns=["method", "kind", *numeric])
    table = table.astype(dict.fromkeys(numeric, float))
    how = dict.fromkeys(["kind", *numeric[:2]], "first") | dict.fromkeys(numeric[2:], "mean")
    by_method = table.groupby("method", sort=False)
    return by_method.agg(how).assign(train_seconds_sd=by_method["train_seconds"].std())


def ensembles(runs_json: Sequence[Path]) -> dict[str, tuple[str, int]]:
    """{ensemble: (method, number of its runs)} of every run.json of an ensemble."""
    runs = [run for run in map(read_json, runs_json) if run["kind"] == "ensemble"]
    return {run["method"]: (run["recipe"]["of"], len(run["recipe"]["seeds"])) for run in runs}


def whole(table: pd.DataFrame) -> pd.DataFrame:
    """Turn counts into whole numbers, also in columns where some are missing."""
    present = [name for name in COUNTS if name in table.columns]
    # a mean over seeds may fall between whole numbers
    return table.round(dict.fromkeys(present, 0)).astype(dict.fromkeys(present, "Int64"))
