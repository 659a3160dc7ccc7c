"""Print the models that an experiment can name: the catalogue, config/models.yaml.

One line per model, the smallest first: parameters of the classifier, longest input in tokens,
languages of the pretraining text, the least memory that training takes (texts of 512 tokens, one
at a time), licence, and repository on the hub. Options keep the models that meet all of them.

An experiment uses them by name:

    models: [deberta-v3-base, modernbert-base, minilm-l6]

    finetone models --language zh
    finetone models --max-parameters 100M --min-length 1024
    finetone models --memory 8
    finetone models --installed
"""

import argparse
import re
from collections.abc import Iterator

from finetone.commands.clone import find
from finetone.config import catalogue
from finetone.config.catalogue import Entry
from finetone.engine.hardware import footprint, machine
from finetone.errors import UserError

TOKENS = 512  # of the text whose training the memory is for
UNITS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9}
HEAD = ("name", "parameters", "tokens", "languages", "memory", "licence", "repository")
LEFT = {"name", "languages", "licence", "repository"}
SHOWN = 3  # languages of a model that are listed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "--language", metavar="CODE", help="pretrained on this language, such as en, zh or de"
    )
    parser.add_argument("--max-parameters", metavar="N", help="at most so many, such as 110M")
    parser.add_argument(
        "--min-length", type=int, default=0, metavar="TOKENS", help="reads at least so many tokens"
    )
    parser.add_argument(
        "--memory",
        metavar="GB",
        help="can be trained in so much memory; `here` is all that this machine has",
    )
    parser.add_argument(
        "--installed",
        action="store_true",
        help="is in the hub's cache on this machine, so that no network is needed",
    )


def run(options: argparse.Namespace) -> int:
    """Print the table.

    Raises
    ------
    UserError
        An option cannot be read, or no model meets all of them.
    """
    find("config/models.yaml")
    chosen = {name: entry for name, entry in catalogue.load().items() if _meets(entry, options)}
    if options.installed:
        from finetone.models.hub_checkpoint import in_cache

        chosen = {name: entry for name, entry in chosen.items() if in_cache(entry.block)}
    if not chosen:
        raise UserError("no model of the catalogue meets all of these options; leave one out")
    print(*_lines(chosen), sep="\n")
    for name, entry in chosen.items():
        if limit := catalogue.restriction(entry.license):
            print(f"\n{name}: the licence {entry.license} {limit}; read it first.")
    return 0


def _meets(entry: Entry, options: argparse.Namespace) -> bool:
    """Whether a model meets the options that need no look at the disk."""
    language = options.language
    if language and not re.fullmatch("[a-z]{2,3}", language):
        raise UserError(f"--language {language}: give its code, such as en, zh or de")
    most = _number("--max-parameters", options.max_parameters, "such as 110M or 0.6B")
    memory: float | None = machine.memory() if options.memory == "here" else None
    if memory is None and options.memory:
        memory = 1e9 * _number("--memory", options.memory, "of GB, such as 8, or `here`")
    return (
        (not language or entry.reads(language))
        and (not options.max_parameters or entry.parameters <= most)
        and entry.max_length >= options.min_length
        and (memory is None or footprint.size_of(entry).bytes(TOKENS) <= memory)
    )


def _number(option: str, text: str | None, such_as: str) -> float:
    """A number with one of the UNITS behind it; 0 where nothing is given."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMB]?)", (text or "0").upper().removesuffix("GB"))
    if not found:
        raise UserError(f"{option} {text}: is no number; give one {such_as}")
    return float(found[1]) * UNITS[found[2]]


def _lines(entries: dict[str, Entry]) -> Iterator[str]:
    rows = [HEAD]
    for name, entry in sorted(entries.items(), key=lambda item: item[1].parameters):
        more = len(entry.languages) - SHOWN
        languages = ", ".join(entry.languages[:SHOWN]) + (f", … ({more} more)" if more > 0 else "")
        memory = footprint.size_of(entry).bytes(TOKENS) / 1e9
        block = entry.block
        repository = block["hub"]["id"] if "hub" in block else block["intermediate"]["from"]
        rows.append(
            (
                name,
                f"{entry.parameters / 1e6:.1f} M",
                f"{entry.max_length:,}",
                languages,
                f"{memory:.1f} GB",
                entry.license,
                repository if "hub" in block else f"made from {repository}",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, HEAD, strict=True)
        padded = [c.ljust(w) if title in LEFT else c.rjust(w) for c, w, title in cells]
        yield "  ".join(padded).rstrip()
