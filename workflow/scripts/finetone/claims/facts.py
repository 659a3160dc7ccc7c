"""Our estimates for a method: a value and its uncertainty.

Where the variance of each comes from:

- accuracy: test rows, p(1-p)/n, and seeds, s²/S. With one seed the second is unknown and left out;
  the verdict states the number of seeds. The accuracy of a single method has a score
  interval over its own seeds; that of summary.csv is judged together with the other methods.
- other metrics of a run: seeds alone; with one seed there is no interval.
- a drop in transfer: the interval of transfer.csv.
- times and memory: measured once, assumed to be accurate to ±10 %.
- parameters, FLOPs, tokenizer statistics, group facts: exact.

A group consists of exactly its methods; it is not a sample of a population. The variance of its
mean is that of the methods' own estimates, taken as independent. Methods share their test rows,
which makes a difference of two groups more precise than that: the intervals are rather too wide.
"""

from dataclasses import dataclass, replace
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from finetone.claims.estimate import Estimate, Missing, combine
from finetone.claims.schema import COUNTS, RUN_METRICS, TIMINGS, TOKENIZER_METRICS
from finetone.errors import UserError
from finetone.formats.csv_table import read_csv
from finetone.statistics.cost import FLOPS_PER_PARAMETER

TIMING_ERROR = 0.10
"""Half-width of the interval around a measured time, as a share of it."""


@dataclass(frozen=True)
class Facts:
    """Our tables (docs/architecture.md), the group facts of the methods, and the source dataset."""

    tables: dict[str, pd.DataFrame]
    groups: dict[str, dict[str, Any]]
    source: str
    confidence: float

    def select(self, selection: dict[str, Any]) -> list[str]:
        """Methods that are named by `method` or `methods`, or have all facts in `group`.

        Raises
        ------
        Missing
            No method has these facts.
        """
        if "method" in selection:
            return [selection["method"]]
        if "methods" in selection:
            return list(selection["methods"])
        wanted = selection["group"]
        found = [
            method
            for method, facts in self.groups.items()
            # 1 == True in Python, but `layers: 1` must not match `layers: true`
            if all(
                k in facts and facts[k] == v and isinstance(facts[k], bool) == isinstance(v, bool)
                for k, v in wanted.items()
            )
        ]
        if not found:
            facts = ", ".join(f"{key}: {value}" for key, value in wanted.items())
            raise Missing(f"no method with {facts}")
        return found

    def estimate(
        self, metric: str, method: str, epoch: int | str = "kept", dataset: str | None = None
    ) -> Estimate:
        """The value of a metric for one method.

        Parameters
        ----------
        metric
            One of `schema.METRICS`, or `group.<fact>`.
        method
            A method.
        epoch
            An epoch, or "kept".
        dataset
            The source dataset if not given.

        Raises
        ------
        Missing
            The tables do not hold it.
        """
        if metric.startswith("group."):
            return Estimate(self._group_fact(metric.removeprefix("group."), method))
        if metric in RUN_METRICS:
            return self._run_metric(metric, method, epoch, dataset or self.source)
        if metric == "drop":
            return self._drop(method, dataset)
        if metric in TOKENIZER_METRICS:
            return Estimate(self._cell("tokenizers", "model", method, metric))
        if metric == "flops_per_token":
            weights = self._cell("efficiency", "method", method, "non_embedding_parameters")
            return Estimate(FLOPS_PER_PARAMETER * weights)
        value = self._cell("efficiency", "method", method, metric)
        if metric in COUNTS:
            return Estimate(value)
        assert metric in TIMINGS
        deviation = TIMING_ERROR * value / float(stats.norm.ppf((1 + self.confidence) / 2))
        return Estimate(value, deviation**2)

    def epochs(self, method: str) -> list[int]:
        """Epochs of a method on the source dataset, ascending."""
        return sorted(set(self._runs(method, self.source)["epoch"].astype(int)))

    def paired(
        self, a: str, b: str, dataset: str | None = None
    ) -> tuple[float, float, float] | None:
        """Difference in accuracy a - b with its paired interval, from comparisons.csv.

        Parameters
        ----------
        a, b
            Methods.
        dataset
            The source dataset if not given.

        Returns
        -------
        difference, low, high
            As fractions; None if the table does not have the pair.
        """
        table = self.tables.get("comparisons")
        if table is None:
            return None
        for first, second, sign in ((a, b, 1), (b, a, -1)):
            row = table[
                (table["dataset"] == (dataset or self.source))
                & (table["a"] == first)
                & (table["b"] == second)
            ]
            if len(row):
                difference, *ends = row.iloc[0][["difference", "low", "high"]].astype(float)
                low, high = sorted(sign * end for end in ends)
                return sign * difference, low, high
        return None

    def _runs(self, method: str, dataset: str) -> pd.DataFrame:
        table = self._table("runs")
        rows = table[(table["method"] == method) & (table["dataset"] == dataset)]
        if rows.empty:
            raise Missing(f"runs of {method} on {dataset} (runs.csv)")
        return rows

    def _run_metric(self, metric: str, method: str, epoch: int | str, dataset: str) -> Estimate:
        rows = self._runs(method, dataset)
        kept = rows["kept"].astype(str) == "True"
        rows = rows[kept if epoch == "kept" else rows["epoch"] == epoch]
        values = rows[metric].astype(float).to_numpy()
        if not len(values) or not np.isfinite(values).all():
            raise Missing(f"{metric} of {method} in epoch {epoch} on {dataset} (runs.csv)")
        mean, seeds, n = float(values.mean()), len(values), int(rows["n"].max())
        spread = float(values.var(ddof=1)) / seeds if seeds > 1 else nan
        by_seed = Estimate(mean, spread, max(1, seeds - 1), seeds, n)
        if metric != "accuracy":
            return by_seed
        # two right and two wrong rows added (Agresti & Coull 1998): no variance of 0 at 100 %
        p = (mean * n + 2) / (n + 4)
        by_row = Estimate(mean, p * (1 - p) / n, inf, seeds, n)
        by_seed = replace(by_seed, value=0.0)
        estimate = by_row if seeds == 1 else combine([by_row, by_seed], [1, 1])
        return replace(estimate, accuracies=tuple(values))

    def _drop(self, method: str, dataset: str | None) -> Estimate:
        table = self._table("transfer")
        rows = table[table["method"] == method]
        if dataset:
            rows = rows[rows["dataset"] == dataset]
        if len(rows) != 1 or not np.isfinite(float(rows["drop"].iloc[0])):
            raise Missing(f"drop of {method} on {dataset or 'one dataset'} (transfer.csv)")
        row = rows.iloc[0]
        width = float(row["drop_high"]) - float(row["drop_low"])
        deviation = width / 2 / float(stats.norm.ppf((1 + self.confidence) / 2))
        return Estimate(float(row["drop"]), deviation**2, inf, int(row["seeds"]), int(row["n"]))

    def _group_fact(self, fact: str, method: str) -> float:
        value = self.groups.get(method, {}).get(fact)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Missing(f"a number for {fact} in the group of {method} (config)")
        return float(value)

    def _cell(self, name: str, key: str, method: str, column: str) -> float:
        table = self._table(name)
        rows = table[table[key] == method]
        if len(rows) != 1 or column not in rows or not np.isfinite(float(rows[column].iloc[0])):
            raise Missing(f"{column} of {method} ({name}.csv)")
        return float(rows[column].iloc[0])

    def _table(self, name: str) -> pd.DataFrame:
        if name not in self.tables:
            raise Missing(f"{name}.csv")
        return self.tables[name]


