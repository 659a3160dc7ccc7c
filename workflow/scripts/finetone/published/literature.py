"""Accuracies published elsewhere, and the printed ones that are outside their range."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from finetone.errors import UserError
from finetone.published.printed import Printed
from finetone.published.reading import Published, Result, number, read_csv

STATUS = ("read", "measured", "memory")
"""Origin of a value: read at its source, measured by us, or from memory (shown, not used)."""


@dataclass(frozen=True)
class Reference:
    """A published accuracy; `method` is set if it is of the same checkpoint as that method."""

    dataset: str
    kind: str
    model: str
    method: str
    value: Printed
    n: int | None
    status: str
    source: str
    source_zh: str = ""


def read_literature(path: Path) -> list[Reference]:
    """Read `literature.csv`, whose values are in percent if one of them is above 1.

    Raises
    ------
    UserError
        A status is unknown, or a value is not an accuracy.
    """
    references = []
    rows = read_csv(path, ["dataset", "kind", "model", "value", "status", "source"])
    values = [number(path, line, "value", row["value"]) for line, row in rows]
    scale = 100 if max(value.value for value in values) > 1 else 1
    for (line, row), printed in zip(rows, values, strict=True):
        value = replace(printed, scale=scale)
        if not 0 <= value.share <= 1:
            raise UserError(f"{path}, line {line}: value {value.text} is not between 0 and {scale}")
        if row["status"] not in STATUS:
            raise UserError(
                f"{path}, line {line}: status {row['status']!r} is none of {', '.join(STATUS)}"
            )
        n = row.get("n", "")
        references.append(
            Reference(
                row["dataset"],
                row["kind"],
                row["model"],
                row.get("method", ""),
                value,
                int(number(path, line, "n", n).value) if n else None,
                row["status"],
                row["source"],
                row.get("source_zh", ""),
            )
        )
    return references


@dataclass(frozen=True)
class Outlier:
    """A printed accuracy beyond all that is known for its kind of method on its dataset."""

    result: Result
    beyond: str
    """`best` of all methods, `best-of-kind`, or `weakest-of-kind`."""
    reference: Reference


def outliers(published: Published, references: Sequence[Reference]) -> list[Outlier]:
    """Find printed accuracies above the best or below the weakest value in the literature.

    Every epoch may be too good; only the last can be too weak. Values from memory are not used.
    """
    trusted = [r for r in references if r.status != "memory"]
    here = published.setup.dataset
    there = published.setup.transfer.dataset if published.setup.transfer else ""
    found = []
    for dataset, results in (
        (here, published.results),
        (here, published.baselines),
        (there, published.transfer),
    ):
        known = [r for r in trusted if r.dataset == dataset]
        last = max((r.epoch for r in results), default=0)
        for result in results:
            outlier = _outlier(result, known, result.epoch == last)
            if outlier:
                found.append(outlier)
    return found


def _outlier(result: Result, known: Sequence[Reference], final: bool) -> Outlier | None:
    def share(reference: Reference) -> Fraction:
        return reference.value.share

    kind = [r for r in known if r.kind == result.kind]
    if not result.accuracy:
        return None
    accuracy = result.accuracy.share
    if known and accuracy > share(best := max(known, key=share)):
        return Outlier(result, "best", best)
    if kind and accuracy > share(best := max(kind, key=share)):
        return Outlier(result, "best-of-kind", best)
    if kind and final and accuracy < share(weakest := min(kind, key=share)):
        return Outlier(result, "weakest-of-kind", weakest)
    return None
