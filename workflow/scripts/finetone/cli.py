"""The command line `finetone`: running an experiment, and small tools beside the workflow."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from finetone import __version__, log
from finetone.commands import (
    audit,
    clean,
    cluster,
    fetch,
    job,
    label,
    licences,
    list_models,
    new,
    run,
    show,
)
from finetone.errors import UserError

COMMANDS = {
    "new": new,
    "run": run,
    "models": list_models,
    "show": show,
    "label": label,
    "audit": audit,
    "fetch": fetch,
    "job": job,
    "clean": clean,
    "cluster": cluster,
    "licences": licences,
}


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; what a command does is the text of its module."""
    whole = argparse.ArgumentParser(
        prog="finetone",
        description="Run experiments, which snakemake does as well, and look at them; see README.md.",
        epilog="finetone COMMAND --help explains one command.",
    )
    whole.add_argument("--version", action="version", version=f"finetone {__version__}")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        text = (module.__doc__ or "").strip()
        summary = text.splitlines()[0].rstrip(".")
        one = commands.add_parser(
            name,
            help=summary[0].lower() + summary[1:],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(one)
        one.set_defaults(run=module.run)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments
        In place of those of the command line.

    Returns
    -------
    int
        The exit status: 0, or 1 after an error, of which one sentence is printed.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115
    words = list(sys.argv[1:] if arguments is None else arguments)
    # what follows `run` is snakemake's
    rest = words[1:] if words[:1] == ["run"] and not {"-h", "--help"} & set(words) else None
    options = parser().parse_args(words if rest is None else ["run"])
    options.words = rest
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except UserError as error:
        log.on_terminal(str(error))
        return 1
    except KeyboardInterrupt:
        log.on_terminal("interrupted")
        return 130
    except BrokenPipeError:  # the reader has seen enough: finetone … | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status
