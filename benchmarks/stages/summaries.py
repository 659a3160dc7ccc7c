"""What the rows of a stage say together; nothing heavy is imported here."""

from collections.abc import Callable
from typing import Any

Rows = list[dict[str, Any]]


def failures(rows: Rows) -> list[str]:
    return sorted({str(row.get("item")) for row in rows if "traceback" in row})


def equality(rows: Rows) -> dict[str, Any]:
    """How many architectures are right, which are not, and which failed."""
    checked = [row for row in rows if "ok" in row]
    return {
        "right": sum(row["ok"] for row in checked),
        "wrong": {row["item"]: row["wrong"] for row in checked if not row["ok"]},
        "failed": failures(rows),
    }


def ratios(rows: Rows) -> dict[str, Any]:
    """How many times as fast the engine is, by item and variant (median over rounds)."""
    found: dict[str, Any] = {"failed": failures(rows)}
    for row in rows:
        if row.get("reference_is_faster_by"):
            faster = row["reference_is_faster_by"][1]
            found.setdefault(row["item"], {})[row["variant"]] = round(faster, 2)
    return found


# once more after SQuAD
SAME_AS = {"ernie-2.0-base-en-finetuned-squad": "ernie-2.0-base-en"}


def whole(rows: Rows) -> dict[str, Any]:
    """Minutes of all fifteen, three epochs each with evaluation, at the rates that were measured."""
    minutes = {row["item"]: row["minutes"] for row in rows if "minutes" in row}
    minutes |= {name: minutes[like] for name, like in SAME_AS.items() if like in minutes}
    return {
        "models": len(minutes), "minutes_of_all": sum(minutes.values()), "failed": failures(rows)
    }  # fmt: skip


def real(rows: Rows) -> dict[str, Any]:
    """The last test accuracy, and seconds, of each run."""
    found: dict[str, Any] = {"failed": failures(rows)}
    for row in rows:
        keys = ("epoch", "test_accuracy", "seconds")
        found.setdefault(row["item"], {}).update({k: row[k] for k in keys if k in row})
    return found


SUMMARIES: dict[str, Callable[[Rows], dict[str, Any]]] = {
    "a": equality, "b": ratios, "c": ratios, "d": whole, "e": real,
}  # fmt: skip
