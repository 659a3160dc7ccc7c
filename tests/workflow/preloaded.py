"""What Snakemake and its jobs import, imported once: see tests/workflow/processes.py."""

import contextlib
import os
import pkgutil
import re
import sys
from importlib import import_module

from tests import LIBRARY, ROOT

sys.path.insert(0, str(LIBRARY))

from finetone.log import QUIET

os.environ.update({"OMP_NUM_THREADS": "1"} | QUIET)  # read when libraries are imported

names = [
    name
    for file in (ROOT / "workflow/scripts").glob("*.py")
    for name in re.findall(r"^from (finetone[\w.]*) import", file.read_text(), re.M)
]
for package in ("finetone.tables", "finetone.plots"):  # scripts choose among their modules
    found = pkgutil.iter_modules(import_module(package).__path__, f"{package}.")
    names += [module.name for module in found]
names += ["matplotlib.backends.backend_svg", "snakemake.report", "tests.workflow.processes"]
names += [f"transformers.models.{name}" for name in ("auto.modeling_auto", "bert.modeling_bert")]
for name in names:
    with contextlib.suppress(ImportError):  # of what only some install
        import_module(name)
