"""The files of a clone that commands work on, and the options that choose an experiment."""

import argparse
from pathlib import Path

from finetone.errors import UserError

HERE = Path(__file__).resolve().parents[4]  # of this library, unless it was installed from a wheel


def find(name: str) -> Path:
    """`name` in the current folder, as Snakemake looks for it, or in the clone of this library.

    Raises
    ------
    UserError
        It is in neither.
    """
    for folder in (Path(), HERE):
        if (folder / name).is_file():
            return folder / name
    raise UserError(f"{name}: not in {Path.cwd()}; call finetone in a clone of the repository")


def check_library(snakefile: Path, command: str) -> None:
    """Check that a clone's Snakefile would run with this copy of the library.

    Raises
    ------
    UserError
        The clone has a copy of its own: two versions would be mixed.
    """
    library = Path(snakefile).resolve().parent / "workflow/scripts"
    if (library / "finetone").is_dir() and library != HERE / "workflow/scripts":
        raise UserError(
            f"--snakefile {snakefile}: this command is of another copy of finetone; call "
            f"PYTHONPATH={library} python -m finetone {command} …"
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add options that have the same meaning as in snakemake."""
    parser.add_argument(
        "--configfile",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="the experiment, later files win (default: config/config.yaml)",
    )
    parser.add_argument(
        "--snakefile", type=Path, metavar="FILE", help="default: the Snakefile of this clone"
    )
    parser.add_argument("--cores", type=int, default=1, metavar="N", help="default: %(default)s")


def check(options: argparse.Namespace) -> None:
    """Fill in the Snakefile.

    Raises
    ------
    UserError
        A file that was given does not exist, or there is no Snakefile.
    """
    options.snakefile = options.snakefile or find("Snakefile")
    for option, files in (
        ("--snakefile", [options.snakefile]),
        ("--configfile", options.configfile),
    ):
        for file in files:
            if not file.is_file():
                raise UserError(f"{option} {file}: no such file")
    if options.cores < 1:
        raise UserError(f"--cores {options.cores}: give at least 1")
