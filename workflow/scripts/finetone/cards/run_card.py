"""The model card of a kept checkpoint: how it was made, and its limits."""

import re
from pathlib import PurePath
from typing import Any

import yaml

from finetone.config.source_keys import wheels_of
from finetone.errors import listed
from finetone.formats.run_record import RunRecord


def card(run: RunRecord, *, source: dict[str, Any], max_length: int) -> str:
    """Write the model card (Markdown) of a checkpoint.

    Names that users choose are inline code, so that none of them is read as markup.

    Parameters
    ----------
    run
        Record of the run.
    source
        The `source` of the base model's manifest.json; empty if there is none.
    max_length
        Number of tokens that texts are cut to.
    """
    front: dict[str, Any] = {
        "library_name": "transformers",
        "pipeline_tag": "text-classification",
        "tags": ["sentiment-analysis", "finetone"],
    }
    base = hub_source(source)
    if base:
        front["base_model"] = base["id"]
        front["base_model_relation"] = "finetune"
    if "license" in base:  # a fine-tuned model keeps the licence of its base model
        front["license"] = base["license"].lower()  # as model hubs spell their identifiers
    labels = listed(f"{i} = {code(name)}" for i, name in enumerate(run.labels))
    recipe = "\n".join(f"| {key} | {value} |" for key, value in run.recipe.items())
    versions = ", ".join(f"{key} {value}" for key, value in run.versions.items())
    dev = run.dev_scores
    chosen = (
        f"Epoch {run.kept_epoch} of {run.epochs} was kept because it is best on the dev split "
        f"({run.recipe.get('choose_by', 'accuracy').replace('_', ' ')} per epoch: {', '.join(f'{value:.4f}' for value in dev)})."
        if dev and run.recipe["choose_epoch"] == "dev"
        else f"The last of {run.epochs} epochs was kept."
    )
    dataset = code(run.dataset) if run.dataset else "a labelled dataset"
    return "\n".join(
        [
            "---",
            yaml.safe_dump(front, sort_keys=False, allow_unicode=True) + "---",
            f"# {code(run.method)} fine-tuned on {dataset}",
            "",
            f"Sequence classification, labels {labels}. Base model: {origin(source)}. "
            f"Seed {run.seed}.",
            f"Learned from {run.rows} rows in {run.steps} steps. {chosen}",
            "",
            "| recipe | |",
            "|---|---|",
            recipe,
            "",
            f"Executed on {code(run.execution['device_name'])} in "
            f"{run.execution['precision']} ({versions}).",
            "",
            "## Limits",
            "",
            f"Texts are cut to {max_length} tokens. The model knows only the labels above: it puts "
            "a neutral, mixed or off-topic text into one of them, too. Accuracy on other domains is "
            "lower than on the dataset it was tuned on; measure it before relying on it. "
            "It inherits whatever biases the base model and the data carry.",
            "",
        ]
    )


def origin(source: dict[str, Any]) -> str:
    """Describe (in Markdown) where the base model is from; a local folder by its name alone.

    Parameters
    ----------
    source
        The `source` of its manifest.json.
    """
    match source:
        case {"kind": "hub", "id": name, "revision": revision}:
            return f"{code(name)}, revision {code(revision)}"
        case {"kind": "wheel"}:
            packages = [code(wheel["requirement"]) for wheel in wheels_of({"wheel": source})]
            kind = "package" if len(packages) == 1 else "packages"
            return f"from the Python {kind} {', '.join(packages)}"
        case {"kind": "path", "path": path}:
            return f"a local folder, {code(PurePath(path).name)}"
        case {"kind": "scratch", "like": name}:
            return f"none, random weights in the architecture of {code(name)}"
        case {"kind": "intermediate", "base": base}:
            return f"{origin(base)}, fine-tuned on another task first"
    return "not recorded"


def hub_source(source: dict[str, Any]) -> dict[str, Any]:
    """The base model's `source` if it is on the model hub, else empty.

    Parameters
    ----------
    source
        The `source` of its manifest.json.
    """
    if source.get("kind") == "intermediate":
        return hub_source(source["base"])
    return source if source.get("kind") == "hub" else {}


def code(text: str) -> str:
    """Format `text` as inline code on one line, whatever backticks or tags it contains."""
    text = " ".join(text.split())
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    pad = " " if not text or "`" in (text[0], text[-1]) else ""
    return f"{fence}{pad}{text}{pad}{fence}"
