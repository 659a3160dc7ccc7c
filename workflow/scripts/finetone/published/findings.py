"""The findings of an audit: as plain data, and in words."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from finetone.published.checks import loss_possible, lowest_loss, rankings, repeats
from finetone.published.consistency import contradictions
from finetone.published.explanations import CONVINCING, Column
from finetone.published.granularity import neighbours
from finetone.published.literature import Outlier
from finetone.published.phrases import LANGUAGES, sentences
from finetone.published.reading import Published, Result

ERRORS = {"granularity", "loss", "repeats", "contradiction"}  # the rest is worth knowing


def summarise(published: Published, found: list[Outlier]) -> dict[str, Any]:
    """Summarise all findings of an audit.

    A row that repeats another is not independent evidence: it counts in no other check.

    Parameters
    ----------
    published
        The published experiment.
    found
        Accuracies beyond the literature.

    Returns
    -------
    dict
        Plain data for JSON; `findings` states each finding in a sentence per language, and its
        `level`: `error` (it cannot be as printed) or `note`.
    """
    copies = [copy for copy in repeats(published.results) if copy.chance < CONVINCING]
    copied = {copy.model for copy in copies if not copy.alike}
    results = [r for r in published.results if r.model not in copied]
    others = [*published.baselines, *published.transfer]
    last = [r for r in results if r.epoch == max(r.epoch for r in results)]
    alike = last if len({r.n for r in last}) == 1 else []  # tested on the same rows
    summary: dict[str, Any] = {
        "title": published.setup.title,
        "dataset": published.setup.dataset,
        "columns": _columns(published, [*results, *others]),
        "contradictions": [
            {
                **_place(c.result),
                "why": c.why,
                "values": {name: value.text for name, value in c.values.items()},
                "nearest": [p.text for p in c.nearest],
            }
            for c in contradictions(published)
        ],
        "loss": _losses(published, [*results, *others]),
        "repeats": [vars(copy) for copy in copies],
        "rankings": {**rankings(alike, last[0].n), "epoch": last[0].epoch or None},
        "literature": [
            {
                **_place(o.result),
                "printed": o.result.accuracy.text if o.result.accuracy else "",
                "beyond": o.beyond,
                "dataset": o.reference.dataset,
                "reference": o.reference.model,
                "reference_printed": o.reference.value.text,
                "source": o.reference.source,
                "source_zh": o.reference.source_zh or o.reference.source,
            }
            for o in found
        ],
    }
    by_language = {language: sentences(summary, language) for language in LANGUAGES}
    findings = [
        {
            "check": check,
            "level": "error" if check in ERRORS else "note",
            "sentence": sentence,
            **{f"sentence_{x}": by_language[x][i][1] for x in LANGUAGES if x != "en"},
        }
        for i, (check, sentence) in enumerate(by_language["en"])
    ]
    return {**summary, "findings": sorted(findings, key=lambda f: f["level"])}


def _place(result: Result) -> dict[str, Any]:
    return {"table": result.table, "model": result.model, "epoch": result.epoch or None}


def columns_of(
    published: Published, results: Iterable[Result]
) -> dict[tuple[str, str, int], tuple[list[Result], Column]]:
    """Columns of shares that are counts, with their rows, by table, metric and number of rows."""
    grouped: dict[tuple[str, str, int], list[Result]] = {}
    for result in results:
        for metric in result.values:
            if n := rows_of(published, metric, result.n):
                grouped.setdefault((result.table, metric, n), []).append(result)
    return {
        (table, metric, n): (
            rows,
            Column([r.values[metric] for r in rows], published.setup_of(table).design(n)),
        )
        for (table, metric, n), rows in grouped.items()
    }


def rows_of(published: Published, metric: str, n: int) -> int | None:
    """Of how many rows a metric is a share of counts; None if it is not."""
    setup = published.setup
    if metric in ("accuracy", "error"):
        return n
    if metric in ("precision", "recall", "f1") and setup.average == "micro":
        return n
    if metric == "recall" and setup.average == "weighted":
        return n  # weighted by the size of the classes, recall is accuracy
    return setup.positives if metric == "recall" and setup.average == "binary" else None


def _columns(published: Published, results: list[Result]) -> list[dict[str, Any]]:
    found = []
    for (table, metric, n), (rows, column) in columns_of(published, results).items():
        stated = column.design.stated
        values = [
            {
                **_place(row),
                "printed": printed.text,
                "nearest": [p.text for p in neighbours(printed, stated.of, stated.rounding)],
            }
            for row, printed in zip(rows, column.values, strict=True)
            if not stated.allows(printed)
        ]
        finest = max(column.values, key=lambda p: p.steps)
        found.append(
            {
                "table": table,
                "metric": metric,
                "n_stated": n,
                "runs": column.design.runs,
                "statistic": published.setup.statistic,
                "seeds": published.setup.seeds,
                "of": stated.of,
                "rounding": stated.rounding,
                "scale": finest.scale,
                "decimals": finest.decimals,
                "values": len(column.values),
                "impossible": values,
                "noticed": 1 - sum(map(stated.share, column.values)) / len(column.values),
                "everything_from": finest.steps,
                "verdict": column.verdict,
                "explanations": [
                    {
                        **asdict(fit.explanation),
                        "possible": fit.possible,
                        "chance": fit.chance,
                        "convincing": fit.convincing,
                    }
                    for fit in column.fits
                ],
                "only_stated": list(dict.fromkeys(p.text for p in column.only_stated)),
                "example": next((p.text for p in column.values if p != p.without_zero()), ""),
                "tried": len(column.tried),
            }
        )
    return found


def loss_fits(published: Published, row: Result) -> bool | None:
    """Whether a loss is possible with its accuracy; None if one is missing or is of other runs."""
    setup = published.setup
    if not row.accuracy or not row.loss or not (setup.single or setup.statistic == "mean"):
        return None
    return loss_possible(row.accuracy, row.loss)


def _losses(published: Published, results: list[Result]) -> dict[str, Any]:
    checked = [row for row in results if loss_fits(published, row) is not None]
    return {
        "values": len(checked),
        "impossible": [
            {
                **_place(row),
                "accuracy": row.accuracy.text,
                "loss": row.loss.text,
                "lowest": lowest_loss(float(row.accuracy.share)),
            }
            for row in checked
            if row.accuracy and row.loss and not loss_fits(published, row)
        ],
    }
