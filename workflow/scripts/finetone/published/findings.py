"""The findings of an audit as plain data and in words."""

from typing import Any

from finetone.published.checks import loss_possible, rankings, repeats
from finetone.published.granularity import examine
from finetone.published.literature import Outlier
from finetone.published.reading import Published, Result


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
        Plain data for JSON; `findings` states each finding in a sentence.
    """
    copies = repeats(published.results)
    copied = {copy.model for copy in copies}
    results = [r for r in published.results if r.model not in copied]
    last = max(r.epoch for r in results)
    n, setup = published.setup["n_test"], published.setup
    granularity = [_granularity(published, "published", results, n)]
    if published.baselines:
        granularity.append(_granularity(published, "baselines", published.baselines, n))
    if published.transfer:
        there = setup["transfer"]["n_test"]
        granularity.append(_granularity(published, "transfer", published.transfer, there))
    with_loss = [r for r in results if r.loss is not None]
    too_low = [
        r for r in with_loss if r.loss and not loss_possible(r.accuracy, r.loss, published.scale)
    ]
    ranking = rankings([r for r in results if r.epoch == last], n, published.scale)
    summary: dict[str, Any] = {
        "title": setup.get("title"),
        "dataset": setup["dataset"],
        "granularity": granularity,
        "loss": {
            "values": len(with_loss),
            "impossible": [{"model": r.model, "epoch": r.epoch} for r in too_low],
        },
        "repeats": [vars(copy) for copy in copies],
        "rankings": ranking,
        "literature": [
            {
                "table": o.result.table,
                "model": o.result.model,
                "epoch": o.result.epoch or None,
                "accuracy": published.fraction(o.result.accuracy),
                "beyond": o.beyond,
                "reference": o.reference.model,
                "reference_accuracy": published.fraction(o.reference.value),
                "source": o.reference.source,
            }
            for o in found
        ],
    }
    return {**summary, "findings": _sentences(summary)}


def _granularity(published: Published, table: str, results: list[Result], n: int) -> dict[str, Any]:
    """The verdict for the usual rounding and, under `cut`, for digits that were cut off."""
    column = [r.accuracy for r in results]
    batch_sizes = published.setup.get("batch_sizes", [])
    nearest = examine(column, n, batch_sizes, published.scale)
    cut = examine(column, n, batch_sizes, published.scale, "cut")
    return {"table": table, **nearest, "cut": cut}


def _sentences(summary: dict[str, Any]) -> list[dict[str, str]]:
    """One sentence per finding; none for a check that found nothing."""
    found = [
        ("granularity", _granularity_words(g)) for g in summary["granularity"] if g["impossible"]
    ]
    if low := summary["loss"]["impossible"]:
        words = (
            f"{len(low)} of {summary['loss']['values']} losses lie below (1 - accuracy)·ln 2: they "
            "are no mean over the rows that gave the accuracy."
        )
        found.append(("loss", words))
    for copy in summary["repeats"]:
        words = (
            f"All {copy['values']} results of {copy['model']} are those of {copy['original']} "
            f"(chance at most {copy['chance']:.0e})."
        )
        found.append(("repeats", words))
    ranking = summary["rankings"]
    if ranking["open"]:
        words = (
            f"{len(ranking['open'])} of {ranking['pairs']} rankings in the last epoch are open at "
            f"n = {ranking['n']} (unpaired z, Holm, 5 %)."
        )
        found.append(("rankings", words))
    for beyond, words in _BEYOND.items():
        models = dict.fromkeys(o["model"] for o in summary["literature"] if o["beyond"] == beyond)
        if models:
            found.append(("literature", f"{words}: {', '.join(models)}."))
    return [{"check": check, "sentence": sentence} for check, sentence in found]


def _granularity_words(g: dict[str, Any]) -> str:
    words = (
        f"{g['impossible']} of {g['values']} accuracies in the {g['table']} table cannot be "
        f"k/{g['n_stated']} for any k."
    )
    if not g["explained_by"]:
        return words
    best = g["best"][0]
    batches = " or ".join(map(str, best["drop_last_of_batch_sizes"]))
    return (
        f"{words} {best['possible']} of them can be k/{best['n']} (chance after trying "
        f"{g['tried']} numbers: {g['chance_after_search']:.0e})"
        + (f", which is whole batches of {batches} alone." if batches else ".")
    )


_BEYOND = {
    "best": "Above the best value in the literature",
    "best-of-kind": "Above the best value in the literature for their kind of method",
    "weakest-of-kind": "Below the weakest value in the literature for their kind of method",
}
