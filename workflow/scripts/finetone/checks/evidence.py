"""What the checks look at: the tables of an experiment, and the records of what it was made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from finetone.files import read_json
from finetone.formats.csv_table import read_csv
from finetone.formats.token_file import TokensMeta, read_meta

TABLES = ("ranking", "runs", "efficiency", "recommendation", "calibration")


@dataclass(frozen=True)
class Evidence:
    """What is known of an experiment; what is absent is not examined.

    Attributes
    ----------
    tables
        By name; TABLES are looked at.
    audits, runs, models
        The audits of the datasets, every run.json, every manifest of a model.
    tokens
        What the token files of the source dataset's training split say, by model.
    """

    tables: Mapping[str, pd.DataFrame]
    audits: Sequence[Mapping[str, Any]] = ()
    runs: Sequence[Mapping[str, Any]] = ()
    models: Sequence[Mapping[str, Any]] = ()
    tokens: Mapping[str, TokensMeta] = field(default_factory=dict)

    @classmethod
    def of_folder(cls, folder: Path) -> "Evidence":
        """What lies in the folder of an experiment, of the methods and datasets in its tables.

        Raises
        ------
        UserError
            A file was altered, or cannot be read.
        """
        paths = {name: folder / f"tables/{name}.csv" for name in TABLES}
        tables = {name: read_csv(path) for name, path in paths.items() if path.is_file()}
        ranking = tables.get("ranking", pd.DataFrame({"dataset": [], "method": []}))
        methods, datasets = (sorted(set(ranking[name])) for name in ("method", "dataset"))
        source = next(iter(ranking["dataset"]), "")
        runs = tables.get("runs", pd.DataFrame({"method": [], "seed": []}))
        trained = sorted({(row.method, row.seed) for row in runs.itertuples()})
        tokens = {m: folder / f"tokens/{source}/train/{m}.arrow" for m in methods}
        return cls(
            tables,
            audits=_read(folder / f"audit/{name}.json" for name in datasets),
            runs=_read(folder / f"runs/{m}/seed{seed}/run.json" for m, seed in trained),
            models=_read(folder / f"models/{name}/manifest.json" for name in methods),
            tokens={name: read_meta(path) for name, path in tokens.items() if path.is_file()},
        )

    @property
    def source(self) -> str:
        """Name of the source dataset, which the ranking begins with; "" if it is empty."""
        return next(iter(self.table("ranking").get("dataset", ())), "")

    @property
    def metric(self) -> str:
        """What methods are compared by."""
        return next(iter(self.table("ranking").get("metric", ())), "accuracy")

    @property
    def controls(self) -> set[str]:
        """Methods that are there to be beaten."""
        found = self.rows("recommendation")
        return set(found[found["status"] == "control"]["method"]) if len(found) else set()

    def table(self, name: str) -> pd.DataFrame:
        """A table; empty if it is absent."""
        return self.tables.get(name, pd.DataFrame())

    def rows(self, name: str) -> pd.DataFrame:
        """Rows of a table on the source dataset."""
        frame = self.table(name)
        return frame[frame["dataset"] == self.source] if "dataset" in frame else frame

    def audit(self) -> Mapping[str, Any]:
        """The audit of the source dataset; empty if it is absent."""
        return next((each for each in self.audits if each["dataset"] == self.source), {})


def _read(paths: Any) -> list[dict[str, Any]]:
    return [read_json(path) for path in paths if path.is_file()]
