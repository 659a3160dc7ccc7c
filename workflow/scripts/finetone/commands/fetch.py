"""Fetch everything that an experiment needs from the network, and run nothing else.

Runs snakemake's rule `fetch`: wheels, datasets, models and questions. What is there already is
not fetched again. Afterwards snakemake runs the experiment without the network.

    finetone fetch --configfile config/demo.yaml
"""

import argparse
import os
import sys

from finetone.commands import clone


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    clone.add_arguments(parser)
    parser.add_argument("-n", "--dry-run", action="store_true", help="say what would be fetched")


def command(options: argparse.Namespace) -> list[str]:
    """The call of snakemake.

    Raises
    ------
    UserError
        A file that was given does not exist.
    """
    clone.check(options)
    call = [sys.executable, "-m", "snakemake", "--snakefile", str(options.snakefile)]
    call += ["--cores", str(options.cores), *["--dry-run"] * options.dry_run]
    call += ["--configfile", *map(str, options.configfile)] if options.configfile else []
    return [*call, "--", "fetch"]


def run(options: argparse.Namespace) -> int:
    """Replace this process by snakemake, which then handles signals and sets the exit status."""
    call = command(options)
    sys.stdout.flush()
    os.execv(call[0], call)
