"""The benchmark of all tables runs; how long it takes says nothing here."""

import subprocess
import sys

from tests import ROOT


def test_all_tables_of_a_small_experiment_are_made() -> None:
    size = ["--methods", "3", "--rows", "200", "--seeds", "2", "--no-growth"]
    command = [sys.executable, str(ROOT / "benchmarks/compare.py"), *size]
    done = subprocess.run(command, text=True, capture_output=True)
    assert "peak MiB" in done.stdout, done.stderr
