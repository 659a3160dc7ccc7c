"""The benchmark of docs/reruns.md runs; how long it takes says nothing here."""

import subprocess
import sys

from tests import ROOT


def test_all_records_of_a_small_experiment_are_current() -> None:
    command = [sys.executable, str(ROOT / "benchmarks/reruns.py"), "--models", "3", "--rounds", "1"]
    done = subprocess.run(command, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert "3 models,    41 records" in done.stdout, done.stdout
