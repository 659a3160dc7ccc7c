"""The section on a published table: what its numbers allow, and what ours say about it."""

import json

from finetone.files import read_json
from finetone.report.elements import Maker, Section
from finetone.report.html_table import Column, Table


def published(maker: Maker) -> Section:
    """Findings of the audit, claims with verdicts, and the tables behind them."""
    say, audit = maker.say, maker.inputs.published_audit
    findings = []
    code = []
    if audit:
        content = read_json(audit)
        findings = [str(finding["sentence"]) for finding in content.get("findings", [])]
        code = [(say["audit_in_full"], json.dumps(content, indent=2, ensure_ascii=False))]
    return Section(
        "published",
        say["section_published"],
        say["lead_published"],
        sentences=findings,
        pictures=maker.show("published"),
        tables=[*_claims(maker), *_matches(maker), *_counts(maker), *_values(maker)],
        code=code,
    )


def _claims(maker: Maker) -> list[Table]:
    say = maker.say
    frame = maker.read("claims").copy()
    if len(frame):
        frame["verdict"] = [say.get(f"verdict_{v}", v) for v in frame["verdict"]]
    columns = [
        Column("id", say["number"]),
        Column("claim", say["claim"], "prose"),
        Column("where", say["where"]),
        Column("verdict", say["verdict"]),
        Column("effect", say["effect"], "number", "low", "high"),
        Column("unit", say["unit"]),
        Column("seeds", say["seeds"], "count"),
        Column("rows", say["rows"], "count"),
        Column("explanation", say["explanation"], "prose"),
    ]
    return maker.table("claims", columns, frame)


def _matches(maker: Maker) -> list[Table]:
    say = maker.say
    frame = maker.read("column_match").copy()
    if len(frame):
        frame["epoch"] = [say["all"] if epoch == "all" else epoch for epoch in frame["epoch"]]
        frame["verdict"] = [say.get(f"verdict_{v}", v) for v in frame["verdict"]]
    columns = [
        Column("epoch", say["epoch"]),
        Column("models", say["models"], "count"),
        Column("mean_absolute_to_test", say["to_test"], "percent"),
        Column("mean_absolute_to_training", say["to_training"], "percent"),
        Column("difference", say["nearer"], "points", "low", "high"),
        Column("verdict", say["verdict"]),
    ]
    return maker.table("column_match", columns, frame)


def _counts(maker: Maker) -> list[Table]:
    say = maker.say
    parameters = [
        Column("method", say["method"], "method"),
        Column("published_millions", say["published_millions"], "number"),
        Column("parameters", say["parameters"], "count"),
        Column("difference", say["difference_counted"], "count"),
        Column("agrees", say["agrees"], "flag"),
        Column("reason", say["reason"], "prose"),
    ]
    tokenizers = [
        Column("model", say["method"], "method"),
        Column("tokens_per_word", say["tokens_per_word"], "number"),
        Column("unknown_rate", say["unknown_rate"], "percent"),
        Column("truncated", say["truncated"], "percent"),
    ]
    return [*maker.table("parameters", parameters), *maker.table("tokenizers", tokenizers)]


def _values(maker: Maker) -> list[Table]:
    say = maker.say
    columns = [
        Column("table", say["table"]),
        Column("model", say["method"]),
        Column("epoch", say["epoch"], "count"),
        Column("printed", say["printed"], "number"),
        Column("accuracy", say["interval_wilson"], "percent", "wilson_low", "wilson_high"),
        Column("n", say["rows"], "count"),
        Column("possible", say["possible"], "flag"),
        Column("loss", say["loss"], "number"),
        Column("lowest_loss", say["lowest_loss"], "number"),
        Column("flags", say["flags"]),
    ]
    return maker.table("published", columns, folded=True)
