"""Print what an experiment came to, as at the end of `finetone run`.

Which method to take and how sure that is, what to check first, each method's score with its
interval, where the page is, and the space on disk.

    finetone show results/demo
"""

import argparse
import shutil
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="results of an experiment: results/<experiment>"
    )


def run(options: argparse.Namespace) -> int:
    """Print it.

    Raises
    ------
    UserError
        The folder has no results, or a table was altered.
    """
    show(options.folder)
    return 0


def show(folder: Path) -> None:
    """Print the ending of the experiment in `folder`."""
    from finetone.terminal import ending

    width = min(max(shutil.get_terminal_size((100, 24)).columns, 60), 120)
    print("\n".join(["", *ending.lines(folder, width)]))
