"""The model card of a probe: a classifier on what a frozen model makes of texts."""

from typing import Any

import yaml

from finetone.cards.run_card import code, hub_source, origin
from finetone.errors import listed
from finetone.formats.run_record import RunRecord

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
    source = encoder.get("source", {})
    front: dict[str, Any] = {
        "library_name": "finetone",
        "pipeline_tag": "text-classification",
        "tags": ["sentiment-analysis", "finetone"],
    }
    base = hub_source(source)
    if base:
        front["base_model"] = base["id"]
    if "license" in base:
        front["license"] = base["license"].lower()  # as model hubs spell their identifiers
    labels = listed(f"{i} = {code(name)}" for i, name in enumerate(run.labels))
    recipe, parameters = run.recipe, run.parameters
    versions = ", ".join(f"{key} {value}" for key, value in run.versions.items())
    tried = recipe.get("C_tried")
    chosen = (
        f"C = {recipe['C']:g} was chosen of {', '.join(tried)} by "
        f"{recipe['C_chosen_by'].replace('_', ' ')} in cross-validation on the training rows alone "
        f"({', '.join(f'{score:.4f}' for score in tried.values())})."
        if tried
        else f"C = {recipe['C']:g} was given."
    )
    return "\n".join(
        [
            "---",
            yaml.safe_dump(front, sort_keys=False, allow_unicode=True) + "---",
            f"# {code(run.method)}: a probe trained on {code(run.dataset)}",
            "",
            f"Sequence classification, labels {labels}: logistic regression on the output of layer "
            f"{recipe['layer']} of a frozen model, {POOLED[recipe['pooling']]}. "
            f"Frozen model: {origin(source)}.",
            f"Learned from {run.rows} rows. {chosen}",
            "",
            f"{parameters['total']} parameters: {parameters['total'] - parameters['trained']} of the "
            f"frozen model, {parameters['trained']} trained.",
            "",
            "`classifier.npz` holds `coefficients` and `intercepts`: one row per class of the classes "
            "in `present`. `model.json` says where the frozen model is.",
            "",
            f"Executed on {code(run.execution['device_name'])} in "
            f"{run.execution['precision']} ({versions}).",
            "",
            "## Limits",
            "",
            f"Texts are cut to {max_length} tokens. The classifier knows only the labels above: it "
            "puts a neutral, mixed or off-topic text into one of them, too. Accuracy on other domains "
            "is lower than on the dataset it was trained on; measure it before relying on it. "
            "It inherits whatever biases the frozen model and the data carry.",
            "",
        ]
    )
