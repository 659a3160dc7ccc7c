"""The section on the published tables: problems with their numbers, and ours beside them."""

import json

from finetone.files import read_json
from finetone.report.elements import Maker, Section
from finetone.report.html_table import Column, Table
from finetone.report.study.audit_parts import impossible_values, in_language, printed_values
from finetone.report.study.beside import beside


def published(maker: Maker) -> Section:
    """Findings of the audit, and the tables behind them."""
    labels, audit = maker.labels, maker.inputs.published_audit
    findings, wrong, code = [], [], []
    if audit:
        content = read_json(audit)
        findings = [in_language(f, maker.style.language) for f in content.get("findings", [])]
        wrong = impossible_values(maker, content)
        code = [(labels["audit_in_full"], json.dumps(content, indent=2, ensure_ascii=False))]
    return Section(
        "published",
        labels["section_published"],
        labels["lead_published"],
        sentences=[*findings, *_match_words(maker)],
        pictures=maker.show("published"),
        tables=[
            *wrong,
            *beside(maker),
            *_matches(maker),
            *_counts(maker),
            *printed_values(maker, folded=True),
        ],
        code=code,
    )


def _match_words(maker: Maker) -> list[str]:
    """Whether the published accuracies are of test or training rows, in a sentence."""
    frame = maker.read("column_match")
    said = []
    for row in frame[frame["epoch"] == "all"].to_dict("records") if len(frame) else []:
        bounds = sorted(abs(row[key]) for key in ("low", "high"))  # of one sign, if significant
        numbers = [f"{100 * x:.1f}" for x in (abs(row["difference"]), *bounds)]
        facts = dict(zip(("difference", "low", "high"), numbers, strict=True))
        text = maker.labels[f"column_match_{row['verdict']}"]
        said.append(text.format(models=row["models"], **facts))
    return said


def _matches(maker: Maker) -> list[Table]:
    labels = maker.labels
    frame = maker.read("column_match").copy()
    if len(frame):
        frame["epoch"] = [labels["all"] if epoch == "all" else epoch for epoch in frame["epoch"]]
        frame["verdict"] = [labels.get(f"verdict_{v}", v) for v in frame["verdict"]]
    columns = [
        Column("epoch", labels["epoch"]),
        Column("models", labels["models"], "count"),
        Column("mean_absolute_to_test", labels["to_test"], "percent"),
        Column("mean_absolute_to_training", labels["to_training"], "percent"),
        Column("difference", labels["nearer"], "points", "low", "high"),
        Column("verdict", labels["verdict"]),
    ]
    return maker.table("column_match", columns, frame)


def _counts(maker: Maker) -> list[Table]:
    labels = maker.labels
    parameters = [
        Column("method", labels["method"], "method"),
        Column("published_millions", labels["published_millions"], "number"),
        Column("parameters", labels["parameters"], "count"),
        Column("difference", labels["difference_counted"], "count"),
        Column("agrees", labels["agrees"], "flag"),
        Column("reason", labels["reason"], "prose"),
    ]
    tokenizers = [
        Column("model", labels["method"], "method"),
        Column("tokens_per_word", labels["tokens_per_word"], "number"),
        Column("vocabulary_coverage", labels["vocabulary_coverage"], "percent"),
        Column("unknown_rate", labels["unknown_rate"], "percent"),
        Column("truncated", labels["truncated"], "percent"),
    ]
    counted = maker.read("parameters").copy()
    if maker.style.language == "zh" and "reason_zh" in counted:
        counted["reason"] = counted["reason_zh"].where(
            counted["reason_zh"] != "", counted["reason"]
        )
    return [*maker.table("parameters", parameters, counted), *maker.table("tokenizers", tokenizers)]
