"""The configuration file of a proposal: short, commented, and every choice reversible."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from finetone.proposal.choosing import HIGHER_RATE
from finetone.proposal.cost import minutes
from finetone.proposal.decisions import COVERED, Proposal
from finetone.proposal.looking.languages import named
from finetone.proposal.yaml_text import block, comment, entry, noted, scalar

WHOLE = re.compile(r"0|-?[1-9][0-9]{0,14}")  # as a class name, the same without quotes


def document(proposal: Proposal, name: str, command: str, schema: Mapping[str, Any]) -> str:
    """The text of the file.

    Parameters
    ----------
    proposal
        What to write.
    name
        Of the experiment.
    command
        That runs it.
    schema
        Of configurations.
    """
    p = proposal
    lines = comment(
        f"Which model for {p.tables[0].path.name}? Written by `finetone new`; change what you like "
        "(config/README.md has all keys), then:"
    )
    lines += [f"#   {command}"]
    lines += entry("experiment", name)
    lines += entry("seeds", list(range(1, p.choice.seeds + 1)), _seeds(p))
    lines += entry("source", name)
    lines += entry("max_length", p.max_length, _lengths(p))
    lines += ["", *_recipe(p, schema), "", "datasets:", f"  {scalar(name)}:", *_dataset(p)]
    lines += ["", *_models(p), "", *_baselines(p)]
    if p.uneven:
        note = "as the classes differ in size, the accuracy depends on the large ones alone"
        lines += ["", "compare:", *entry("metric", "macro_f1", note, 2)]
    if p.languages == ["zh"]:
        lines += ["", "# report: {language: zh}"]
    return "\n".join(lines) + "\n"


def _seeds(p: Proposal) -> str:
    if p.choice.seeds == 1:
        return "one, for time is short; two or more show how much is chance"
    return "a training each, to see how much of a difference is chance"


def _lengths(p: Proposal) -> str:
    longest = p.found.quantile(COVERED)
    cut = p.found.longer(p.max_length)
    if longest > p.max_length:
        return f"tokens; {cut:.0%} of the texts are longer (by our estimate) and are cut"
    return f"tokens; {COVERED:.0%} of the texts have about {longest} at most"


def _recipe(p: Proposal, schema: Mapping[str, Any]) -> Iterator[str]:
    notes = {
        "epochs": "the fewer the rows, the more often they are read",
        "learning_rate": "rises during a tenth of the steps, then falls evenly to 0",
        "choose_epoch": "by a tenth of the rows, so that the test rows choose nothing",
    }
    if p.choice.recipe["epochs"] == 3:
        del notes["epochs"]
    yield "recipe:"
    for key, value in p.choice.recipe.items():
        yield from entry(key, value, notes.get(key, ""), 2)
    if p.uneven:
        known = schema.get("$defs", {}).get("recipe", {}).get("properties", {})
        if "class_weights" in known:
            note = "rare classes count as much as frequent ones; or none"
            yield from entry("class_weights", "balanced", note, 2)


def _dataset(p: Proposal) -> Iterator[str]:
    classes, split = p.classes, p.splitting
    yield from entry("file", _files(p), "", 4)
    for key in ("separator", "encoding"):
        if key in p.read_as:
            yield from entry(key, p.read_as[key], "", 4)
    others = [name for name in p.roles.other_texts if name != p.label]
    also = f"or {', '.join(map(repr, others[:2]))}" if others else ""
    yield from entry("text", p.roles.text, also, 4)
    yield from entry("label", p.label, "", 4)
    labels = [int(name) if WHOLE.fullmatch(name) else name for name in classes.labels]
    yield from entry("labels", labels, classes.notes.get("labels", ""), 4)
    if classes.threshold is not None:
        threshold = classes.threshold
        middle = int(threshold) if threshold == int(threshold) else threshold
        yield from entry("threshold", middle, classes.notes["threshold"], 4)
    if classes.label_values:
        note = classes.notes.get("label_values", "")
        yield from entry("label_values", classes.label_values, note, 4)
    where = dict(split.where)
    notes = [note for note in (split.notes.get("where"), classes.notes.get("where")) if note]
    if classes.keep:
        where[p.label] = classes.keep
    elif classes.missing:
        yield from entry("missing_labels", "drop", classes.notes["missing_labels"], 4)
    if where:
        yield from entry("where", where, "; ".join(notes), 4)
    if split.splits:
        yield from entry("splits", split.splits, split.notes.get("splits", ""), 4)
    if split.split:
        yield from entry("split", split.split, split.notes.get("split", ""), 4)
    if p.choice.sample:
        note = f"as many as {p.options.minutes:g} minutes are enough for; without this line, all"
        yield from entry("sample", p.choice.sample, note, 4)


def _files(p: Proposal) -> Any:
    if p.splitting.files:
        return {
            ours: _several([str(t.path) for t in p.tables if t.split == theirs])
            for ours, theirs in p.splitting.files.items()
        }
    return _several([str(table.path) for table in p.tables])


def _several(paths: list[str]) -> Any:
    return paths[0] if len(paths) == 1 else paths


def _models(p: Proposal) -> Iterator[str]:
    yield "models:"
    yield from comment(f"for {named(p.languages)}; `finetone models` lists others", 2)
    for model, seconds in sorted(p.choice.models, key=lambda each: each[0].parameters or 0):
        note, content = f"about {minutes(seconds)} here", dict(model.block)
        if model.small and p.choice.recipe["learning_rate"] != HIGHER_RATE:
            content["recipe"] = {"learning_rate": HIGHER_RATE}
            note += "; small models learn at a higher rate"
        if content:
            yield from block(f"- {scalar(model.name)}", content, note, 2)
        else:
            yield from noted(f"  - {scalar(model.name)}", note, 2)


def _baselines(p: Proposal) -> Iterator[str]:
    yield "baselines:                # methods without pretraining, of seconds each"
    yield "  majority: {kind: majority}"
    if p.classes.are_sentiment and p.languages == ["en"]:
        yield "  lexicon: {kind: lexicon}"
    yield "  tfidf: {kind: tfidf}"
