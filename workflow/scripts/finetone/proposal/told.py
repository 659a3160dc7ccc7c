"""What the terminal says of a proposal: what was seen, what was decided and why, what it costs."""

from collections.abc import Iterator
from pathlib import Path

from finetone.errors import listed
from finetone.proposal.cost import minutes
from finetone.proposal.decisions import COVERED, Proposal
from finetone.proposal.looking import inputs
from finetone.proposal.looking.class_keys import in_words
from finetone.proposal.looking.languages import named

SEPARATORS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
SHOWN = 6  # classes


def told(proposal: Proposal, output: Path, command: str) -> Iterator[str]:
    """The lines to print.

    Parameters
    ----------
    proposal
        What was written.
    output
        Where.
    command
        That runs it.
    """
    p = proposal
    yield _clean(f"{inputs.shown(p.tables)}: {p.found.rows:,} rows{_read_as(p)}")
    for key, said in _facts(p):
        yield _clean(f"  {key:<10} {said}")
    yield ""
    yield from _costs(p)
    for note in p.notes:
        yield _clean(f"  note: {note}")
    yield ""
    yield f"wrote {output}; read it, change what you like, then:"
    yield f"  {command}"


def _facts(p: Proposal) -> Iterator[tuple[str, str]]:
    classes, found = p.classes, p.found
    others = [name for name in p.roles.other_texts if name != p.label]
    also = f" (or {listed(map(repr, others), 2)}: --text)" if others else ""
    yield "text", f"{p.roles.text!r}, {named(p.languages)}{also}"
    labels = [name for name in p.roles.labels if name != p.label]
    also = f" (or {listed(map(repr, labels), 2)}: --label)" if labels else ""
    rows = [f"{name} {count:,}" for name, count in p.rows.items()]
    yield "label", f"{p.label!r}: {listed(rows, SHOWN)}{also}"
    for key in ("threshold", "labels", "where"):
        if key in classes.notes:
            yield "", f"{key}: {classes.notes[key]}"
    if classes.label_values and "label_values" in classes.notes:
        mapped = ", ".join(list(classes.label_values)[:3])
        yield "", f"mapped to these: {mapped} ({classes.notes['label_values']})"
    yield "length", _length(p)
    yield "rows for", _splits(p)
    left = [(found.empty, "without text"), (classes.missing, "without label")]
    if said := [f"{count:,} {what}" for count, what in left if count]:
        yield "left out", ", ".join(said)
    repeated, contradictory = p.repeated
    if repeated:
        odd = f"; {in_words(contradictory)} have one text and other labels" if contradictory else ""
        yield "repeated", f"{in_words(repeated)} with a text that stood before{odd}"
    if p.shared[0]:
        yield "leaks", f"{p.shared[0]:,} of {p.shared[1]:,} rows to test on are in train as well"
    if p.unlabelled:
        yield "no labels", f"{inputs.shown(p.unlabelled)}: left for later"
    if p.uneven:
        yield "metric", "macro_f1, for the classes differ in size"


def _length(p: Proposal) -> str:
    longest, cut = p.found.quantile(COVERED), p.found.longer(p.max_length)
    said = f"{COVERED:.0%} of the texts have about {longest} tokens at most"
    more = f"; {cut:.0%} are cut" if cut >= 0.005 else ""
    return f"{said}: max_length {p.max_length}{more}"


def _splits(p: Proposal) -> str:
    split, sample = p.splitting, p.choice.sample
    rows = {**split.rows, **sample}
    if folds := split.split.get("folds"):
        return f"{rows['train']:,} in {folds} folds: {split.notes['split']}"
    said = ", ".join(f"{name} {count:,}" for name, count in rows.items())
    whence = "as the files say" if split.files else ""
    if "column" in split.split:
        whence = f"as {split.split['column']!r} says"
    if sample:
        whence = f"a sample, for all take longer than {p.options.minutes:g} minutes"
    notes = [note for note in (whence, split.notes.get("split", "")) if note]
    return "; ".join([said, *notes])


def _costs(p: Proposal) -> Iterator[str]:
    choice = p.choice
    trainings = choice.seeds * p.splitting.split.get("folds", 1)
    yield _clean(
        f"about {minutes(choice.total)} on {p.options.cores} cores ({choice.machine.device}):"
    )
    width = max([len(model.name) for model, _ in choice.models] + [len("everything else")])
    for model, seconds in choice.models:
        size = f"{model.parameters / 1e6:6.1f} M parameters" if model.parameters else ""
        times = f"{trainings} trainings" if trainings > 1 else "one training"
        yield f"  {model.name:<{width}}  {minutes(seconds):>8}  {times}  {size}".rstrip()
    yield f"  {'everything else':<{width}}  {minutes(choice.overhead):>8}"
    if choice.machine.busy:
        yield "  (other programs kept this machine busy; so busy, it takes longer)"
    if not choice.in_time:
        yield f"  longer than the {p.options.minutes:g} minutes asked for: no less makes sense"


def _read_as(p: Proposal) -> str:
    read = p.tables[0].table.read_as
    words = [SEPARATORS.get(read.get("separator", ""), ""), read.get("encoding", "")]
    return "".join(f", {word}" for word in words if word)


def _clean(text: str) -> str:
    """Text of the user's on one line."""
    return "".join(c if c.isprintable() else "?" for c in text).rstrip()
