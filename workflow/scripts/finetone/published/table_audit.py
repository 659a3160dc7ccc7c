"""Audit of a published table: which problems its own digits show.

Checks, each usable on its own: granularity (`explanations`), values of a row against each other
(`consistency`), loss against accuracy, repeated rows and open rankings (`checks`), and the
literature (`literature`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from finetone.files import write_json
from finetone.formats.csv_table import write_csv
from finetone.provenance import Provenance, keys_of
from finetone.published.checks import lowest_loss
from finetone.published.findings import loss_fits, summarise
from finetone.published.granularity import neighbours
from finetone.published.literature import Outlier, outliers, read_literature
from finetone.published.reading import Published, Result, read_published
from finetone.statistics.intervals import clopper_pearson, wilson

CONFIDENCE = 0.95  # of the intervals around printed accuracies


@dataclass(frozen=True)
class Audit:
    """A published table, the summary of its findings, and one row per printed accuracy."""

    published: Published
    summary: dict[str, Any]
    values: pd.DataFrame

    def write(
        self, target_json: Path, target_csv: Path, provenance: Provenance | None = None
    ) -> None:
        """Write the findings, with their record, and the values."""
        write_csv(self.values, target_csv)
        write_json(target_json, keys_of(provenance) | self.summary)


def audit(path: Path, given: Mapping[str, Any] | None = None) -> Audit:
    """Audit a published table.

    Parameters
    ----------
    path
        A CSV file, or a folder with `published.csv`, `setup.yaml` and, if there are any,
        `transfer.csv`, `baselines.csv` and `literature.csv` (docs/published-table.md).
    given
        Keys of the setup that count more than those of `setup.yaml`.

    Raises
    ------
    UserError
        A file cannot be read.
    """
    published = read_published(path, given)
    literature = path / "literature.csv"
    references = read_literature(literature) if literature.exists() else []
    found = outliers(published, references)
    summary = summarise(published, found)
    return Audit(published, summary, values(published, summary, found))


def audit_table(
    folder: Path, target_json: Path, target_csv: Path, provenance: Provenance | None = None
) -> None:
    """Audit a published table and write its findings and values (see `audit`, `Audit.write`)."""
    audit(folder).write(target_json, target_csv, provenance)


def values(published: Published, summary: dict[str, Any], found: list[Outlier]) -> pd.DataFrame:
    """One row per printed accuracy, with all that the audit found about it.

    Parameters
    ----------
    published
        The published experiment.
    summary
        From `summarise`.
    found
        Accuracies beyond the literature.

    Returns
    -------
    DataFrame
        Accuracies are fractions; `flags` are separated by spaces.
    """
    results = [*published.results, *published.baselines, *published.transfer]
    beyond = {(o.result.table, o.result.model, o.result.epoch): o.beyond for o in found}
    copies = {copy["model"]: copy["original"] for copy in summary["repeats"]}
    wrong = {(c["table"], c["model"], c["epoch"] or 0) for c in summary["contradictions"]}
    rows = []
    for result in results:
        key = (result.table, result.model, result.epoch)
        row = _value(published, result)
        row["repeats"] = copies.get(result.model) if result.table == "published" else None
        flags = {
            "impossible-count": row["possible"] is False,
            "impossible-loss": row["loss_possible"] is False,
            "contradiction": key in wrong,
            "repeats-row": row["repeats"] is not None,
            f"beyond-{beyond.get(key)}": key in beyond,
        }
        rows.append({**row, "flags": " ".join(flag for flag, raised in flags.items() if raised)})
    frame = pd.DataFrame(rows).astype({"epoch": "Int64"})
    return frame if frame["epoch"].notna().any() else frame.drop(columns="epoch")


def _value(published: Published, result: Result) -> dict[str, Any]:
    metric = "accuracy" if "accuracy" in result.values else "error"
    others = {m: v.text for m, v in result.values.items() if m not in (metric, "loss")}
    row: dict[str, Any] = {
        "table": result.table,
        "model": result.model,
        "method": result.method,
        "epoch": result.epoch or None,
        "printed": "",
        "others": " · ".join(f"{m} {text}" for m, text in others.items()),
        "accuracy": None,
        "n": result.n,
        "possible": None,
        "nearest": "",
        "loss": float(result.loss.value) if result.loss else None,
        "loss_possible": loss_fits(published, result),
    }
    if result.accuracy is None:
        return row
    share, n, printed = float(result.accuracy.share), result.n, result.values[metric]
    stated = published.setup_of(result.table).design(n).stated
    low, high = wilson(round(share * n), n, CONFIDENCE)
    exact_low, exact_high = clopper_pearson(round(share * n), n, CONFIDENCE)
    allowed = stated.allows(printed)
    near = [] if allowed else neighbours(printed, stated.of, stated.rounding)
    return {
        **row,
        "printed": printed.text,
        "accuracy": share,
        "possible": allowed,
        "nearest": " ".join(p.text for p in near),
        "wilson_low": low,
        "wilson_high": high,
        "clopper_pearson_low": exact_low,
        "clopper_pearson_high": exact_high,
        "lowest_loss": lowest_loss(share),
    }
