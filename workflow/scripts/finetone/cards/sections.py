"""Sections of a published model card: how to use the model, its results, what its scores mean."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from finetone.cards.card_parts import code
from finetone.formats.temperature import Temperature

CUT = re.compile(r"Texts are cut to (\d+) tokens")
NEXT = "\n## Limits\n"  # the section of a run's card that ours come before
SHOWN = {"accuracy": "accuracy", "macro_f1": "macro F1", "mcc": "MCC", "loss": "loss (nats)"}
CROSS_VALIDATION = "train, cross-validated"  # in place of the name of a split
LARGE = 1.05  # a temperature that is worth a warning

USE = """from transformers import pipeline

classify = pipeline("text-classification", model=".")  # this folder, or its name on the hub
print(classify(["The first text.", "Another text."], truncation=True, max_length={max_length}))
"""


USE_PROBE = """from pathlib import Path

from finetone.baselines.fit_predict import predictor

classify = predictor(Path("."), threads=4)  # this folder, which has the frozen model with it
print(classify(["The first text.", "Another text."]))  # logits, one row per text
"""


def cut_of(card: str) -> int | None:
    """To how many tokens texts are cut, as the card of a run says."""
    stated = CUT.search(card)
    return int(stated[1]) if stated else None


def sections(
    index: Sequence[Mapping[str, Any]],
    max_length: int | None,
    seeds: Mapping[str, Any] | None,
    fitted: Temperature | None,
    unknown_license: bool,
    library: str = "transformers",
) -> str:
    """All of them, in Markdown.

    Parameters
    ----------
    index
        The `model-index` of the run.
    max_length
        Tokens that texts are cut to.
    seeds
        {"mean", "low", "high", "seeds"} of the accuracy over all runs of the method, and what rows
        it is of ("n", "cross_validation"); None for one run.
    fitted
        The temperature of the run, if one was looked for.
    unknown_license
        Whether nothing is known about the licence of the base model.
    library
        What loads the folder; a probe is finetone's own.
    """
    snippet = USE.format(max_length=max_length or 512) if library == "transformers" else USE_PROBE
    parts = ["## Use", "", "```python", f"{snippet}```", ""]
    parts += [_scores(fitted), "", "## Results", "", *_table(index), ""]
    if seeds is not None and seeds.get("cross_validation"):
        confidence = index[0]["results"][0]["metrics"][0].get("args", {}).get("confidence", 0.95)
        parts += [_basis(seeds, confidence), ""]
    elif seeds is not None and seeds["seeds"] > 1:
        parts += [
            f"This is one of {seeds['seeds']} runs that differ in their seed alone. Their mean accuracy on "
            f"the first of these datasets is {_percent(seeds['mean'])} % "
            f"({_percent(seeds['low'])} – {_percent(seeds['high'])}, over new seeds and new texts).",
            "",
        ]
    if unknown_license:
        parts += [
            "The licence of the base model is not recorded. Find it out before you publish this model, "
            "and state it as `license` above.",
            "",
        ]
    return "\n".join(parts)


def _basis(accuracy: Mapping[str, Any], confidence: float) -> str:
    """What the accuracy of a model that was trained on all rows rests on."""
    folds, repeats = (accuracy["cross_validation"][key] for key in ("folds", "repeats"))
    times = f", {repeats} times with other folds" * (repeats > 1)
    return (
        f"This model was trained on all {accuracy['n']:,} labelled rows, so none is left to test it on. The "
        f"accuracy above is that of {folds}-fold cross-validation{times}: models trained in the same way "
        f"on {folds - 1} of {folds} parts of the rows, each tested on the part that it never saw. It is "
        f"{_percent(accuracy['mean'])} % ({_percent(accuracy['low'])} – {_percent(accuracy['high'])} with "
        f"{100 * confidence:g} % confidence, given that the folds share training rows). Expect about as "
        "much of this model, which was trained on more rows but was itself not measured on them."
    )


def insert(card: str, new: str) -> str:
    """Put sections before that on limits, or at the end."""
    before, found, after = card.partition(NEXT)
    return f"{before}\n{new}{found}{after}" if found else f"{card.rstrip()}\n\n{new}"


def _scores(fitted: Temperature | None) -> str:
    """What the scores of the snippet mean, and how they become calibrated."""
    if fitted is None or fitted.temperature is None:
        why = f": {fitted.reason}" if fitted and fitted.reason else ", for there were no dev rows"
        return (
            "The scores are the model's own probabilities. No temperature was fitted"
            f"{why}; check their calibration before you rely on them."
        )
    kind = "overconfident" if fitted.temperature > LARGE else "underconfident"
    kind = kind if abs(fitted.temperature - 1) > LARGE - 1 else "about calibrated"
    return (
        f"The scores are the model's own probabilities, and {kind}. Divide its logits by the "
        f"temperature {fitted.temperature:.4g} before the softmax for calibrated ones (fitted on "
        f"{fitted.rows} dev rows; `temperature.json`). The labels stay the same."
    )


def _table(index: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """A row per dataset and metric, with the interval over new texts."""
    confidence = next(
        (m["args"]["confidence"] for m in index[0]["results"][0]["metrics"] if "args" in m), 0.95
    )
    yield f"| test split of | metric | value | {100 * confidence:g} % interval (new texts) | texts |"
    yield "|---|---|---|---|---|"
    for result in index[0]["results"]:
        for metric in result["metrics"]:
            if metric["type"] not in SHOWN:
                continue
            args = metric.get("args", {})
            interval = f"{args['low']:.4f} – {args['high']:.4f}" if args else ""
            yield (
                f"| {_texts(result['dataset'])} | {SHOWN[metric['type']]} "
                f"| {metric['value']:.4f} | {interval} | {args.get('rows', '')} |"
            )


def _texts(dataset: Mapping[str, Any]) -> str:
    """The texts that a result is of."""
    validated = dataset["split"] == CROSS_VALIDATION
    return code(dataset["name"]) + " (cross-validation)" * validated


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
