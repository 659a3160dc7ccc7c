"""Write what is computed into docs/original-study.md and its Chinese twin: python docs/audit_original_study.py

That is: the verdicts on its claims by its own printed table, the findings of the audit, and the choices
that it does not state. Nothing is trained. What people wrote in these pages stays as it is.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from pages import fill, table_row

from finetone.claims.claims_file import read_claims
from finetone.claims.judging import BECAUSE, judge
from finetone.claims.own_table import read_printed
from finetone.claims.verdict import Verdict
from finetone.config.checking import check
from finetone.published.table_audit import audit
from finetone.reproduction.choices import choices, deviations
from finetone.reproduction.side_by_side import readings
from finetone.reproduction.study_file import read_study

ROOT = Path(__file__).parents[1]
PAGES = {"en": ROOT / "docs/original-study.md", "zh": ROOT / "docs/original-study.zh.md"}
PAPER = ROOT / "config/paper"
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
SIGNS = {
    "en": {
        "supported": "✓ supported",
        "contradicted": "✗ contradicted",
        "undecided": "? undecided",
    },
    "zh": {"supported": "✓ 支持", "contradicted": "✗ 相悖", "undecided": "? 未定"},
}
TALLY = {
    "en": "Of {claims} claims and {reasons} reasons, its own table supports {supported}, contradicts "
    "{contradicted} and leaves {undecided} undecided: {missing} because no figure of it could "
    "decide them, {power} because so many test rows cannot tell.",
    "zh": "在 {claims} 条论断和 {reasons} 条理由中，其自身的表格支持 {supported} 条，与 {contradicted} 条相悖，"
    "{undecided} 条未定：其中 {missing} 条因为没有可用来判定的数字，{power} 条因为这么多测试样本不足以判定。",
}
HEAD = {
    "en": ["", "where", "claim", "in its own table", "what it rests on"],
    "zh": ["", "位置", "论断", "在其自身的表格中", "依据"],
}
REASON = {"en": "*reason:* {}", "zh": "*理由：*{}"}
TOLERANCE = {
    "en": "{verdict} at {of} the tolerance or threshold",
    "zh": "容差（或阈值）取{of}时{verdict}",
}
OF = {"en": {"half": "half", "twice": "twice"}, "zh": {"half": "一半", "twice": "两倍"}}
CONFLICTS = {"en": "Contradicts {}", "zh": "与 {} 相矛盾"}
ITS_REASON = {"en": r"the reason of \1", "zh": r"\1 的理由"}
STOP = {"en": (". ", ", "), "zh": ("；", "、")}


def verdicts() -> list[Verdict]:
    """Verdicts by the printed table alone; it stands in for our runs as well."""
    config = check(yaml.safe_load((ROOT / "config/config.yaml").read_text()), SCHEMA)
    entries = {**config["models"], **config["baselines"]}
    groups = {name: entry.get("group", {}) for name, entry in entries.items()}
    printed = read_printed(PAPER, groups)
    return judge(read_claims(PAPER / "claims.yaml"), printed, printed, 0.95)


def tally(found: list[Verdict], language: str) -> Iterator[str]:
    """How many claims have which verdict."""
    reasons = sum(each.id.endswith(BECAUSE) for each in found)
    counts = {name: sum(v.own_verdict == name for v in found) for name in SIGNS[language]}
    why = [v.own_undecidable for v in found if v.own_decidable == "no"]
    counts |= {name: why.count(name) for name in ("missing", "power")}
    yield TALLY[language].format(claims=len(found) - reasons, reasons=reasons, **counts)


def claims(found: list[Verdict], language: str) -> Iterator[str]:
    """A row per claim."""
    signs, (stop, comma) = SIGNS[language], STOP[language]
    yield table_row(*HEAD[language])
    yield "|---|---|---|---|---|"
    for each in found:
        number = "" if each.id.endswith(BECAUSE) else each.id
        said = _in(each, "claim", language)
        changed = [
            TOLERANCE[language].format(verdict=signs[verdict], of=OF[language][of])
            for of, verdict in (("half", each.own_verdict_half), ("twice", each.own_verdict_twice))
            if verdict and verdict != each.own_verdict
        ]
        rests = [_in(each, "own_explanation", language), comma.join(changed)]
        rests += [_in(each, "note", language), _conflicts(each, language)]
        yield table_row(
            number,
            each.where,
            said if number else REASON[language].format(said),
            signs[each.own_verdict],
            stop.join(filter(None, rests)),
        )


def _in(each: Verdict, name: str, language: str) -> str:
    return str(getattr(each, name if language == "en" else f"{name}_{language}"))


def _conflicts(each: Verdict, language: str) -> str:
    if not each.conflicts:
        return ""
    named = [
        re.sub(rf"(.*){BECAUSE}", ITS_REASON[language], name) for name in each.conflicts.split(", ")
    ]
    return CONFLICTS[language].format(STOP[language][1].join(named))


def findings(language: str) -> Iterator[str]:
    """What the audit found."""
    key = "sentence" if language == "en" else f"sentence_{language}"
    for finding in audit(PAPER).summary["findings"]:
        yield f"- {finding[key]}"


def not_stated() -> Iterator[str]:
    """A row per choice."""
    config = check(yaml.safe_load((ROOT / "config/config.yaml").read_text()), SCHEMA)
    study = read_study(PAPER)
    table = deviations(choices(config), study.states, study.choices, readings(PAPER))
    yield "| choice | | here | why |"
    yield "|---|---|---|---|"
    for row in table[table["status"] != "as stated"].itertuples():
        yield table_row(f"`{row.key}`", str(row.status), str(row.here), str(row.reason))


def lessons(name: str, language: str) -> Iterator[str]:
    """A part of study.yaml as a list."""
    for sentence in getattr(read_study(PAPER), name):
        yield f"- {sentence[language]}"


def main() -> None:
    """Replace every computed block of the pages."""
    found = verdicts()
    for language, page in PAGES.items():
        blocks = {
            "scope": [read_study(PAPER).scope[language]],
            "tally": tally(found, language),
            "claims": claims(found, language),
            "findings": findings(language),
            "deviations": not_stated() if language == "en" else (),
            **{name: lessons(name, language) for name in ("easy", "hard", "limits")},
        }
        fill(page, blocks)


if __name__ == "__main__":
    main()
