"""The verdict: which method to take, how sure that is, what it costs and what to do next."""

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetone.numbers import (
    DECIMAL,
    between,
    duration,
    missing,
    percent,
    score,
    score_between,
    significant,
    size,
)
from finetone.plots.drawing.read_table import records
from finetone.report.elements import Maker
from finetone.report.sections.answer_section import distance, listed, rivals

POWER = 0.8  # a design that finds a difference so often is said to detect it
SURE = {"cheapest": "settled", "best": "settled", "undecided": "provisional"}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What the card says.

    Attributes
    ----------
    kicker, title, colour
        What stands above the method, the method (or that there is none), and its colour.
    score, interval
        By the chosen metric, as text; empty where no method is recommended.
    sure
        One of "settled", "provisional" and "unknown"; "" of a method that is alone.
    facts
        (term, text): how sure, chosen among what, costs, next; a sentence a line.
    use
        (term, code) to copy: how the recommended method is used.
    """

    kicker: str
    title: str
    colour: str = ""
    score: str = ""
    interval: str = ""
    sure: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    use: tuple[tuple[str, str], ...] = ()


def verdict(maker: Maker) -> Verdict:
    """The recommendation of recommendation.csv with its reasons; the best where none was made."""
    labels = maker.labels
    ranks = {row["method"]: row for row in records(maker.rows("ranking"))}
    considered = records(maker.rows("recommendation"))
    if not considered:  # made by a version that recommended nothing
        return Verdict(labels["verdict_none"], labels["verdict_nothing"])
    chosen = next((row for row in considered if str(row["recommended"]).lower() == "true"), None)
    why = next((row["why"] for row in considered if not missing(row["why"])), "control")
    if chosen is None:
        facts = [(labels["how_sure"], labels[f"sure_{why}"]), *_next(maker, why, considered)]
        return Verdict(
            labels["verdict_none"],
            labels["verdict_nothing"],
            sure="unknown",
            facts=tuple(fact for fact in facts if fact[1]),
        )
    method = chosen["method"]
    row = ranks[method]
    metric = row["metric"]
    unit = "" if metric in DECIMAL else labels["percent"]
    facts = [
        (labels["how_sure"], _how_sure(maker, method, why, considered, ranks)),
        (labels["chosen_among"], _among(maker, method, considered)),
        (labels["its_cost"], _cost(maker, method)),
        *_next(maker, why, considered),
    ]
    return Verdict(
        labels["verdict_recommended"],
        maker.style.title(method),
        maker.style.colour(method),
        f"{labels[f'name_{metric}'].strip()} {score(metric, row['score'])}{unit}",
        labels["interval_of"].format(
            confidence=_confidence(maker), interval=score_between(metric, row["low"], row["high"])
        ),
        SURE.get(why, ""),
        tuple(fact for fact in facts if fact[1]),
        usage(maker, method),
    )


def usage(maker: Maker, method: str) -> tuple[tuple[str, str], ...]:
    """(term, code) of how a trained method is used, from where the experiment's folder is.

    Parameters
    ----------
    maker
        The inputs of the report.
    method
        Name of the method.
    """
    folder = folder_of(maker)
    command = f"finetone label {shlex.quote(folder)} new.csv --method {shlex.quote(method)}"
    found = [(maker.labels["use_command"], f"{command} -o labelled.csv")]
    seeds = maker.inputs.config["seeds"]
    if method in maker.inputs.config["models"]:
        checkpoint = f"{folder}/checkpoints/{method}-seed{seeds[0]}"
        found.append(
            (
                maker.labels["use_python"],
                "from transformers import pipeline\n"
                f'classify = pipeline("text-classification", {checkpoint!r})\n'
                'print(classify("…"))',
            )
        )
    return tuple(found)


def folder_of(maker: Maker) -> str:
    """The experiment's folder as the user calls it; never a temporary one of this job."""
    folder = maker.inputs.named(maker.inputs.tables["ranking"]).parent.parent
    return str(folder if not folder.is_absolute() else Path("results", folder.name))


def _how_sure(
    maker: Maker, method: str, why: str, considered: list[dict[str, Any]], ranks: Mapping[str, Row]
) -> str:
    labels, style = maker.labels, maker.style
    others = [row for row in considered if row["status"] not in ("control", "unknown")]
    chosen = next(row for row in considered if row["method"] == method)
    names = [style.title(row["method"]) for row in rivals(considered, chosen)]
    sentences = [
        labels[f"sure_{why}"].format(
            margin=repr(_margin(maker)), others=listed(names, labels) if names else "–"
        )
    ]
    behind = [ranks[row["method"]] for row in others if row["method"] != method]
    if ranks[method]["rank"] == 1 and behind:
        sentences.append(_apart("sure_ahead", behind[0], style.title(behind[0]["method"]), maker))
    elif ranks[method]["rank"] != 1:
        best = next(row for row in ranks.values() if row["rank"] == 1)
        sentences.append(_apart("sure_behind", ranks[method], style.title(best["method"]), maker))
    return "\n".join(sentences)


