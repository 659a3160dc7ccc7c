"""The model card of a probe: a classifier on what a frozen model makes of texts."""

from typing import Any

from finetone.cards.card_parts import code, front_matter, hardware, labels, limits, origin
from finetone.formats.run_record import RunRecord
from finetone.numbers import setting

POOLED = {
    "mean": "the mean over its tokens",
    "first": "at its first token",
    "last": "at its last token",
}


def probe_card(run: RunRecord, encoder: dict[str, Any], max_length: int) -> str:
    """Write the model card (Markdown) of a probe.

    Parameters
    ----------
    run
        Record of the fit.
    encoder
        The frozen model's manifest.json.
    max_length
        Number of tokens that texts are cut to.
    """
    recipe, parameters = run.recipe, run.parameters
    source = encoder.get("source", {})
    return "\n".join(
        [
            *front_matter("finetone", source),
            f"# {code(run.method)}: a probe trained on {code(run.dataset)}",
            "",
            f"Sequence classification, labels {labels(run)}: logistic regression on the output of layer "
            f"{recipe['layer']} of a frozen model, {POOLED[recipe['pooling']]}. "
            f"Frozen model: {origin(source)}.",
            f"Trained on {run.rows} rows. {_strength(recipe)}",
            "",
            f"{parameters['total']} parameters: {parameters['total'] - parameters['trained']} of the "
            f"frozen model, {parameters['trained']} trained.",
            "",
            "`classifier.npz` holds `coefficients` and `intercepts`: one row per class of the classes "
            "in `present`. `model.json` says where the frozen model is.",
            "",
            hardware(run),
            "",
            *limits(max_length),
        ]
    )


def _strength(recipe: dict[str, Any]) -> str:
    """Where the strength of the penalty is from."""
    if not (tried := recipe.get("C_tried")):
        return f"C = {setting(recipe['C'])} was given."
    scores = ", ".join(f"{score:.4f}" for score in tried.values())
    return (
        f"C = {setting(recipe['C'])} was chosen of {', '.join(tried)} by "
        f"{recipe['C_chosen_by'].replace('_', ' ')} in cross-validation on the training rows alone "
        f"({scores})."
    )
