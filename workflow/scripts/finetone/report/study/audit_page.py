"""The page of `finetone audit`: a published table, held against its own digits."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetone.plots.drawing.language import words
from finetone.plots.drawing.style import Style
from finetone.report.elements import Maker, Section
from finetone.report.inputs import ReportInputs
from finetone.report.page import HERE, write_page
from finetone.report.study.audit_parts import (
    checked_columns,
    impossible_values,
    in_language,
    printed_values,
)


def write_audit(
    summary: Mapping[str, Any], values: Path, language: str, title: str, command: str, target: Path
) -> None:
    """Write a self-contained page with the findings, the impossible values and all values.

    Parameters
    ----------
    summary
        From `finetone.published.findings.summarise`.
    values
        The CSV file of all values.
    language
        Of the page.
    title
        Its heading.
    command
        How it is made again.
    target
        The HTML file to write.
    """
    labels = words(HERE / "translations", language)
    inputs = ReportInputs(config={}, tables={"published": values})
    maker = Maker(inputs, Style(language=language), labels, {}, [])
    errors, notes = (
        [in_language(f, language) for f in summary["findings"] if f["level"] == level]
        for level in ("error", "note")
    )
    columns = summary["columns"]
    checked = sum(column["values"] for column in columns)
    answer = labels["audit_found" if errors else "audit_clean"].format(
        n=len(errors), values=checked
    )
    sections = [
        Section("findings", labels["section_findings"], labels["lead_findings"], sentences=errors),
        Section(
            "impossible", labels["section_impossible"], tables=impossible_values(maker, summary)
        ),
        Section("notes", labels["section_notes"], sentences=notes),
        Section(
            "values",
            labels["section_values"],
            labels["lead_values"],
            tables=[*checked_columns(maker, summary), *printed_values(maker)],
            code=[(labels["audit_in_full"], json.dumps(summary, indent=2, ensure_ascii=False))],
        ),
    ]
    facts = {
        labels["dataset"]: [summary["dataset"]],
        labels["rows"]: [f"{column['n_stated']:,}" for column in columns],
        labels["seeds"]: [str(column["seeds"] or "") for column in columns],
    }
    said = {term: labels["comma"].join(dict.fromkeys(filter(None, x))) for term, x in facts.items()}
    write_page(
        target,
        labels,
        language,
        title=title,
        answer=[answer],
        facts=[(term, text) for term, text in said.items() if text],
        sections=[section for section in sections if not section.empty],
        command=command,
    )
