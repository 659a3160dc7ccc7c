"""The files of a clone that commands work on, and the options that choose an experiment."""

import argparse
from pathlib import Path

from finetone.config.values import load
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


def check_file(option: str, file: Path) -> None:
    """Check that a file which was named is one.

    Raises
    ------
    UserError
        It is not there, or a folder.
    """
    if not file.is_file():
        what = "is a folder; name a file" if file.is_dir() else "no such file"
        raise UserError(f"{option} {file}: {what}")


def check_configuration(option: str, file: Path) -> None:
    """Check what Snakemake refuses without naming the file.

    Raises
    ------
    UserError
        It is no file, or holds something else than keys.
    """
    check_file(option, file)
    if not isinstance(load(file), dict):
        raise UserError(
            f"{option} {file}: holds no keys such as `experiment: …`; see config/README.md"
        )


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


def add_arguments(parser: argparse.ArgumentParser, *, cores: bool = True) -> None:
    """Add options that have the same meaning as in snakemake.

    Parameters
    ----------
    parser
        Of the command.
    cores
        Whether the number of cores makes a difference to it.
    """
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
    parser.set_defaults(cores=1)
    if cores:
        parser.add_argument("--cores", type=int, metavar="N", help="default: %(default)s")


def check(options: argparse.Namespace) -> None:
    """Fill in the Snakefile.

    Raises
    ------
    UserError
        A file that was given does not exist or cannot be read, or there is no Snakefile.
    """
    options.snakefile = options.snakefile or find("Snakefile")
    check_file("--snakefile", options.snakefile)
    for file in options.configfile:
        check_configuration("--configfile", file)
    if options.cores < 1:
        raise UserError(f"--cores {options.cores}: give at least 1")
