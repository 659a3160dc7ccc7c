"""Our own numbers, from the tables and predictions of an experiment.

Where the error of each comes from:

- metrics of runs, and drops in transfer: new test rows and new seeds, paired (`sums`);
- times: the spread of their measurement (`times`);
- parameters, FLOPs, tokenizer statistics, group facts: none, they are exact.

A group consists of exactly its methods; it is not a sample of a population.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from finetone.claims import phrases
from finetone.claims.contributions import Contributions
from finetone.claims.estimate import Estimate, Exact, Mean, Missing, combine, error_of
from finetone.claims.facts import (
    COUNTS,
    CURVES,
    RUN_METRICS,
    TIMINGS,
    TOKENIZER_METRICS,
    Terms,
    group_fact,
)
from finetone.claims.phrases import NOTHING, Phrase, phrase
from finetone.claims.sums import UNKNOWN, Cell, Runs
from finetone.claims.times import Times
from finetone.errors import UserError
from finetone.formats import rounds
from finetone.formats.csv_table import read_csv
from finetone.statistics.cost import FLOPS_PER_PARAMETER
from finetone.statistics.variance.mixture import Mixture
from finetone.statistics.variance.roles import Roles
from finetone.tables.convergence_table import measured, over_runs, training_rows


@dataclass(frozen=True)
class OurFacts:
    """Our tables (docs/architecture.md), the group facts of the methods, and the source dataset."""

    tables: dict[str, pd.DataFrame]
    runs: Runs
    groups: dict[str, dict[str, Any]]
    source: str
    curves: dict[str, tuple[pd.Series, Mixture]] = field(default_factory=dict)
    """{one of `facts.CURVES`: mean by method, with their errors}"""
    times: Times | None = None

    @property
    def seeds(self) -> dict[str, int]:
        """Number of runs by method."""
        return seeds_of(self.runs.table, self.source)

    def estimate(self, metric: str, terms: Terms) -> Estimate:
        """As `Facts` says."""
        if metric in RUN_METRICS:
            return self.runs.sum(metric, self._cells(terms))
        if metric == "drop":
            return self.runs.sum("accuracy", self._drops(terms))
        if metric in TIMINGS:
            if self.times is None:
                raise Missing(phrase("file", file="efficiency.csv"))
            weights: dict[str, float] = {}
            for (method, _, _), weight in terms.items():
                weights[method] = weights.get(method, 0.0) + weight
            return self.times.sum(metric, weights)
        single = {method: self._single(metric, method) for method, _, _ in terms}
        return combine([single[method] for method, _, _ in terms], list(terms.values()))

    def epochs(self, method: str) -> list[int]:
        """As `Facts` says."""
        return self.runs.epochs(self.source, method)

    def _cells(self, terms: Terms) -> dict[Cell, float]:
        return {(dataset or self.source, m, epoch): w for (m, epoch, dataset), w in terms.items()}

    def _drops(self, terms: Terms) -> dict[Cell, float]:
        cells: dict[Cell, float] = {}
        for (method, _, dataset), weight in terms.items():
            away = dataset or self._only_transfer(method)
            for place, sign in ((self.source, 1), (away, -1)):
                cell = (place, method, "kept")
                cells[cell] = cells.get(cell, 0.0) + sign * weight
        return cells

    def _only_transfer(self, method: str) -> str:
        table = self.runs.table
        found = set(table.loc[table["method"] == method, "dataset"]) - {self.source}
        if len(found) != 1:
            raise Missing(phrase("one_transfer", method=method))
        return str(found.pop())

    def _single(self, metric: str, method: str) -> Estimate:
        """One method's number, of the metrics that are not measured on test rows."""
        if metric.startswith("group."):
            return Exact(group_fact(self.groups, metric.removeprefix("group."), method))
        if metric in CURVES:
            return self._curve(metric, method)
        if metric in TOKENIZER_METRICS:
            return Exact(self._cell("tokenizers", "model", method, metric))
        if metric == "flops_per_token":
            weights = self._cell("efficiency", "method", method, "non_embedding_parameters")
            return Exact(FLOPS_PER_PARAMETER * weights)
        assert metric in COUNTS
        return Exact(self._cell("efficiency", "method", method, metric))

    def _curve(self, metric: str, method: str) -> Estimate:
        if metric not in self.curves or method not in self.curves[metric][0].index:
            raise Missing(_in_file(metric, method, "convergence.csv"))
        mean, errors = self.curves[metric]
        place = mean.index.get_loc(method)
        if np.isnan(mean[method]):
            facts = {"metric": phrases.metric(metric), "method": method}
            raise Missing(phrase("not_reached", **facts))
        of_rows, seeds, df = (float(each[place]) for each in (errors.rows, errors.seeds, errors.df))
        found = error_of(np.nan_to_num(of_rows), seeds, df, errors.n)
        # nothing pools these if no model has a second run
        unknown = UNKNOWN if seeds == 0 else NOTHING
        given = float(mean[method]), found, found, self.seeds.get(method, 0), errors.n, unknown
        # the others are shares of training rows
        return Estimate(*given) if metric == "examples_to_target" else Mean(*given)

    def _cell(self, name: str, key: str, method: str, column: str) -> float:
        if name not in self.tables:
            raise Missing(phrase("file", file=f"{name}.csv"))
        table = self.tables[name]
        rows = table[table[key] == method]
        if len(rows) != 1 or column not in rows or not np.isfinite(float(rows[column].iloc[0])):
            raise Missing(_in_file(column, method, f"{name}.csv"))
        return float(rows[column].iloc[0])


