"""Run Snakemake as a user does, and read what it would do."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from tests import ROOT
from tests.workflow import processes


def snakemake(
    directory: Path,
    *arguments: str,
    config: dict | None = None,
    root: Path = ROOT,
    timeout: int = 900,
    umask: int = -1,
    before: Callable[[], object] | None = None,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """The finished call of `snakemake` in `directory`; `config` is written there first, and
    `before` is called in the process, to limit it.

    With another `environment`, workflow or limits it is a process that is started as by a user.
    """
    if config is not None:
        (directory / "experiment.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    options = ["-s", str(root / "Snakefile"), "--directory", str(directory), "--cores", "2"]
    if "--configfile" not in arguments:
        options += ["--configfile", str(directory / "experiment.yaml")]
    options += arguments
    around = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200", **environment}
    if not environment and root == ROOT and not before:
        return processes.snakemake(options, directory, around, timeout, umask)
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *options], cwd=directory, env=around, text=True,
        capture_output=True, timeout=timeout, preexec_fn=before, umask=umask,
    )  # fmt: skip


def without_power(owning: bool = False) -> None:
    """Root may write and enter anywhere; the program that is executed after this may not (Linux).

    With `owning`, it may not treat files of others as their owner, either.
    """
    PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER = 24, 1, 2, 3
    dropped = [CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, *([CAP_FOWNER] if owning else [])]
    for capability in dropped if os.geteuid() == 0 else ():
        if ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
            raise OSError(f"capability {capability} cannot be dropped")
