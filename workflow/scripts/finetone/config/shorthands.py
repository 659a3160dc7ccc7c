"""Keys that stand for entries under `baselines`: `probe` and `ensemble`, each of several models."""

from collections.abc import Iterator
from typing import Any

SHORTHANDS = {"probe": "model", "ensemble": "of"}  # key and kind: what an entry calls its model


def in_full(config: dict[str, Any]) -> dict[str, Any]:
    """An experiment with an entry for every method that a shorthand stands for, before the others.

    The user's own entry of that name changes it, or takes it away with null. What is not as the
    schema has it is left for that to refuse.

    Parameters
    ----------
    config
        The experiment, with its models written in full.
    """
    models, own = config.get("models"), config.get("baselines") or {}
    if not isinstance(models, dict) or not isinstance(own, dict):
        return config
    entries: dict[Any, Any] = {}
    for kind, key in SHORTHANDS.items():
        for model in named(config.get(kind), models):
            block = models.get(model)
            title = block.get("title", model) if isinstance(block, dict) else model
            entry = {name: value for name, value in config[kind].items() if name != "models"}
            entry |= {"kind": kind, key: model, "title": f"{title} ({kind})"}
            given = own.get(f"{model}-{kind}", {})
            entries[f"{model}-{kind}"] = entry | given if isinstance(given, dict) else given
    others = {name: block for name, block in own.items() if name not in entries}
    kept = {name: entry for name, entry in entries.items() if entry is not None}
    return {**config, "baselines": kept | others} if entries else config


def named(settings: Any, models: dict[Any, Any]) -> Iterator[str]:
    """The models that a shorthand names; `all` are those with pretrained weights."""
    given = settings.get("models") if isinstance(settings, dict) else None
    if given == "all":
        blocks = ((name, block) for name, block in models.items() if isinstance(block, dict))
        yield from (name for name, block in blocks if "scratch" not in block)
    elif isinstance(given, list):
        yield from (name for name in given if isinstance(name, str))


def without(config: dict[str, Any]) -> dict[str, Any]:
    """A checked experiment without the shorthands, whose entries say it all."""
    return {key: value for key, value in config.items() if key not in SHORTHANDS}
