"""The section on what would settle more: seeds, rows and hours."""

import pandas as pd

from finetone.numbers import missing
from finetone.report.elements import Maker, Section
from finetone.report.html_table import Column

PLANS = {"seeds": ["seeds_needed"], "rows": ["rows_needed"], "both": ["both_seeds", "both_rows"]}


def planning(maker: Maker) -> Section:
    """Seeds and rows that would find small differences, and what chance is made of."""
    labels = maker.labels
    frame = maker.rows("planning")
    if frame.empty:
        return Section("planning", labels["section_planning"])
    unknown = frame["power"].isna().all()
    now = {"seeds": int(frame["seeds"].iloc[0]), "rows": f"{int(frame['n'].iloc[0]):,}"}
    plans = [
        Column("difference", labels["true_difference"], "percent"),
        Column("power", labels["power_now"].format(**now), "percent"),
        Column("seeds_needed", labels["seeds_needed"].format(**now), "count"),
        Column("seeds_hours", labels["more_hours"], "seconds"),
        Column("rows_needed", labels["rows_needed"].format(**now), "count"),
        Column("rows_hours", labels["more_hours"], "seconds"),
        Column("both_seeds", labels["both_seeds"], "count"),
        Column("both_rows", labels["both_rows"], "count"),
        Column("both_hours", labels["more_hours"], "seconds"),
    ]
    parts = [
        Column("method", labels["method"], "method"),
        Column("seeds", labels["seeds"], "count"),
        Column("seeds_sd", labels["seeds_sd"], "percent"),
        Column("seeds_sd_moderated", labels["seeds_sd_moderated"], "percent"),
        Column("df", labels["degrees_of_freedom"], "number"),
        Column("rows_sd", labels["rows_sd"], "percent"),
        Column("seeds_rows_sd", labels["seeds_rows_sd"], "percent"),
        Column("error_seeds", labels["error_seeds"], "percent"),
        Column("error_rows", labels["error_rows"], "percent"),
        Column("seconds_per_seed", labels["seconds_per_seed"], "seconds"),
    ]
    tables = [] if unknown else maker.table("planning", plans, _shown(frame, maker))
    return Section(
        "planning",
        labels["section_planning"],
        labels["planning_unknown" if unknown else "lead_planning"].format(**now),
        tables=[*tables, *maker.table("variance", parts, folded=True)],
    )


def _shown(frame: pd.DataFrame, maker: Maker) -> pd.DataFrame:
    """Hours as seconds, and words where a plan cannot be."""
    shown = frame.astype({name: object for names in PLANS.values() for name in names})
    for plan, names in PLANS.items():
        shown[f"{plan}_hours"] = 3600 * frame[f"{plan}_hours"]
        for name in names:
            shown[name] = [
                maker.labels["not_reachable"] if missing(each) else each for each in frame[name]
            ]
    return shown
