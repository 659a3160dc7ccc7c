"""Weighted sums of our runs' metrics, with all their errors paired as far as they can be.

A *cell* is one method in one epoch on one dataset. Whatever a claim says of runs is a weighted sum
of cells: an accuracy (one cell), a difference (1 and -1), a mean of a group, a change from epoch to
epoch, a drop from dataset to dataset. So one rule gives all their errors:

- rows: every row of a dataset contributes to each cell (`evaluation`), hence to the sum; the sum's
  variance over rows is that of these. Rows of different datasets are independent.
- seeds: each seed of a method has one value of the method's part of the sum; methods are
  independent. How much it varies is judged together with all other methods that have the same
  cells, in the same proportion (`moderation`).

What both hold, the seed-by-row part, is taken off once (`paired`). A single cell has the numbers of
summary.csv.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import nan, sqrt

import numpy as np
import pandas as pd

from finetone.claims import phrases
from finetone.claims.contributions import Contributions
from finetone.claims.estimate import Estimate, Mean, Missing, error_of, satterthwaite
from finetone.claims.phrases import NOTHING, phrase
from finetone.comparison.scores import over_rows, residual_mean_square
from finetone.statistics.metrics import Floats
from finetone.statistics.variance.moderation import SeedVariance, varying_as
from finetone.statistics.variance.roles import Roles, apart, drawing
from finetone.tables.summary_table import components, errors

Cell = tuple[str, str, int | str]
"""(dataset, method, epoch or "kept")"""
Shape = tuple[tuple[str, int | str, float], ...]
UNKNOWN = phrase("no_second_run")


@dataclass(frozen=True)
class Runs:
    """Everything measured on test rows.

    Parameters
    ----------
    table
        runs.csv.
    contributions
        What every test row contributes to them.
    roles
        Of the methods, which decide how chance is judged.
    seed_sd
        Stated standard deviation over seeds of the accuracy, as a fraction, where no method has
        two runs.
    """

    table: pd.DataFrame
    contributions: Contributions
    roles: Roles
    seed_sd: float | None

    def epochs(self, dataset: str, method: str) -> list[int]:
        """Epochs of a method on a dataset, ascending."""
        return sorted(set(self._runs(dataset, method)["epoch"].astype(int)))

    def sum(self, metric: str, weights: Mapping[Cell, float]) -> Estimate:
        """Weighted sum of a metric over cells.

        Raises
        ------
        Missing
            There is no such run, or the metric is undefined for one.
        """
        cells: dict[Cell, float] = {}
        for cell, weight in weights.items():
            key = self._cell(cell)
            cells[key] = cells.get(key, 0.0) + weight
        cells = {cell: weight for cell, weight in cells.items() if abs(weight) > 1e-12}
        if not cells:
            raise Missing(phrase("two_sides"))
        values = {cell: self._values(metric, cell) for cell in cells}
        if list(cells.values()) == [1.0]:
            return self._single(metric, *cells)
        value = sum(w * float(values[cell].mean()) for cell, w in cells.items())
        datasets = list(dict.fromkeys(dataset for dataset, _, _ in cells))
        rows = 0.0
        n = []
        for dataset in datasets:
            of_rows, count = self._over_rows(
                metric, {c: w for c, w in cells.items() if c[0] == dataset}
            )
            rows += of_rows
            n.append(count)
        seeds, df, alike, df_alike, known = self._over_seeds(metric, cells)
        found = error_of(rows, seeds, df, min(n)), error_of(rows, alike, df_alike, min(n))
        runs, why = min(len(each) for each in values.values()), NOTHING if known else UNKNOWN
        mean = len(datasets) == 1 and min(cells.values()) > 0
        if mean and abs(sum(cells.values()) - 1) < 1e-9:
            return Mean(value, *found, runs, min(n), why, metric)
        return Estimate(value, *found, runs, min(n), why)

    def _runs(self, dataset: str, method: str) -> pd.DataFrame:
        try:
            return self._by_method.get_group((dataset, method))
        except KeyError:
            raise Missing(phrase("runs_of", method=method, dataset=dataset)) from None

    @cached_property
    def _by_method(self) -> "pd.api.typing.DataFrameGroupBy":
        return self.table.groupby(["dataset", "method"], sort=False)

    def _cell(self, cell: Cell) -> Cell:
        """The same cell; an epoch that all of the method's seeds kept is called "kept"."""
        dataset, method, epoch = cell
        runs = self._runs(dataset, method)
        kept = set(runs.loc[runs["kept"], "epoch"])
        return (dataset, method, "kept" if kept == {epoch} else epoch)

    def _values(self, metric: str, cell: Cell) -> pd.Series:
        """The metric by seed."""
        dataset, method, epoch = cell
        runs = self._runs(dataset, method)
        runs = runs[runs["kept"] if epoch == "kept" else runs["epoch"] == epoch].set_index("seed")
        found = runs["correct"] / runs["n"] if metric == "accuracy" else runs[metric].astype(float)
        if not len(found) or not np.isfinite(found).all():
            facts = {"method": method, "epoch": epoch, "dataset": dataset}
            raise Missing(phrase("in_runs", metric=phrases.metric(metric), **facts))
        return found

    @cached_property
    def _components(self) -> pd.DataFrame:
        return components(self.table, self.roles)

    def _single(self, metric: str, cell: Cell) -> Estimate:
        """One cell, as summary.csv has it."""
        dataset, method, epoch = cell
        table = self._components
        together = table[(table["dataset"] == dataset) & (table["together"] == epoch)]
        own = (together["method"] == method).to_numpy()
        stated = self.seed_sd if metric == "accuracy" else None
        variance, found = errors(together, metric, stated, self.contributions.ensembles)
        row = together[own].iloc[0]
        rows, seeds, df = (float(each[own][0]) for each in (found.rows, found.seeds, found.df))
        fixed = not drawing([method], self.roles).any()
        return Mean(
            float(row[f"{metric}_mean"]),
            error_of(rows, seeds, df, found.n),
            error_of(rows, 0.0 if fixed else variance.pooled[0] / row["seeds"], df, found.n),
            int(row["seeds"]),
            int(row["n"]),
            NOTHING if fixed or variance.known else UNKNOWN,
            metric,
        )

    def _over_rows(self, metric: str, cells: Mapping[Cell, float]) -> tuple[float, int]:
        """(variance over rows of the cells' sum, all on one dataset; number of rows)."""
        blocks: dict[str, Floats] = {}
        for (dataset, method, epoch), weight in cells.items():
            block = self.contributions.of(metric, dataset, method, epoch)
            blocks[method] = blocks.get(method, 0.0) + weight * block.astype(float)
        (dataset,) = {each for each, _, _ in cells}
        n = next(iter(blocks.values())).shape[1]
        shared = sum(residual_mean_square(each) / len(each) / n for each in blocks.values())
        of_rows: Floats = np.sum([each.mean(axis=0) for each in blocks.values()], axis=0)
        above = sum(weight for weight in cells.values() if weight > 0)
        if above in (0, sum(cells.values())):  # all on one side: nothing is paired
            fewer = n if metric == "accuracy" else max(n - 1, 1)
            return max(0.0, float(of_rows.var()) / fewer - shared), n
        found = over_rows(
            np.array([(of_rows**2).sum()]),
            np.array([of_rows.mean()]),
            n,
            above * self.contributions.unit(metric, dataset),
            np.array([shared]),
        )
        return float(found[0]), n

    def _over_seeds(
        self, metric: str, cells: Mapping[Cell, float]
    ) -> tuple[float, float, float, float, bool]:
        """(variance over seeds, its df, both if all methods varied alike, whether it is known)."""
        shapes: dict[Shape, dict[str, float]] = {}
        for method in dict.fromkeys(m for _, m, _ in cells):
            own = {(d, e): w for (d, m, e), w in cells.items() if m == method}
            scale = max(own.values(), key=abs)
            shape = tuple(
                sorted(((d, e, round(w / scale, 9)) for (d, e), w in own.items()), key=str)
            )
            shapes.setdefault(shape, {})[method] = scale
        known, parts = True, []
        for shape, scales in shapes.items():
            methods, values = self._others(metric, shape, scales)
            seeds = np.array([len(each) for each in values])
            own_variance = np.array([e.var(ddof=1) if len(e) > 1 else nan for e in values])
            random = drawing(methods, self.roles)
            size = sqrt(sum(w**2 for _, _, w in shape))
            stated = size * self.seed_sd if self.seed_sd and metric == "accuracy" else None
            like = varying_as(methods, self.contributions.ensembles)
            chance = random, stated, like, apart(methods, self.roles)
            variance = SeedVariance(own_variance, seeds, *chance)
            squares = np.array([scales.get(method, 0.0) ** 2 for method in methods]) / seeds
            of_sum, df = (float(each[0]) for each in variance.of_sums(squares[None, :]))
            alike = float((squares * random).sum()) * variance.pooled[0]
            # the df found, not that of the pooled variance: a test will have no more
            parts.append((of_sum, df, alike, df))
            fixed = not drawing(list(scales), self.roles).any()
            known = known and (variance.known or fixed)
        each = np.array(parts).T
        return (
            float(each[0].sum()),
            satterthwaite(each[0], each[1]),
            float(each[2].sum()),
            satterthwaite(each[2], each[3]),
            known,
        )

    def _others(
        self, metric: str, shape: Shape, wanted: Mapping[str, float]
    ) -> tuple[list[str], list[Floats]]:
        """All methods that have the cells of a shape, and each seed's value of it."""
        methods, values = [], []
        for method in dict.fromkeys(self.table["method"]):
            try:
                own = [w * self._values(metric, (d, method, e)) for d, e, w in shape]
            except Missing:
                if method in wanted:
                    raise
                continue
            if any(not each.index.equals(own[0].index) for each in own):
                if method in wanted:
                    raise Missing(phrase("same_seeds", method=method))
                continue
            methods.append(method)
            values.append(np.sum([each.to_numpy() for each in own], axis=0))
        return methods, values
