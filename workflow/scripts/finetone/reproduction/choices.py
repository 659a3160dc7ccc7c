"""Every choice of a configuration that decides results, beside what a publication states of it."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from finetone.config.source_keys import wheels_of
from finetone.identity import without
from finetone.tuning.grid import Tuning

Choices = dict[str, Any]
"""{key: value}; one key `models.*.<key>` for all models, whose value is {model: value}."""

OF_DATASET = ("hub", "file", "wheel", "splits", "sample", "split", "where", "threshold")
OF_MODEL = ("hub", "path", "wheel", "scratch", "keep_layers", "intermediate", "recipe", "tune")
NOT_OF_BASELINE = ("kind", "title", "colour", "group")
OWN = "own files"
TUNED = "tuned"  # in place of a value that is not the one that models were trained with
SHORT = 7  # characters of a commit
COLUMNS = ["key", "status", "stated", "here", "reason", "reason_zh"]


def choices(config: Mapping[str, Any]) -> Choices:
    """All choices of a checked configuration: data, models, recipe, engine and baselines.

    Titles, resources and how results are compared are none: no prediction depends on them.
    """
    found: Choices = {"seeds": len(config["seeds"]), "max_length": config["max_length"]}
    tuning, tried = Tuning(config), config.get("tune", {})
    given = {key: TUNED if key in tried else value for key, value in config["recipe"].items()}
    found |= dict(_leaves("recipe", given))
    found |= dict(_leaves("tune", tried))
    found |= dict(_leaves("engine", config["engine"]))
    for name in (config["source"], *config["transfer"]):
        block = config["datasets"][name]
        found |= dict(_leaves(f"datasets.{name}", {k: block[k] for k in OF_DATASET if k in block}))
    for model, block in config["models"].items():
        own = {key: block[key] for key in OF_MODEL if key in block}
        if "intermediate" in own:
            own["intermediate"] = _together(own["intermediate"])
        own["recipe"] = without(own.get("recipe", {}), *tuning.keys(model))
        for key, value in _leaves("models.*", own):
            found.setdefault(key, {})[model] = value
    for name, block in config["baselines"].items():
        own = without(block, *NOT_OF_BASELINE, *tuning.keys(name))
        if own:
            found[f"baselines.{name}"] = _together(own)
    return found


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Keys with their values; a repository, a wheel or files of the user's are one value."""
    if isinstance(value, Mapping) and "id" in value and "revision" in value:
        yield key, f"{value['id']} ({str(value['revision'])[:SHORT]})"
    elif key.endswith(".wheel"):
        yield key, ", ".join(wheel["requirement"] for wheel in wheels_of({"wheel": value}))
    elif key.endswith((".file", ".path")):
        yield key, OWN  # whose content decides, not its name
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(f"{key}.{name}", inner)
    else:
        yield key, value


def _together(block: Mapping[str, Any]) -> str:
    """Several settings as one choice."""
    given = {key: value for key, value in _leaves("", block) if value is not None}
    return ", ".join(f"{key.removeprefix('.')} {_text(value)}" for key, value in given.items())


def deviations(
    known: Choices,
    states: Mapping[str, Any],
    why: Mapping[str, Mapping[str, str]],
    notes: Mapping[str, tuple[str, Mapping[str, str]]],
) -> pd.DataFrame:
    """What differs from the publication, and what it does not state, one row per choice.

    Parameters
    ----------
    known
        From `choices`.
    states
        {key: the value that is stated}.
    why
        {key: a reason per language}.
    notes
        {part of a table: (what it is taken for, a note per language)}.

    Returns
    -------
    DataFrame
        `key`, `status` (`differs`, `not stated`, `as stated`, in this order), `stated`, `here`,
        `reason`, `reason_zh`.
    """
    rows = []
    for key, value in known.items():
        reason = why.get(key, {})
        status = "not stated"
        if key in states:
            status = "as stated" if states[key] == value else "differs"
        rows.append(
            {
                "key": key,
                "status": status,
                "stated": _text(states[key]) if key in states else "",
                "here": _text(value),
                "reason": reason.get("en", ""),
                "reason_zh": reason.get("zh", ""),
            }
        )
    for part, (taken, note) in notes.items():
        said = {"reason": note.get("en", ""), "reason_zh": note.get("zh", "")}
        rows.append({"key": part, "status": "not stated", "stated": "", "here": taken} | said)
    table = pd.DataFrame(rows, columns=COLUMNS)
    order = table["status"].map({"differs": 0, "not stated": 1, "as stated": 2})
    return table.loc[order.sort_values(kind="stable").index].reset_index(drop=True)


def _text(value: Any) -> str:
    """A value as it is written in a configuration; of models, each value after those that have it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if not isinstance(value, Mapping):
        return f"{value:g}" if isinstance(value, float) else str(value)
    by_value: dict[str, list[str]] = {}
    for name, each in value.items():
        by_value.setdefault(_text(each), []).append(name)
    return "; ".join(f"{', '.join(names)}: {text}" for text, names in by_value.items())
