"""Checks of the texts: cut, too few, twice, in both splits, of one class only."""

import math
from collections.abc import Iterator

from finetone.checks.check import Check
from finetone.checks.evidence import Evidence
from finetone.data.audit import rare
from finetone.numbers import share

CUT, CUT_MUCH = 0.05, 0.25  # share of the texts that were truncated
WIDE, TOO_WIDE = 0.025, 0.05  # half an interval of the best accuracy over rows alone
REPEATED, REPEATED_MUCH = 0.01, 0.10  # share of a split's texts that occur more than once
LEAKED = 0.01  # share of the test texts
Z = 1.96  # of a 95 % interval


def truncated(evidence: Evidence) -> Iterator[Check]:
    """Texts that a model saw the beginning of only."""
    shares = {
        model: meta.truncated / meta.rows for model, meta in evidence.tokens.items() if meta.rows
    }
    cut = sorted((model for model in shares if shares[model] >= CUT), key=lambda m: -shares[m])
    if cut:
        most = shares[cut[0]]
        yield Check(
            "truncated",
            "warning" if most >= CUT_MUCH else "note",
            most,
            "max_length",
            {"share": share(most), "length": str(evidence.tokens[cut[0]].max_length)},
            cut,
        )


def small_test(evidence: Evidence) -> Iterator[Check]:
    """So few test rows that accuracies are uncertain by points, whatever the number of seeds."""
    kept = evidence.rows("runs")
    if not len(kept):
        return
    best = kept[kept["kept"]].sort_values("accuracy").iloc[-1]
    rows, accuracy = int(best["n"]), float(best["accuracy"])
    half = Z * math.sqrt(max(accuracy * (1 - accuracy), 1 / rows) / rows)
    if half >= WIDE:
        yield Check(
            "small_test",
            "warning" if half >= TOO_WIDE else "note",
            rows,
            f"datasets.{evidence.source}.sample",
            {"rows": f"{rows:,}", "points": f"{100 * half:.1f}"},
        )


def leaks(evidence: Evidence) -> Iterator[Check]:
    """Test texts that are in the training split as well."""
    audit = evidence.audit()
    count = audit["leaks"]["count"] if audit else 0
    if count:
        part = count / audit["splits"]["test"]["rows"]
        yield Check(
            "leaks",
            "warning" if part >= LEAKED else "note",
            count,
            f"datasets.{evidence.source}",
            {"n": f"{count:,}", "share": share(part)},
        )


def duplicates(evidence: Evidence) -> Iterator[Check]:
    """Texts that occur more than once in a split; one check per dataset, of its worst split."""
    for audit in evidence.audits:
        parts = {
            split: facts["duplicates"]["rows"] / facts["rows"]
            for split, facts in audit["splits"].items()
            if facts["rows"]
        }
        split = max(parts, key=lambda name: parts[name], default="")
        if not split or parts[split] < REPEATED:
            continue
        found = audit["splits"][split]["duplicates"]
        name = "duplicates_conflicting" if found["conflicting_rows"] else "duplicates"
        yield Check(
            name,
            "warning" if parts[split] >= REPEATED_MUCH else "note",
            found["rows"],
            f"datasets.{audit['dataset']}",
            {
                "share": share(parts[split]),
                "split": split,
                "conflicting": f"{found['conflicting_rows']:,}",
            },
            dataset=audit["dataset"],
        )


def imbalance(evidence: Evidence) -> Iterator[Check]:
    """A class with so few test rows that the accuracy hardly depends on it."""
    audit = evidence.audit()
    if not audit or evidence.metric != "accuracy":
        return
    facts = audit["splits"].get("test", {"labels": {}, "rows": 0})
    for label in rare(facts["labels"])[:1]:
        count = facts["labels"][label]
        yield Check(
            "imbalance",
            "warning",
            count,
            "compare.metric",
            {"label": label, "n": f"{count:,}", "rows": f"{facts['rows']:,}"},
        )
