"""What the cards of fine-tuned models and of probes have in common."""

import re
from pathlib import PurePath
from typing import Any

import yaml

from finetone.config.source_keys import wheels_of
from finetone.errors import listed
from finetone.formats.model_source import ModelSource
from finetone.formats.run_record import RunRecord


def front_matter(library: str, source: ModelSource, **facts: Any) -> list[str]:
    """The lines that model hubs read.

    Parameters
    ----------
    library
        What loads the folder.
    source
        The `source` of the base model's manifest.json.
    facts
        Others, of a model whose base is on the model hub.
    """
    front: dict[str, Any] = {
        "library_name": library,
        "pipeline_tag": "text-classification",
        "tags": ["sentiment-analysis", "finetone"],
    }
    base = hub_source(source)
    if base:
        front |= {"base_model": base["id"], **facts}
    if "license" in base:  # it holds for what is made from the base model, too
        front["license"] = base["license"].lower()  # as model hubs spell their identifiers
    return ["---", yaml.safe_dump(front, sort_keys=False, allow_unicode=True) + "---"]


def labels(run: RunRecord) -> str:
    """The classes by number."""
    return listed(f"{i} = {code(name)}" for i, name in enumerate(run.labels))


def hardware(run: RunRecord) -> str:
    """Where the model was trained, in which precision, and with which versions."""
    versions = ", ".join(f"{key} {value}" for key, value in run.versions.items())
    device, precision = code(run.execution["device_name"]), run.execution["precision"]
    return f"Hardware: {device}, in {precision} ({versions})."


def limits(max_length: int) -> list[str]:
    """What whoever uses the model must know; texts are cut to `max_length` tokens."""
    return [
        "## Limits",
        "",
        f"Texts are cut to {max_length} tokens. The model knows only the labels above: it puts "
        "a neutral, mixed or off-topic text into one of them, too. Accuracy on other domains is "
        "lower than on the dataset it was trained on; measure it before relying on it. "
        "It inherits whatever biases the base model and the data carry.",
        "",
    ]


def origin(source: ModelSource) -> str:
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


def hub_source(source: ModelSource) -> ModelSource:
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