def _in_file(metric: str, method: str, file: str) -> Phrase:
    return phrase("in_file", metric=phrases.metric(metric), method=method, file=file)


_COLUMNS = {
    "runs": [
        *("dataset", "method", "seed", "epoch", "kept", "n", "correct", *RUN_METRICS),
        *(f"{name}_cov" for name in RUN_METRICS),
        *(f"{name}_se" for name in RUN_METRICS if name != "accuracy"),
    ],
    "efficiency": ["method", *COUNTS, *TIMINGS, "train_seconds_sd"],
    "tokenizers": ["model", *TOKENIZER_METRICS],
}
_NAMES = {"dataset", "method", "model", "kept"}


def read_facts(
    folder: Path,
    predictions: Iterable[Path],
    groups: dict[str, dict[str, Any]],
    source: str,
    roles: Roles,
    seed_sd: float | None,
    confidence: float = 0.95,
    histories: Mapping[tuple[str, int], Path] | None = None,
    data: Path | None = None,
    speed: Path | None = None,
) -> OurFacts:
    """Read what claims are judged by; a table that is not there counts as missing data.

    Parameters
    ----------
    folder
        Folder of the tables.
    predictions
        Every prediction file.
    groups
        Group facts by method.
    source
        Name of the source dataset.
    roles
        Of the methods, which decide how chance is judged.
    seed_sd
        Stated standard deviation over seeds, in points, where no method has two runs.
    confidence
        Level of the intervals, in (0, 1), for what needs one before it is judged: whether a run
        learned anything (`convergence_table.measure`), whether enough rounds were undisturbed.
    histories, data
        Files by (model, seed), and the folder of the source dataset, for training curves.
    speed
        The file speed/rounds.json.

    Raises
    ------
    UserError
        A table lacks a column, or a column is not numeric.
    """
    tables = {}
    for name, columns in _COLUMNS.items():
        path = folder / f"{name}.csv"
        if path.exists():
            tables[name] = _numbers(path, columns)
    stated = None if seed_sd is None else seed_sd / 100
    runs = tables.get("runs", pd.DataFrame(columns=_COLUMNS["runs"]))
    known = Runs(runs, Contributions(predictions), roles, stated)
    curves = {}
    if histories and data:
        labels = training_rows(data / "manifest.json")
        measures = measured(histories, labels, confidence)
        curves = {name: over_runs(measures, name, sum(labels.values()), roles) for name in CURVES}
    times = None
    if "efficiency" in tables:
        found = rounds.read(speed) if speed else None
        times = Times(tables["efficiency"], found, seeds_of(runs, source), confidence)
    return OurFacts(tables, known, groups, source, curves, times)


def seeds_of(runs: pd.DataFrame, source: str) -> dict[str, int]:
    """Number of runs by method, from runs.csv."""
    of_method = runs[runs["dataset"] == source].groupby("method")["seed"].nunique()
    return {str(name): int(count) for name, count in of_method.items()}


def _numbers(path: Path, columns: Iterable[str]) -> pd.DataFrame:
    table = read_csv(path)
    if missing := [column for column in columns if column not in table]:
        raise UserError(f"{path}: column {missing[0]!r} is missing; delete it and rerun")
    for column in set(columns) - _NAMES:
        try:
            table[column] = pd.to_numeric(table[column])
        except (ValueError, TypeError):
            raise UserError(
                f"{path}: column {column!r} is not numeric; delete it and rerun"
            ) from None
    return table
