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
from finetone.published.printed import Printed
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
        "rankings": rankings(alike, last[0].n),
        "literature": [
            {
                **_place(o.result),
                "printed": o.result.accuracy.text if o.result.accuracy else "",
                "beyond": o.beyond,
                "dataset": o.reference.dataset,
                "reference": o.reference.model,
                "reference_printed": o.reference.value.text,
                "source": o.reference.source,
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
) -> dict[tuple[str, str, int], Column]:
    """Columns of shares that are counts, by table, metric and number of rows."""
    grouped: dict[tuple[str, str, int], list[Printed]] = {}
    for result in results:
        for metric, value in result.values.items():
            if n := rows_of(published, metric, result.n):
                grouped.setdefault((result.table, metric, n), []).append(value)
    setups = {"transfer": published.setup.transfer or published.setup}
    return {
        key: Column(values, setups.get(key[0], published.setup).design(key[2]))
        for key, values in grouped.items()
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
    for (table, metric, n), column in columns_of(published, results).items():
        stated = column.design.stated
        values = [
            {
                **_place(r),
                "printed": r.values[metric].text,
                "nearest": [
                    p.text for p in neighbours(r.values[metric], stated.of, stated.rounding)
                ],
            }
            for r in results
            if r.table == table
            and metric in r.values
            and rows_of(published, metric, r.n) == n
            and r.values[metric] in column.impossible
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


def _losses(published: Published, results: list[Result]) -> dict[str, Any]:
    """Losses below the bound; medians and best values of runs may be of different runs."""
    linear = published.setup.statistic == "mean" or published.setup.single
    pairs = [(r, r.accuracy, r.loss) for r in results if linear and r.accuracy and r.loss]
    return {
        "values": len(pairs),
        "impossible": [
            {
                **_place(r),
                "accuracy": accuracy.text,
                "loss": loss.text,
                "lowest": lowest_loss(float(accuracy.share)),
            }
            for r, accuracy, loss in pairs
            if not loss_possible(accuracy, loss)
        ],
    }
