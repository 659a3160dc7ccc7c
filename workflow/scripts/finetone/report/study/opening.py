"""The reproduction report that opens the page of a published experiment."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from finetone import numbers
from finetone.claims.judging import BECAUSE
from finetone.files import read_json
from finetone.plots.drawing.read_table import records
from finetone.report.elements import Maker, Section
from finetone.report.html_table import Column, Table
from finetone.report.study.audit_parts import in_language
from finetone.report.study.claim_cards import (
    STATES,
    Badge,
    Card,
    badge,
    claim_cards,
    named,
    state,
)

LISTS = ("easy", "hard", "limits")


@dataclass(frozen=True)
class Count:
    """How many claims have a badge."""

    badge: Badge
    count: int


@dataclass(frozen=True)
class Tally:
    """How many claims have which verdict, in one of the three columns."""

    title: str
    counts: tuple[Count, ...]
    note: str = ""


@dataclass(frozen=True)
class Tallies:
    """The tally of each column of verdicts, the numbers of claims and of reasons, and the main claims."""

    columns: tuple[Tally, ...]
    claims: int
    reasons: int
    conclusions: tuple[Card, ...] = ()


@dataclass(frozen=True)
class Opening:
    """The parts of the reproduction report.

    Attributes
    ----------
    scope
        What was done.
    findings
        What is most important, in sentences.
    lists
        (heading, sentences).
    facts
        (term, text), on computing.
    deviations
        The table of choices that the publication does not state, if it is known what it states.
    """

    scope: str
    findings: tuple[str, ...]
    lists: tuple[tuple[str, tuple[str, ...]], ...]
    facts: tuple[tuple[str, str], ...]
    deviations: tuple[Table, ...]


def tallies(maker: Maker) -> Tallies | None:
    """The tally of the claims: by the publication's own table, by our runs, and by power."""
    frame, labels = maker.read("claims"), maker.labels
    if frame.empty:
        return None
    rows = records(frame)
    found = []
    for prefix in ("own_", ""):
        states = [state(row, prefix) for row in rows]
        if any(states):
            counts = tuple(Count(badge(name, labels), states.count(name)) for name in STATES)
            title = labels["own_verdict" if prefix else "our_verdict"]
            found.append(Tally(title, counts, labels[f"tally_{prefix or 'our_'}note"]))
    if "decidable" in frame:
        found.append(_decidable(rows, labels))
    reasons = sum(str(row["id"]).endswith(BECAUSE) for row in rows)
    return Tallies(tuple(found), len(rows) - reasons, reasons, _conclusions(maker))


def _conclusions(maker: Maker) -> tuple[Card, ...]:
    """The claims that the publication itself concludes with, if it is known which they are."""
    about = read_json(maker.inputs.study) if maker.inputs.study else {}
    cards = claim_cards(maker)
    by_id = {card.id: card for card in cards.cards} if cards else {}
    return tuple(by_id[name] for name in about.get("conclusions") or () if name in by_id)


def _decidable(rows: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> Tally:
    could = [str(row.get("decidable", "")) for row in rows]
    counts = [
        Count(Badge(name, sign, labels[f"decidable_{name or 'unknown'}"]), could.count(name))
        for name, sign in (("yes", "✓"), ("no", "⊘"), ("", "–"))
    ]
    why = [str(row.get("undecidable", "")) for row in rows if row.get("decidable") == "no"]
    told = [
        labels[f"lacking_{reason}"].format(n=why.count(reason))
        for reason in ("seeds", "power", "missing", "measurement")
        if reason in why
    ]
    note = labels["lacking"].format(reasons=labels["semicolon"].join(told)) if told else ""
    return Tally(labels["decidable"], tuple(c for c in counts if c.count or c.badge.state), note)


def opening(maker: Maker) -> Opening | None:
    """The reproduction report; None where nothing published is set beside the experiment."""
    about = {}
    if path := maker.inputs.study:
        about = read_json(path)
    if not about:
        return None
    language, labels = maker.style.language, maker.labels
    lists = [
        (labels[f"study_{name}"], tuple(each[language] for each in about.get(name) or ()))
        for name in LISTS
    ]
    columns = [
        Column("key", labels["choice"]),
        Column("status", labels["compared"]),
        Column("stated", labels["stated"], "prose"),
        Column("here", labels["chosen"], "prose"),
        Column("reason", labels["reason"], "prose"),
    ]
    frame = maker.read("deviations")
    if len(frame):
        frame = frame[frame["status"] != "as stated"].copy()
        frame["status"] = [labels[f"choice_{s.replace(' ', '_')}"] for s in frame["status"]]
        if language == "zh":
            frame["reason"] = frame["reason_zh"]
    return Opening(
        (about.get("scope") or {}).get(language, ""),
        tuple(_findings(maker)),
        tuple((title, items) for title, items in lists if items),
        tuple(_computing(maker)),
        tuple(maker.table("deviations", columns, frame, folded=True)),
    )


def _findings(maker: Maker) -> Iterator[str]:
    """What contradicts itself, and what cannot be as it is printed."""
    labels, claims = maker.labels, maker.read("claims")
    order = [str(row["id"]) for row in records(claims)]
    pairs = {
        tuple(sorted((str(row["id"]), other), key=order.index))
        for row in records(claims)
        for other in filter(None, str(row.get("conflicts", "")).split(", "))
        if other in order
    }
    if pairs:
        told = [
            labels["pair"].format(a=named(a, labels), b=named(b, labels))
            for a, b in sorted(pairs, key=lambda pair: [order.index(each) for each in pair])
        ]
        yield labels["study_conflicts"].format(pairs=labels["semicolon"].join(told))
    if audit := maker.inputs.published_audit:
        found = [f for f in read_json(audit).get("findings", []) if f.get("level") == "error"]
        for finding in found:
            yield _first_sentence(in_language(finding, maker.style.language), labels)


def _first_sentence(text: str, labels: Mapping[str, str]) -> str:
    """What a finding says; its numbers are in the section on the published tables."""
    return re.split(r"(?<=[.。])(?:\s|(?<=。))|: |：", text)[0].rstrip(".。") + labels["full_stop"]


def study(maker: Maker) -> Section:
    """The section that opens the page of a published experiment."""
    return Section("study", maker.labels["section_study"], opening=opening(maker))


def claims(maker: Maker) -> Section:
    """The section of all claims."""
    labels = maker.labels
    return Section(
        "claims", labels["section_claims"], labels["lead_claims"], cards=claim_cards(maker)
    )


def _computing(maker: Maker) -> Iterator[tuple[str, str]]:
    """What was computed, and what more would take."""
    labels, runs = maker.labels, maker.runs
    total = sum(run.get("train_seconds") or 0 for run in runs)
    if not total:
        return
    trained = sum(1 for run in runs if run.get("train_seconds"))
    yield labels["study_used"], labels["used"].format(time=numbers.duration(total), runs=trained)
    variance = maker.rows("variance")
    if "seconds_per_seed" not in variance or not (more := variance["seconds_per_seed"].sum()) > 0:
        return
    told = [labels["one_more_seed"].format(time=numbers.duration(more))]
    claims = maker.read("claims")
    if "seeds_needed" in claims:
        needed = claims["seeds_needed"].astype(float)
        reachable = needed[needed.map(isfinite)]
        have = len(maker.inputs.config["seeds"])
        if len(reachable):
            seeds = int(reachable.max())
            time = numbers.duration(more * (seeds - have))
            told.append(labels["all_seeds"].format(n=len(reachable), seeds=seeds, time=time))
    yield labels["study_projected"], labels["sentence_gap"].join(told)