NAMES = {"dataset", "method", "model", "a", "b", "kept"}
_COLUMNS = {
    "runs": ["dataset", "method", "seed", "epoch", "kept", "n", *RUN_METRICS],
    "transfer": ["dataset", "method", "drop", "drop_low", "drop_high", "seeds", "n"],
    "efficiency": ["method", *COUNTS, *TIMINGS],
    "comparisons": ["dataset", "a", "b", "difference", "low", "high"],
    "tokenizers": ["model", *TOKENIZER_METRICS],
}


def read_facts(
    folder: Path, groups: dict[str, dict[str, Any]], source: str, confidence: float
) -> Facts:
    """Read the tables that claims are judged by; a table that is not there counts as missing data.

    Parameters
    ----------
    folder
        Folder of the tables.
    groups
        Group facts by method.
    source
        Name of the source dataset.
    confidence
        Confidence level of the intervals, in (0, 1).

    Raises
    ------
    UserError
        A table lacks a column, or a column is not numeric.
    """
    tables = {}
    for name, columns in _COLUMNS.items():
        path = folder / f"{name}.csv"
        if not path.exists():
            continue
        table = read_csv(path)
        missing = [column for column in columns if column not in table]
        if missing:
            raise UserError(f"{path}: column {missing[0]!r} is missing; delete it and rerun")
        for column in set(columns) - NAMES:
            try:
                table[column] = pd.to_numeric(table[column])
            except (ValueError, TypeError):
                raise UserError(
                    f"{path}: column {column!r} is not numeric; delete it and rerun"
                ) from None
        tables[name] = table
    return Facts(tables, groups, source, confidence)
