"""The model card of a kept checkpoint: what it is, how it was made, what it is not for."""

import json
from typing import Any


def card(run: dict[str, Any], *, base: str, license: str | None, max_length: int) -> str:
    """Markdown for a checkpoint's README.md from the content of its run.json."""
    front = ["---", "library_name: transformers", "pipeline_tag: text-classification"]
    if license:
        front.append(f"license: {json.dumps(license)}")
    front += ["tags: [sentiment-analysis, finetone]", "---"]
    labels = ", ".join(f"{i} = {name}" for i, name in enumerate(run["labels"]))
    recipe = "\n".join(f"| {key} | {value} |" for key, value in run["recipe"].items())
    versions = ", ".join(f"{key} {value}" for key, value in run["versions"].items())
    dev = run["dev_accuracy"]
    chosen = (
        f"Epoch {run['kept_epoch']} of {run['epochs']} was kept because it is best on the dev split "
        f"(accuracy per epoch: {', '.join(f'{value:.4f}' for value in dev)})."
        if dev and run["recipe"]["choose_epoch"] == "dev"
        else f"The last of {run['epochs']} epochs was kept."
    )
    return "\n".join(
        [
            *front,
            f"# {run['method']} fine-tuned on {run['dataset'] or 'a labelled dataset'}",
            "",
            f"Sequence classification, labels {labels}. Base model: {base}. Seed {run['seed']}.",
            f"Learned from {run['rows']} rows in {run['steps']} steps. {chosen}",
            "",
            "| recipe | |",
            "|---|---|",
            recipe,
            "",
            f"Executed on {run['execution']['device_name']} in {run['execution']['precision']} "
            f"({versions}).",
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
