"""What to check before a result is believed, found in the tables and records of an experiment.

    for check in find(Evidence.of_folder(Path("results/demo"))):
        print(check.sentence("en", Style()))

Each check is a small function from the evidence to what it has found: nothing where all is well.
"""

from finetone.checks.check import Check
from finetone.checks.data_checks import duplicates, imbalance, leaks, small_test, truncated
from finetone.checks.evidence import TABLES, Evidence
from finetone.checks.training_checks import (
    collapsed,
    disturbed,
    one_seed,
    overconfident,
    random_layers,
    still_rising,
)

__all__ = ["CHECKS", "TABLES", "Check", "Evidence", "find"]

CHECKS = (
    one_seed,
    collapsed,
    still_rising,
    overconfident,
    truncated,
    leaks,
    imbalance,
    small_test,
    duplicates,
    random_layers,
    disturbed,
)


def find(evidence: Evidence) -> list[Check]:
    """All checks that apply, warnings before notes."""
    found = [check for examine in CHECKS for check in examine(evidence)]
    return sorted(found, key=lambda check: check.level != "warning")
