"""What sections are built with: the inputs by name, as pictures and tables of the report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from finetone.plots.drawing.read_table import read
from finetone.plots.drawing.style import Style
from finetone.report.html_table import Column, Table, table
from finetone.report.inputs import ReportInputs
from finetone.report.picture import Picture

if TYPE_CHECKING:
    from finetone.report.study.claim_cards import Cards
    from finetone.report.study.opening import Opening


@dataclass(frozen=True)
class Section:
    """One section of the report.

    Attributes
    ----------
    id, title, lead
        Its anchor, heading and introduction.
    sentences
        Findings.
    facts
        (term, text).
    pictures, gallery
        Shown one below another, and side by side.
    tables
        Shown after the pictures.
    code
        (summary, text).
    opening, cards
        The reproduction report and the claims of a published experiment.
    """

    id: str
    title: str
    lead: str = ""
    sentences: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    pictures: Sequence[Picture] = ()
    gallery: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    code: Sequence[tuple[str, str]] = ()
    opening: "Opening | None" = None
    cards: "Cards | None" = None

    @property
    def empty(self) -> bool:
        """Whether it has nothing to show."""
        parts = (self.sentences, self.facts, self.pictures, self.gallery, self.tables, self.code)
        return not any((*parts, self.opening, self.cards))


@dataclass(frozen=True)
class Maker:
    """What sections are built with; an absent input is read as empty.

    Attributes
    ----------
    inputs
        Paths of everything that the report shows.
    style
        How methods look, and the language.
    labels
        Labels of the report, by key.
    pictures
        By name of the figure.
    runs
        Contents of every run.json.
    """

    inputs: ReportInputs
    style: Style
    labels: Mapping[str, str]
    pictures: Mapping[str, Picture]
    runs: Sequence[Mapping[str, Any]]

    @property
    def source(self) -> str:
        """Name of the source dataset."""
        return str(self.inputs.config["source"])

    @property
    def metric(self) -> str:
        """What methods are compared by."""
        ranking = self._ranking
        return (
            str(ranking["metric"].iloc[0]) if "metric" in ranking and len(ranking) else "accuracy"
        )

    @cached_property
    def _ranking(self) -> pd.DataFrame:
        """The ranking, which every table is ordered by: read once."""
        return self.read("ranking")

    def show(self, *names: str) -> list[Picture]:
        """Those of the named pictures that exist."""
        return [self.pictures[name] for name in names if name in self.pictures]

    def read(self, name: str) -> pd.DataFrame:
        """A table by its name; empty if it is absent."""
        path = self.inputs.tables.get(name)
        return read(path, []) if path else pd.DataFrame()

    def rows(self, name: str) -> pd.DataFrame:
        """Rows of a table on the source dataset; methods in the order of the ranking there."""
        frame = self.read(name)
        return self.ranked(frame[frame["dataset"] == self.source] if "dataset" in frame else frame)

    def ranked(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The same rows, methods in the order of the ranking on the source dataset."""
        if "method" not in frame or self._ranking.empty:
            return frame
        here = self._ranking[self._ranking["dataset"] == self.source]
        place = dict(zip(here["method"], here["rank"], strict=True))
        order = frame["method"].map(place).to_numpy(float)  # without a score last
        return frame.iloc[order.argsort(kind="stable")]

    def table(
        self,
        name: str,
        columns: Sequence[Column],
        frame: pd.DataFrame | None = None,
        folded: bool = False,
    ) -> list[Table]:
        """A table of the report in a list; an empty list if it has no rows.

        Parameters
        ----------
        name
            Of the CSV file and of the caption.
        columns
            Those to show.
        frame
            The rows; those of the source dataset if not given.
        folded
            Show it only on request.
        """
        frame = self.rows(name) if frame is None else frame
        path = self.inputs.tables.get(name)
        if path is None or frame.empty:
            return []
        caption = self.labels[f"table_{name}"]
        told = [
            replace(
                column, explained=column.explained or self.labels.get(f"about_{column.key}", "")
            )
            for column in columns
        ]
        return [table(name, caption, frame, told, path, self.style, folded)]

    def distinct(self, fact: Callable[[Mapping[str, Any]], Any]) -> str:
        """All different values of a fact over the runs, in order."""
        values = [fact(run) for run in self.runs]
        return " · ".join(dict.fromkeys(str(v) for v in values if v))
