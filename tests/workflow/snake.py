"""Run Snakemake as a user does, and read what it would do."""

import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from tests import ROOT


def snakemake(
    directory: Path,
    *arguments: str,
    config: dict | None = None,
    root: Path = ROOT,
    timeout: int = 900,
    before: Callable[[], object] | None = None,
    **environment,
):
    """The finished process of `snakemake` in `directory`; `config` is written there first, and
    `before` is called in the process, to limit it."""
    if config is not None:
        (directory / "experiment.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    command = [sys.executable, "-m", "snakemake", "-s", str(root / "Snakefile")]
    command += ["--directory", str(directory), "--cores", "2"]
    if "--configfile" not in arguments:
        command += ["--configfile", str(directory / "experiment.yaml")]
    command += arguments
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200", **environment}
    return subprocess.run(
        command, cwd=directory, env=environment, text=True, capture_output=True, timeout=timeout,
        preexec_fn=before,
    )  # fmt: skip


def scheduled(
    directory: Path, *targets: str, config: dict | None = None, root: Path = ROOT
) -> dict[str, int]:
    """How many jobs of each rule a dry run would start."""
    done = snakemake(
        directory, "--dry-run", "--quiet", "rules", "--", *targets, config=config, root=root
    )
    assert done.returncode == 0, done.stdout + done.stderr
    output = done.stdout + done.stderr
    if "Nothing to be done" in output:
        return {}
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", output, re.M))
    assert jobs, output
    return {rule: int(n) for rule, n in jobs.items() if rule not in ("total", "all")}


def without_power(owning: bool = False) -> None:
    """Root may write and enter anywhere; the program that is executed after this may not (Linux).

    With `owning`, it may not treat files of others as their owner, either.
    """
    PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER = 24, 1, 2, 3
    dropped = [CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, *([CAP_FOWNER] if owning else [])]
    for capability in dropped if os.geteuid() == 0 else ():
        if ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
            raise OSError(f"capability {capability} cannot be dropped")
