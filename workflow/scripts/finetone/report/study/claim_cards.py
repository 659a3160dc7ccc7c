"""The claims of a publication: their verdicts at a glance, and behind each what it rests on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from finetone import numbers
from finetone.claims.judging import BECAUSE
from finetone.claims.outcome import CONTRADICTED, SUPPORTED, UNDECIDED
from finetone.plots.drawing.read_table import records
from finetone.report.elements import Maker
from finetone.report.html_table import csv_link

HOPELESS = "undecidable"
STATES = {SUPPORTED: "✓", CONTRADICTED: "✗", UNDECIDED: "?", HOPELESS: "⊘"}
"""In the order of the tally, each with a sign for those who do not see colours."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Badge:
    """A verdict: its state (one of STATES, or "yes", "no"), its sign and its word."""

    state: str
    sign: str
    word: str


@dataclass(frozen=True)
class Card:
    """A claim, or the reason that one gives.

    Attributes
    ----------
    id, text, where
        Its number, the claim and its place.
    reason
        Whether it is a reason.
    badges
        By its own table, by our runs, and whether this design could decide it.
    facts
        (term, text) of what it rests on.
    conflicts
        The claims that it contradicts: (id, number in words).
    """

    id: str
    text: str
    where: str
    reason: bool
    badges: tuple[Badge, ...]
    facts: tuple[tuple[str, str], ...]
    conflicts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Cards:
    """All claims, with the headings of their badges and the file to download."""

    heads: tuple[str, ...]
    cards: tuple[Card, ...]
    file: str
    data: str


def state(row: Row, prefix: str = "") -> str:
    """One of STATES; "" where nothing was judged."""
    verdict = str(row.get(f"{prefix}verdict", ""))
    hopeless = verdict == UNDECIDED and row.get(f"{prefix}decidable") == "no"
    return HOPELESS if hopeless else verdict


def claim_cards(maker: Maker) -> Cards | None:
    """One card per claim; None if there are no claims."""
    frame, labels = maker.read("claims"), maker.labels
    if frame.empty:
        return None
    rows = records(frame)
    path = maker.inputs.tables["claims"]
    heads = [labels["own_verdict"], labels["our_verdict"], labels["decidable"]]
    return Cards(tuple(heads), tuple(_card(row, maker) for row in rows), path.name, csv_link(path))


def badge(name: str, labels: Mapping[str, str]) -> Badge:
    """The badge of a state."""
    return Badge(name, STATES.get(name, "–"), labels.get(f"verdict_{name}", name))


def named(name: str, labels: Mapping[str, str]) -> str:
    """The number of a claim in words: "C8", or "the reason of C8"."""
    claim = name.removesuffix(BECAUSE)
    return claim if claim == name else labels["reason_of"].format(claim=claim)


def in_language(row: Row, column: str, maker: Maker) -> str:
    """A text in the page's language, if it has one in it."""
    own = row.get(f"{column}_{maker.style.language}", "")
    return str(own or row.get(column, "") or "")


def _card(row: Row, maker: Maker) -> Card:
    labels = maker.labels
    found = str(row.get("decidable", ""))
    sign = {"yes": "✓", "no": "⊘"}.get(found, "–")
    could = Badge(found, sign, labels.get(f"decidable_{found}", labels["decidable_unknown"]))
    name = str(row["id"])
    return Card(
        id=name,
        text=in_language(row, "claim", maker),
        where=str(row.get("where", "")),
        reason=name.endswith(BECAUSE),
        badges=(badge(state(row, "own_"), labels), badge(state(row), labels), could),
        facts=tuple((term, text) for term, text in _facts(row, maker) if text),
        conflicts=tuple(
            (each, named(each, labels))
            for each in filter(None, str(row.get("conflicts", "")).split(", "))
        ),
    )


