"""What a publication's own table says of its claims: its printed numbers in place of our runs.

Accuracies have the error of as many test rows as it states, taken as independent, for nobody can
pair them; nothing can be said of seeds. Losses, times and parameters count as printed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any

from finetone.claims import phrases
from finetone.claims.estimate import Estimate, Exact, Mean, Missing, combine, error_of
from finetone.claims.facts import Terms, group_fact
from finetone.claims.phrases import NOTHING, Phrase, phrase
from finetone.published.checks import repeats
from finetone.published.reading import Published, read_csv, read_published

ADDED = 2  # right and wrong rows each, so that 100 % has an error (Agresti & Coull 1998)


@dataclass(frozen=True)
class PrintedFacts:
    """The numbers of a published table, and the group facts of the methods.

    Parameters
    ----------
    published
        The table.
    columns
        {column: {model: printed number}} of `parameters_millions` and `seconds_per_32`.
    groups
        Group facts by method; those of models that the table does not have are left out.
    """

    published: Published
    columns: dict[str, dict[str, float]]
    groups: dict[str, dict[str, Any]]

    def estimate(self, metric: str, terms: Terms) -> Estimate:
        """As `facts.Facts` says."""
        for method, _, _ in terms:
            if method in self._copies and not metric.startswith("group."):
                raise Missing(phrase("repeated_row", method=method, original=self._copies[method]))
        found = [self._single(metric, *term) for term in terms]
        whole = combine(found, list(terms.values()))
        everything = all(weight > 0 for weight in terms.values()) and metric == "accuracy"
        if everything and abs(sum(terms.values()) - 1) < 1e-9:
            return Mean(whole.value, whole.errors, whole.design, 0, whole.rows, NOTHING, metric)
        return whole

    def epochs(self, method: str) -> list[int]:
        """As `facts.Facts` says."""
        return sorted(r.epoch for r in self.published.results if r.method == method)

    def _single(self, metric: str, method: str, epoch: int | str, dataset: str | None) -> Estimate:
        if metric == "accuracy":
            return self._accuracy(method, epoch, dataset)
        if metric == "drop":
            home = self._accuracy(method, "kept", None)
            transfer = self.published.setup.transfer
            away = self._accuracy(method, "kept", transfer.dataset if transfer else "")
            return replace(combine([home, away], [1, -1]), rows=away.rows)
        if metric == "loss":
            losses = {r.epoch: r.loss for r in self.published.results if r.method == method}
            printed = losses.get(max(losses, default=0) if epoch == "kept" else int(epoch))
            if printed is None:
                raise Missing(_unprinted("loss", method))
            return Exact(float(printed.value))
        if metric.startswith("group."):
            return Exact(group_fact(self.groups, metric.removeprefix("group."), method))
        column = _COLUMNS.get(metric)
        if column is None:
            raise Missing(phrase("never_printed", metric=phrases.metric(metric)))
        return Exact(column(lambda name: self._printed(name, method)))

    def _accuracy(self, method: str, epoch: int | str, dataset: str | None) -> Estimate:
        setup = self.published.setup
        if dataset in (None, setup.dataset):
            found = {r.epoch: r for r in self._on_source if r.method == method}
        else:
            named = setup.transfer is not None and dataset == setup.transfer.dataset
            found = {r.epoch: r for r in self.published.transfer if named and r.method == method}
        result = found.get(max(found, default=0) if epoch == "kept" else int(epoch))
        if result is None or result.accuracy is None:
            raise Missing(_unprinted("accuracy", method, phrases.place(epoch, dataset)))
        share, n = float(result.accuracy.share), result.n
        with_added = (share * n + ADDED) / (n + 2 * ADDED)
        errors = error_of(with_added * (1 - with_added) / n, n=n)
        return Estimate(share, errors, errors, 0, n)

    @cached_property
    def _copies(self) -> dict[str, str]:
        """Models whose results all equal those of one above, and so are no evidence."""
        return {each.model: each.original for each in repeats(self.published.results)}

    @cached_property
    def _on_source(self) -> list[Any]:
        return [*self.published.results, *self.published.baselines]

    def _printed(self, column: str, method: str) -> float:
        value = self.columns.get(column, {}).get(method)
        if value is None:
            raise Missing(_unprinted(_METRICS[column], method))
        return value


def _unprinted(metric: str, method: str, place: Phrase = NOTHING) -> Phrase:
    return phrase("not_printed", metric=phrases.metric(metric), method=method, place=place)


_METRICS = {"parameters_millions": "parameters", "seconds_per_32": "seconds_per_32"}
Column = Callable[[Callable[[str], float]], float]
_COLUMNS: dict[str, Column] = {
    "parameters": lambda printed: 1e6 * printed("parameters_millions"),
    "seconds_per_32": lambda printed: printed("seconds_per_32"),
    "ms_per_million_parameters": lambda printed: (
        1000 * printed("seconds_per_32") / printed("parameters_millions")
    ),
}


def read_printed(folder: Path, groups: dict[str, dict[str, Any]]) -> PrintedFacts:
    """Read a published table as facts about its own claims.

    Parameters
    ----------
    folder
        Of the publication.
    groups
        Group facts of every configured method.
    """
    published = read_published(folder)
    columns: dict[str, dict[str, float]] = {"parameters_millions": {}, "seconds_per_32": {}}
    for _, row in read_csv(folder / "published.csv", ["model"]):
        for name, found in columns.items():
            try:
                value = float(row.get(name, ""))
            except ValueError:
                continue
            if isfinite(value):
                found[row["model"]] = value
    there = {r.method for r in [*published.results, *published.baselines]}
    named = {method: facts for method, facts in groups.items() if method in there}
    return PrintedFacts(published, columns, named)
