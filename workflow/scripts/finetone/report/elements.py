"""What every section is made with: the inputs by name, as figures and tables of the page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from finetone.plots.read_table import read
from finetone.plots.style import Style
from finetone.report.html_table import Column, Table, table
from finetone.report.inputs import ReportInputs
from finetone.report.picture import Picture


@dataclass(frozen=True)
class Section:
    """`pictures` are shown one below another, `gallery` side by side.

    `facts` are (term, text), `code` (summary, text).
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

    @property
    def empty(self) -> bool:
        return not any(
            (self.sentences, self.facts, self.pictures, self.gallery, self.tables, self.code)
        )


@dataclass(frozen=True)
class Maker:
    """What sections are made with; what is absent is read as empty."""

    inputs: ReportInputs
    style: Style
    labels: Mapping[str, str]
    pictures: Mapping[str, Picture]
    runs: Sequence[Mapping[str, Any]]

    @property
    def source(self) -> str:
        return str(self.inputs.config["source"])

    def show(self, *names: str) -> list[Picture]:
        return [self.pictures[name] for name in names if name in self.pictures]

    def read(self, name: str) -> pd.DataFrame:
        path = self.inputs.tables.get(name)
        return read(path, []) if path else pd.DataFrame()

    def rows(self, name: str) -> pd.DataFrame:
        """Rows of the source dataset."""
        frame = self.read(name)
        return frame[frame["dataset"] == self.source] if "dataset" in frame else frame

    def table(
        self,
        name: str,
        columns: Sequence[Column],
        frame: pd.DataFrame | None = None,
        folded: bool = False,
    ) -> list[Table]:
        """The table in a list, or no table where there is nothing to show."""
        frame = self.rows(name) if frame is None else frame
        path = self.inputs.tables.get(name)
        if path is None or frame.empty:
            return []
        caption = self.labels[f"table_{name}"]
        return [table(name, caption, frame, columns, path, self.style, folded)]

    def distinct(self, fact: Callable[[Mapping[str, Any]], Any]) -> str:
        """All different values of a fact over the runs, in order."""
        values = [fact(run) for run in self.runs]
        return " · ".join(dict.fromkeys(str(v) for v in values if v))
