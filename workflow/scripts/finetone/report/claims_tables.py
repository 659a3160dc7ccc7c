"""The claims of a publication on the page: verdicts at a glance, their numbers on request."""

import pandas as pd

from finetone.report.elements import Maker
from finetone.report.html_table import Column, Table, table

VERDICTS = {"supported": "✓", "contradicted": "✗", "undecided": "?"}
"""In the order of the tally, with a sign for those who do not see colours (or words) well."""


def tally(maker: Maker) -> list[str]:
    """How many claims are supported, contradicted or undecided: by its own table, by our runs."""
    frame, labels = maker.read("claims"), maker.labels
    found = []
    for column, sentence in (("own_verdict", "tally_own"), ("verdict", "tally_ours")):
        if column in frame and (frame[column] != "").any():
            counts = {name: int((frame[column] == name).sum()) for name in VERDICTS}
            found.append(labels[sentence].format(claims=len(frame), **counts))
    if "decidable" in frame:
        hopeless = int(((frame["verdict"] == "undecided") & (frame["decidable"] == "no")).sum())
        if hopeless:
            found.append(labels["tally_undecidable"].format(count=hopeless))
    return found


def claims(maker: Maker) -> list[Table]:
    """The verdicts, and folded below them what they rest on."""
    labels, frame = maker.labels, maker.read("claims").copy()
    if frame.empty:
        return []
    if maker.style.language == "zh" and "claim_zh" in frame:
        frame["claim"] = frame["claim_zh"].where(frame["claim_zh"] != "", frame["claim"])
    for column in ("verdict", "own_verdict", "verdict_half", "verdict_twice"):
        if column in frame:
            frame[column] = [_badge(maker, name) for name in frame[column]]
    if "decidable" in frame:
        frame["decidable"] = [labels.get(f"decidable_{d}", "") for d in frame["decidable"]]
    at_a_glance = [
        Column("id", labels["number"]),
        Column("claim", labels["claim"], "prose"),
        Column("where", labels["where"]),
        Column("own_verdict", labels["own_verdict"]),
        Column("verdict", labels["our_verdict"]),
        Column("effect", labels["effect"], "number", "low", "high"),
        Column("unit", labels["unit"]),
        Column("decidable", labels["decidable"]),
        Column("conflicts", labels["conflicts"]),
    ]
    numbers = [
        Column("id", labels["number"]),
        Column("reading", labels["reading"], "prose"),
        Column("explanation", labels["our_explanation"], "prose"),
        Column("own_explanation", labels["own_explanation"], "prose"),
        Column("p", labels["p_alone"], "p"),
        Column("p_adjusted", labels["p_all_claims"], "p"),
        Column("margin", labels["margin_claimed"], "number"),
        Column("detectable", labels["detectable_claim"], "number"),
        Column("more_data", labels["more_data"], "count"),
        Column("verdict_half", labels["verdict_half"]),
        Column("verdict_twice", labels["verdict_twice"]),
        Column("seeds", labels["seeds"], "count"),
        Column("rows", labels["rows"], "count"),
    ]
    return [*maker.table("claims", at_a_glance, frame), _detail(maker, numbers, frame)]


def _badge(maker: Maker, verdict: str) -> str:
    if verdict not in VERDICTS:
        return verdict
    return f"{VERDICTS[verdict]} {maker.labels[f'verdict_{verdict}']}"


def _detail(maker: Maker, columns: list[Column], frame: pd.DataFrame) -> Table:
    caption = maker.labels["table_claims_detail"]
    path = maker.inputs.tables["claims"]
    return table("claims-detail", caption, frame, columns, path, maker.style, folded=True)
