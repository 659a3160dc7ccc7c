"""One module per table, named as the rule that makes it: `table(…)` from files to a DataFrame.

Those about differences between methods, about single examples, and about probabilities are in
packages of their own.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

from finetone.formats.csv_table import write_csv

PREFIX = f"{__name__}."


def write_table(name: str, targets: Sequence[Path], **given: Any) -> None:
    """Make the table of module `name` and write it, whole or not at all.

    Parameters
    ----------
    name
        module of this package or one below, as `main_table`
    targets
        the CSV files; more than one where a module makes several tables at once
    given
        what the module's `table` asks for: paths and settings. The same ones give the same bytes.
    """
    modules = {info.name.rpartition(".")[2]: info.name for info in walk_packages(__path__, PREFIX)}
    found = import_module(modules[name]).table(**given)
    frames = found if isinstance(found, tuple) else (found,)
    for frame, target in zip(frames, targets, strict=True):
        write_csv(frame, target)