def _apart(label: str, row: Row, other: str, maker: Maker) -> str:
    """How far a method of rank > 1 is from the best, with its interval."""
    if missing(row.get("difference_to_best")) or missing(row.get("difference_low")):
        return ""
    value, low, high = distance(row)
    return maker.labels[label].format(
        points=percent(value),
        interval=between(low, high),
        other=other,
        confidence=_confidence(maker),
    )


def _among(maker: Maker, method: str, considered: list[dict[str, Any]]) -> str:
    """The other methods, counted by what became of them; empty if there is none."""
    labels = maker.labels
    counts = Counter(row["status"] for row in considered if row["method"] != method)
    parts = [
        labels[f"among_{status}"].format(n=counts[status])
        for status in ("best", "within", "open", "worse", "control")
        if counts[status]
    ]
    if not parts:
        return ""
    key = "among_other" if counts.total() == 1 else "among_others"
    return labels[key].format(n=counts.total(), counts=labels["comma"].join(parts))


def _cost(maker: Maker, method: str) -> str:
    labels, frame = maker.labels, maker.rows("efficiency")
    found = [row for row in records(frame) if row["method"] == method] if len(frame) else []
    if not found:
        return ""
    row, parts = found[0], []
    if not missing(row.get("train_seconds")):
        parts.append(labels["cost_training"].format(time=duration(row["train_seconds"])))
    if not missing(row.get("seconds_per_million_texts")):
        time = duration(row["seconds_per_million_texts"])
        parts.append(labels["cost_million"].format(time=time))
    if not missing(row.get("parameters")):
        parts.append(labels["cost_parameters"].format(n=size(row["parameters"])))
    return " · ".join(parts)


def _next(maker: Maker, why: str, considered: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Which method to take meanwhile, and what would settle what is open, by the planner."""
    labels = maker.labels
    if why == "unknown":
        variance = maker.rows("variance")
        again = 2 * variance["seconds_per_seed"].sum() if "seconds_per_seed" in variance else 0
        text = labels["next_seeds"].format(time=duration(again)) if again else ""
        return [(labels["what_next"], text)]
    plans = [row for row in records(maker.rows("planning")) if not missing(row.get("power"))]
    if not plans:
        return []
    margin = _margin(maker) / 100
    wanted = min(plans, key=lambda row: abs(row["difference"] - margin))
    points = significant(100 * wanted["difference"], 2)
    if wanted["power"] >= POWER:
        return [(labels["what_next"], labels["next_nothing"].format(points=points))]
    sentences = [_choose(maker, considered)] if why == "undecided" else []
    for plan in plans:  # the differences ascend
        if plan["difference"] < wanted["difference"]:
            continue
        if ways := _ways(plan, labels):
            facts = {
                "points": significant(100 * plan["difference"], 2),
                "power": f"{100 * plan['power']:.0f}" if plan["power"] >= 0.01 else "< 1",
            }
            sentences.append(labels["next_plan"].format(ways=labels["or"].join(ways), **facts))
            break
        if plan is wanted:
            sentences.append(labels["next_beyond"].format(points=points))
    return [(labels["what_next"], "\n".join(filter(None, sentences)))]


def _choose(maker: Maker, considered: list[dict[str, Any]]) -> str:
    """What to take until it is settled: the best, or the next best that trains quicker."""
    chosen = next(row for row in considered if str(row["recommended"]).lower() == "true")
    other = next(iter(rivals(considered, chosen)), chosen)
    if not other["train_seconds"] < chosen["train_seconds"]:
        return ""
    return maker.labels["next_choose"].format(
        method=maker.style.title(chosen["method"]),
        time=duration(chosen["train_seconds"]),
        other=maker.style.title(other["method"]),
        other_time=duration(other["train_seconds"]),
    )


def _ways(plan: Row, labels: Mapping[str, str]) -> list[str]:
    """What would detect the difference of a plan; empty if nothing within reach does."""
    ways = []
    if not missing(plan.get("seeds_needed")):
        ways.append(
            labels["next_more_seeds"].format(n=int(plan["seeds_needed"]), **_hours(plan, "seeds"))
        )
    if not missing(plan.get("rows_needed")):
        ways.append(labels["next_more_rows"].format(n=f"{int(plan['rows_needed']):,}"))
    if not ways and not missing(plan.get("both_seeds")):
        ways.append(
            labels["next_both"].format(
                seeds=int(plan["both_seeds"]),
                rows=f"{int(plan['both_rows']):,}",
                **_hours(plan, "both"),
            )
        )
    return ways


def _hours(plan: Row, which: str) -> dict[str, str]:
    hours = plan.get(f"{which}_hours")
    return {"time": "–" if missing(hours) else duration(3600 * float(hours))}  # type: ignore[arg-type]


def _margin(maker: Maker) -> float:
    return float(maker.inputs.config.get("compare", {}).get("margin", 1.0))


def _confidence(maker: Maker) -> str:
    return f"{100 * maker.inputs.config.get('compare', {}).get('confidence', 0.95):g}"
