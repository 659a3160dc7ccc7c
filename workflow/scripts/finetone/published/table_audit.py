"""Audit of a published table: which problems its own digits show.

Five checks, each usable on its own: granularity (`granularity`), loss against accuracy, repeated
rows, intervals and open rankings (`checks`), and the literature (`literature`).
"""

from pathlib import Path
from typing import Any

import pandas as pd

from finetone.files import write_json
from finetone.formats.csv_table import write_csv
from finetone.provenance import Provenance, keys_of
from finetone.published.checks import loss_possible, lowest_loss
from finetone.published.findings import summarise
from finetone.published.granularity import possible
from finetone.published.literature import Outlier, outliers, read_literature
from finetone.published.reading import Published, Result, read_published
from finetone.statistics.intervals import clopper_pearson, wilson

CONFIDENCE = 0.95  # of the intervals around printed accuracies


def audit_table(
    folder: Path, target_json: Path, target_csv: Path, provenance: Provenance | None = None
) -> None:
    """Audit a published table; write the findings, and one row per printed value.

    Parameters
    ----------
    folder
        Holds `setup.yaml`, `published.csv` and, if there are any, `transfer.csv`,
        `baselines.csv` and `literature.csv` (docs/published-table.md).
    target_json
        The file to write with the findings.
    target_csv
        The file to write with the rows.
    provenance
        The record of the findings.

    Raises
    ------
    UserError
        A file in the folder cannot be read.
    """
    published = read_published(folder)
    literature = folder / "literature.csv"
    references = read_literature(literature, published.scale) if literature.exists() else []
    found = outliers(published, references)
    findings = summarise(published, found)
    write_csv(values(published, findings, found), target_csv)
    write_json(target_json, keys_of(provenance) | findings)


def values(published: Published, findings: dict[str, Any], found: list[Outlier]) -> pd.DataFrame:
    """One row per printed accuracy, with all that the audit found about it.

    Parameters
    ----------
    published
        The published experiment.
    findings
        From `summarise`.
    found
        Accuracies beyond the literature.

    Returns
    -------
    DataFrame
        Accuracies are fractions; `flags` are separated by spaces.
    """
    beyond = {(o.result.table, o.result.model, o.result.epoch): o.beyond for o in found}
    rows = []
    for result in [*published.results, *published.baselines, *published.transfer]:
        row = _value(published, findings, result)
        outlier = beyond.get((result.table, result.model, result.epoch))
        flags = {
            "impossible-count": not row["possible"],
            "impossible-loss": row["loss_possible"] is False,
            "repeats-row": row["repeats"] is not None,
            f"beyond-{outlier}": outlier is not None,
        }
        rows.append({**row, "flags": " ".join(flag for flag, raised in flags.items() if raised)})
    return pd.DataFrame(rows).astype({"epoch": "Int64"})


def _value(published: Published, findings: dict[str, Any], result: Result) -> dict[str, Any]:
    granularity = next(g for g in findings["granularity"] if g["table"] == result.table)
    n, explained = granularity["n_stated"], granularity["explained_by"]
    accuracy, scale = published.fraction(result.accuracy), published.scale
    k = round(accuracy * n)
    wilson_low, wilson_high = wilson(k, n, CONFIDENCE)
    exact_low, exact_high = clopper_pearson(k, n, CONFIDENCE)
    copies = {copy["model"]: copy["original"] for copy in findings["repeats"]}
    return {
        "table": result.table,
        "model": result.model,
        "method": result.method,
        "epoch": result.epoch or None,
        "printed": result.accuracy.text,
        "accuracy": accuracy,
        "n": n,
        "possible": possible(result.accuracy, n, scale),
        "possible_at_explained": possible(result.accuracy, explained, scale) if explained else None,
        "wilson_low": wilson_low,
        "wilson_high": wilson_high,
        "clopper_pearson_low": exact_low,
        "clopper_pearson_high": exact_high,
        "loss": float(result.loss.value) if result.loss else None,
        "lowest_loss": lowest_loss(accuracy),
        "loss_possible": loss_possible(result.accuracy, result.loss, scale)
        if result.loss
        else None,
        "repeats": copies.get(result.model) if result.table == "published" else None,
    }