def _facts(row: Row, maker: Maker) -> list[tuple[str, str]]:
    labels = maker.labels
    gap = labels["sentence_gap"]
    own = [in_language(row, "own_explanation", maker), _tolerances(row, "own_", labels)]
    ours = [in_language(row, "explanation", maker), _tolerances(row, "", labels), _p(row, labels)]
    return [
        (labels["reading"], in_language(row, "reading", maker)),
        (labels["note"], in_language(row, "note", maker)),
        (labels["own_verdict"], gap.join(filter(None, map(_ended(labels), own)))),
        (labels["our_verdict"], gap.join(filter(None, map(_ended(labels), ours)))),
        (labels["padded_verdict"], _padded(row, maker)),
        (labels["decidable"], _decidable(row, labels)),
    ]


def _ended(labels: Mapping[str, str]) -> Any:
    """A function that ends a text as a sentence."""
    stop = labels["full_stop"]
    return lambda text: text if not text or text.endswith((".", "。")) else text + stop


def _tolerances(row: Row, prefix: str, labels: Mapping[str, str]) -> str:
    """What half and twice the tolerance would change."""
    half, twice = (str(row.get(f"{prefix}verdict_{of}", "") or "") for of in ("half", "twice"))
    if not half or not twice:
        return ""
    verdict = str(row[f"{prefix}verdict"])
    if half == twice == verdict:
        return labels["tolerance_same"]
    words = [labels.get(f"verdict_{name}", name) for name in (half, twice)]
    return labels["tolerance_changes"].format(half=words[0], twice=words[1])


def _p(row: Row, labels: Mapping[str, str]) -> str:
    if numbers.missing(row.get("p")) or numbers.missing(row.get("p_adjusted")):
        return ""
    if float(row["p"]) >= 1 or float(row["p"]) == 0:
        return ""
    alone, adjusted = (numbers.probability(row[name]) for name in ("p", "p_adjusted"))
    sign = "" if alone.startswith("<") else "= "
    return labels["claim_p"].format(p=sign + alone, adjusted=adjusted)


def _padded(row: Row, maker: Maker) -> str:
    """The verdict by times of padded batches, and the number without padding beside it."""
    labels = maker.labels
    verdict = str(row.get("padded_verdict", "") or "")
    if not verdict:
        return ""
    shown = badge(verdict, labels)
    text = (
        f"{shown.sign} {shown.word}{labels['colon']}{in_language(row, 'padded_explanation', maker)}"
    )
    effects = [row.get("padded_effect"), row.get("effect")]
    if any(map(numbers.missing, effects)) or effects[0] == effects[1]:
        return _ended(labels)(text)
    padded, ours = (numbers.significant(float(value or 0)) for value in effects)
    change = labels["padded_against"].format(padded=padded, ours=ours)
    return labels["sentence_gap"].join([_ended(labels)(text), change])


def _decidable(row: Row, labels: Mapping[str, str]) -> str:
    """Whether this design could decide a claim, and what seeds or rows would."""
    if row.get("decidable") == "no" and row.get("undecidable") != "power":
        return labels.get(f"undecidable_{row.get('undecidable')}", "")
    if numbers.missing(row.get("detectable")):
        return ""
    unit = str(row.get("unit", ""))
    told = [labels["power_claim"].format(detectable=_amount(row["detectable"], unit, labels))]
    if not numbers.missing(row.get("margin")):
        told.append(labels["margin_claim"].format(margin=_amount(row["margin"], unit, labels)))
    plans = [
        labels[f"needs_{what}"].format(n=f"{int(row[f'{what}_needed']):,}")
        for what in ("seeds", "rows")
        if not numbers.missing(row.get(f"{what}_needed"))
        and float(row[f"{what}_needed"]) != float("inf")
    ]
    if plans:
        told.append(labels["needs"].format(plans=labels["or"].join(plans)))
    elif not numbers.missing(row.get("more_data")):
        told.append(labels["needs_both"].format(n=f"{int(row['more_data']):,}"))
    return labels["sentence_gap"].join(told)


def _amount(value: float, unit: str, labels: Mapping[str, str]) -> str:
    """A difference in words: points of a share, percent of a ratio."""
    if unit in ("fraction", "ratio"):
        key = "in_points" if unit == "fraction" else "in_percent"
        return labels[key].format(n=numbers.significant(100 * value, 2))
    shown = numbers.significant(value, 2)
    return shown if unit in ("", "rho") else f"{shown} {unit}"
