"""Write what is computed into docs/original-study.md: python docs/audit_original_study.py

That is: the verdicts on its claims by its own printed table, the findings of the audit, and the choices
that it does not state. Nothing is trained. What people wrote in that page stays as it is.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/original-study.md"
PAPER = ROOT / "config/paper"
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
SIGNS = {"supported": "✓ supported", "contradicted": "✗ contradicted", "undecided": "? undecided"}

sys.path.insert(0, str(ROOT / "workflow/scripts"))

from finetone.claims.claims_file import read_claims  # noqa: E402
from finetone.claims.judging import BECAUSE, judge  # noqa: E402
from finetone.claims.own_table import read_printed  # noqa: E402
from finetone.claims.verdict import Verdict  # noqa: E402
from finetone.config.checking import check  # noqa: E402
from finetone.published.table_audit import audit  # noqa: E402
from finetone.reproduction.choices import choices, deviations  # noqa: E402
from finetone.reproduction.side_by_side import readings  # noqa: E402
from finetone.reproduction.study_file import read_study  # noqa: E402


def verdicts() -> list[Verdict]:
    """Verdicts by the printed table alone; it stands in for our runs as well."""
    config = check(yaml.safe_load((ROOT / "config/config.yaml").read_text()), SCHEMA)
    entries = {**config["models"], **config["baselines"]}
    groups = {name: entry.get("group", {}) for name, entry in entries.items()}
    printed = read_printed(PAPER, groups)
    return judge(read_claims(PAPER / "claims.yaml"), printed, printed, 0.95)


def tally(found: list[Verdict]) -> Iterator[str]:
    """How many claims have which verdict."""
    reasons = sum(each.id.endswith(BECAUSE) for each in found)
    counts = {name: sum(v.own_verdict == name for v in found) for name in SIGNS}
    why = [v.own_undecidable for v in found if v.own_decidable == "no"]
    yield (
        f"Of {len(found) - reasons} claims and {reasons} reasons, its own table supports "
        f"{counts['supported']}, contradicts {counts['contradicted']} and leaves "
        f"{counts['undecided']} undecided: {why.count('missing')} because it prints no figure for "
        f"them, {why.count('power')} because so many test rows cannot tell."
    )


def claims(found: list[Verdict]) -> Iterator[str]:
    """A row per claim."""
    yield "| | where | claim | in its own table | what it rests on |"
    yield "|---|---|---|---|---|"
    for each in found:
        number = "" if each.id.endswith(BECAUSE) else each.id
        claim = each.claim if number else f"*reason:* {each.claim}"
        rests = [each.own_explanation]
        changed = [
            f"{SIGNS[verdict]} at {of} the tolerance"
            for of, verdict in (("half", each.own_verdict_half), ("twice", each.own_verdict_twice))
            if verdict and verdict != each.own_verdict
        ]
        rests += [", ".join(changed), each.note, _conflicts(each)]
        yield _row(
            number, each.where, claim, SIGNS[each.own_verdict], ". ".join(filter(None, rests))
        )


def _conflicts(each: Verdict) -> str:
    named = [
        re.sub(rf"(.*){BECAUSE}", r"the reason of \1", name) for name in each.conflicts.split(", ")
    ]
    return f"Contradicts {', '.join(named)}" if each.conflicts else ""


def findings() -> Iterator[str]:
    """What the audit found."""
    for finding in audit(PAPER).summary["findings"]:
        yield f"- {finding['sentence']}"


def not_stated() -> Iterator[str]:
    """A row per choice."""
    config = check(yaml.safe_load((ROOT / "config/config.yaml").read_text()), SCHEMA)
    study = read_study(PAPER)
    table = deviations(choices(config), study.states, study.choices, readings(PAPER))
    yield "| choice | | here | why |"
    yield "|---|---|---|---|"
    for row in table[table["status"] != "as stated"].itertuples():
        yield _row(f"`{row.key}`", str(row.status), str(row.here), str(row.reason))


def lessons(name: str) -> Iterator[str]:
    """A part of study.yaml as a list."""
    for sentence in getattr(read_study(PAPER), name):
        yield f"- {sentence['en']}"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main() -> None:
    """Replace every computed block of the page."""
    found = verdicts()
    blocks = {
        "scope": [read_study(PAPER).scope["en"]],
        "tally": tally(found),
        "claims": claims(found),
        "findings": findings(),
        "deviations": not_stated(),
        **{name: lessons(name) for name in ("easy", "hard", "limits")},
    }
    text = PAGE.read_text(encoding="utf-8")
    for name, lines in blocks.items():
        block = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.S)
        written = "\n".join(lines)
        text = block.sub(lambda match, new=written: f"{match[1]}{new}\n{match[2]}", text)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
