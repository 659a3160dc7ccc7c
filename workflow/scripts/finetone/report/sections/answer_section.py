"""The experiment's answer in a few sentences, computed from the tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from finetone.numbers import DECIMAL, between, missing, percent, score, score_between, significant
from finetone.plots.drawing.read_table import records
from finetone.plots.drawing.style import Style

NAMED = 4  # methods listed by name before "and n more"


def answer(
    ranking: pd.DataFrame,
    efficiency: pd.DataFrame | None,
    style: Style,
    labels: Mapping[str, str],
    variance: pd.DataFrame | None = None,
    recommendation: pd.DataFrame | None = None,
    margin: float = 1.0,
) -> list[str]:
    """The answer as sentences, from the rows of one dataset.

    They name the best method, those that are not significantly different from it, the recommended
    one, the difference to the next one with interval and share of the training time, and the best
    method that takes at most half that time. Where no seed was repeated, they say so and what two
    more would cost.

    Parameters
    ----------
    ranking, efficiency
        Rows of ranking.csv and efficiency.csv.
    style
        Titles of the methods.
    labels
        Words in the language of the page.
    variance
        Rows of variance.csv, which has what one more seed of every method takes.
    recommendation
        Rows of recommendation.csv.
    margin
        In points.
    """
    rows = records(ranking.sort_values("rank", kind="stable"))
    best, others = rows[0], rows[1:]
    metric = best["metric"]
    seconds = _seconds(efficiency)
    group = set(_letters(best))
    worse = _worse(recommendation)
    tied = [row for row in others if group & set(_letters(row)) and row["method"] not in worse]
    behind = [row for row in others if row not in tied]
    facts = {
        "best": style.title(best["method"]),
        "name": labels[f"name_{metric}"],
        "score": score(metric, best["score"]) + ("" if metric in DECIMAL else labels["percent"]),
        "interval": score_between(metric, best["low"], best["high"]),
    }
    if not others:
        return [labels["answer_only"].format(**facts)]
    if not _letters(best):
        sentences = [labels["answer_unknown"].format(**facts)]
        if variance is not None and (again := 2 * variance["seconds_per_seed"].sum() / 60):
            minutes = significant(max(again, 0.1), 2)
            sentences.append(labels["answer_two_more"].format(minutes=minutes))
        return [*sentences, labels["recommend_unknown"]]
    told: list[dict[str, Any]] = []
    sentences = []
    if tied:
        names = listed([style.title(row["method"]) for row in tied], labels)
        sentences.append(labels["answer_tied"].format(**facts, others=names))
    else:
        sentences.append(labels["answer_best"].format(**facts))
    if recommendation is not None and len(recommendation):
        sentences.append(
            _recommended(records(recommendation), best, seconds, style, labels, margin)
        )
    if behind:
        sentences.append(_behind(behind[0], best, seconds, style, labels))
        told.append(behind[0])
    reference = seconds.get(best["method"])
    cheap = [
        row
        for row in behind
        if reference and seconds.get(row["method"], float("inf")) <= reference / 2
    ]
    if cheap and not any(_half(row, best, seconds) for row in told):
        sentences.append(_behind(cheap[0], best, seconds, style, labels))
    return sentences


def _worse(recommendation: pd.DataFrame | None) -> set[str]:
    """The methods that the interval of their difference to the best shows to be worse."""
    rows = [] if recommendation is None else records(recommendation)
    return {row["method"] for row in rows if row["status"] == "worse"}


def _recommended(
    rows: list[dict[str, Any]],
    best: dict[str, Any],
    seconds: Mapping[str, float],
    style: Style,
    labels: Mapping[str, str],
    margin: float,
) -> str:
    """Which method to take, and why; or what would have to be decided first."""
    reason = next((row["why"] for row in rows if not missing(row["why"])), "control")
    chosen = [row for row in rows if str(row["recommended"]).lower() == "true"]
    if not chosen:
        return labels[f"recommend_{reason}"]
    cost = _cost(chosen[0], best, seconds, labels) if chosen[0]["method"] != best["method"] else ""
    names = [style.title(row["method"]) for row in rivals(rows, chosen[0]) or chosen]
    return labels[f"recommend_{reason}"].format(
        method=style.title(chosen[0]["method"]),
        margin=repr(float(margin)),  # "1.0 points"
        cost=labels["answer_at"].format(cost=cost) if cost else "",
        others=listed(names, labels),
    )


def rivals(rows: Sequence[dict[str, Any]], chosen: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The open methods, of which those that train quicker than the chosen one if there are any.

    Parameters
    ----------
    rows
        Those of recommendation.csv.
    chosen
        One of them.
    """
    others = [row for row in rows if row["status"] == "open" and row["method"] != chosen["method"]]
    return [row for row in others if row["train_seconds"] < chosen["train_seconds"]] or others


def listed(names: Sequence[str], labels: Mapping[str, str]) -> str:
    """Join names to "a, b and c"; of more than NAMED, the rest is counted.

    Parameters
    ----------
    names
        At least one.
    labels
        Labels in the language of the report.
    """
    shown = (
        list(names)
        if len(names) <= NAMED + 1
        else [*names[:NAMED], labels["and_more"].format(n=len(names) - NAMED)]
    )
    if len(shown) == 1:
        return shown[0]
    return labels["comma"].join(shown[:-1]) + labels["and"] + shown[-1]


def distance(row: Mapping[str, Any]) -> tuple[float, float, float]:
    """How far a method is behind the best one: value and interval, positive if it is behind.

    Parameters
    ----------
    row
        A row of ranking.csv.
    """
    low, high = sorted((-row["difference_low"], -row["difference_high"]))
    value = -row["difference_to_best"]
    return (value, low, high) if value >= 0 else (-value, -high, -low)


def _behind(
    row: dict[str, Any],
    best: dict[str, Any],
    seconds: Mapping[str, float],
    style: Style,
    labels: Mapping[str, str],
) -> str:
    value, low, high = distance(row)
    cost = _cost(row, best, seconds, labels)
    return labels["answer_behind"].format(
        method=style.title(row["method"]),
        points=percent(value),
        interval=between(low, high),
        cost=labels["answer_at"].format(cost=cost) if cost else "",
    )


def _cost(
    row: dict[str, Any],
    best: dict[str, Any],
    seconds: Mapping[str, float],
    labels: Mapping[str, str],
) -> str:
    mine, reference = seconds.get(row["method"]), seconds.get(best["method"])
    if not mine or not reference:
        return ""
    ratio = mine / reference
    if ratio < 0.01:
        return labels["cost_tiny"]
    if 0.45 <= ratio <= 0.55:
        return labels["cost_half"]
    if 0.95 <= ratio <= 1.05:
        return labels["cost_same"]
    if ratio < 1:
        return labels["cost_share"].format(share=f"{100 * ratio:.0f}")
    return labels["cost_times"].format(times=significant(ratio, 2))


def _half(row: dict[str, Any], best: dict[str, Any], seconds: Mapping[str, float]) -> bool:
    mine, reference = seconds.get(row["method"]), seconds.get(best["method"])
    return bool(mine and reference and mine <= 0.55 * reference)


def _seconds(efficiency: pd.DataFrame | None) -> dict[str, float]:
    if efficiency is None:
        return {}
    known = efficiency[["method", "train_seconds"]].dropna()
    return {str(m): float(s) for m, s in known.itertuples(index=False) if s > 0}


def _letters(row: Mapping[str, Any]) -> str:
    return "" if missing(row["group"]) else str(row["group"])
