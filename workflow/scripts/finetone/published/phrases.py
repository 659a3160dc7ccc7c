"""The findings of an audit in the words of a language (`words/<language>.yaml`)."""

from collections.abc import Iterable
from functools import cache
from math import floor, log10
from pathlib import Path
from typing import Any

from finetone import own_yaml

LANGUAGES = ("en", "zh")
BEYOND = ("best", "best-of-kind", "weakest-of-kind")


WORDS = Path(__file__).parent / "words"


@cache
def words(language: str, folder: Path = WORDS) -> dict[str, str]:
    """All phrases of a language, by key."""
    return dict(own_yaml.read(folder / f"{language}.yaml"))


def sentences(summary: dict[str, Any], language: str) -> list[tuple[str, str]]:
    """The findings of a summary as (check, text); the same ones in every language."""
    say = words(language)
    found = [
        ("granularity" if column["impossible"] else "powerless", _column(column, say))
        for column in summary["columns"]
        if column["impossible"] or column["verdict"] == "powerless"
    ]
    for c in summary["contradictions"]:
        named = [f"{say[metric]} {text}" for metric, text in c["values"].items()]
        text = say[f"contradiction_{c['why']}" if len(named) > 1 else "contradiction_alone"].format(
            row=row_of(c, say), first=named[0], others=_list(named[1:], say)
        )
        if c["nearest"]:
            text += say["gap"] + say["nearest_fit"].format(nearest=_list(c["nearest"], say))
        found.append(("contradiction", text))
    if low := summary["loss"]["impossible"]:
        listed = [say["loss_value"].format(row=row_of(v, say), **v) for v in low]
        text = say["loss"].format(
            count=len(low), values=summary["loss"]["values"], listed=say["semicolon"].join(listed)
        )
        found.append(("loss", text))
    for copy in summary["repeats"]:
        check = "alike" if copy["alike"] else "repeats"
        found.append((check, say[check].format(**{**copy, "chance": odds(copy["chance"])})))
    if open_pairs := summary["rankings"]["open"]:
        of_which = "rankings_last" if summary["rankings"]["epoch"] else "rankings"
        found.append(
            ("rankings", say[of_which].format(count=len(open_pairs), **summary["rankings"]))
        )
    for beyond in BEYOND:
        by_reference: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for o in summary["literature"]:
            if o["beyond"] == beyond:
                source = o["source"] if language == "en" else o[f"source_{language}"]
                same = (o["dataset"], o["reference"], o["reference_printed"], source)
                by_reference.setdefault(same, []).append(o)
        for (dataset, reference, value, source), rows in by_reference.items():
            listed = [say["value_of"].format(row=row_of(o, say), value=o["printed"]) for o in rows]
            text = say[f"beyond_{beyond}"].format(
                dataset=dataset,
                reference=reference,
                value=value,
                source=source,
                listed=say["semicolon"].join(listed),
            )
            found.append(("literature", text))
    return found


def _column(column: dict[str, Any], say: dict[str, str]) -> str:
    """Everything about one column: what cannot be, why, and what would explain it."""
    facts = {
        **column,
        "many": say[f"many_{column['metric']}"],
        "metric": say[column["metric"]],
        "impossible": len(column["impossible"]),
        "table": say.get(f"table_{column['table']}", column["table"]),
        "sign": " %" if column["scale"] == 100 else "",
        "step": _step(column["scale"] / column["of"]),
        "finest": say["points"] if column["scale"] == 100 else "",
    }
    single = column["runs"] == 1
    key = "mean" if column["statistic"] == "mean" else "median"
    key = "rows" if column["seeds"] == 1 else "one" if single else key
    facts["basis"] = say[f"basis_{key}"].format(**facts)
    if not column["impossible"]:
        return say["powerless"].format(**facts)
    first = column["impossible"][0]
    below, above = first["nearest"]
    facts |= {"first": first["printed"], "below": below, "above": above}
    parts = [say["cannot"].format(**facts), say["because"].format(**facts)]
    told, others = (
        [f for f in column["explanations"] if f["convincing"] is yes] for yes in (True, False)
    )
    plain = [f for f in told if not f["bare"]]
    for fits in (plain, [f for f in told if f["bare"]]):
        if fits:
            same = fits is not plain and {f["of"] for f in fits} == {f["of"] for f in plain}
            kind = "tied" if len(fits) > 1 else "told"
            kind = kind if fits is plain else "same" if same else "bare"
            facts |= {
                "possible": fits[0]["possible"],
                "chance": odds(max(f["chance"] for f in fits)),
                "listed": _list([_explanation(f, say) for f in fits], say, "or"),
            }
            parts.append(say[f"fits_{kind}"].format(**facts))
    if column["only_stated"]:
        parts.append(say["only_stated"].format(only=_list(column["only_stated"], say)))
    weak = [f for f in others if f["of"] < column["everything_from"]]
    if weak:
        listed = _list([_explanation({**f, "rounding": ""}, say) for f in weak], say, "or")
        listed += say["if_bare"] if weak[0]["bare"] else ""
        listed += say["if_cut"] if weak[0]["rounding"] == "cut" else ""
        parts.append(say["fits_weakly"].format(listed=listed))
    if column["seeds"] is None:
        parts.append(say["state_seeds"])
    if everything := [f for f in others if f["of"] >= column["everything_from"]]:
        facts["listed"] = _list([_explanation(f, say) for f in everything], say, "or")
        parts.append(say["everything"].format(**facts))
    return say["gap"].join(parts)


def _explanation(fit: dict[str, Any], say: dict[str, str]) -> str:
    numbers = _list(map(str, fit["numbers"]), say, "or")
    text = say[f"as_{fit['name']}"].format(of=fit["of"], numbers=numbers)
    return text + (say["as_cut"] if fit["rounding"] == "cut" else "")


def _step(step: float) -> str:
    return f"{step:.2f}" if step >= 1 else f"{step:.2g}"


def odds(chance: float) -> str:
    """A small probability as one in so many, rounded towards the larger probability."""
    many = min(1 / chance, 1e9) if chance else 1e9
    digit = 10 ** floor(log10(many))
    return f"1/{int(many // digit * digit):,}"


def row_of(place: dict[str, Any], say: dict[str, str]) -> str:
    """A model, with the epoch if the table has several of them."""
    return say["row_epoch" if place["epoch"] else "row"].format(**place)


def _list(items: Iterable[str], say: dict[str, str], last: str = "and") -> str:
    *most, end = [*items] or [""]
    return say["comma"].join(most) + say[last] + end if most else end
