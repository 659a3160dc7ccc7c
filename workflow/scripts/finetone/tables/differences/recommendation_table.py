"""recommendation.csv: which method to take, by one rule, and what became of every other.

Against the best method (rank 1), every other one is

- `control`: one that nobody would take (the most frequent class, an un-pretrained twin);
- `worse`: the interval of its difference to the best, by itself, excludes 0;
- `within`: the simultaneous interval shows that it is behind by no more than the margin;
- `open`: neither; `unknown` where seeds cannot be judged, for no method has a second run, or its
  score is undefined.

Of the best and those `within`, the one that trains quickest is recommended; of equally quick ones
that with fewer parameters. Where the best stands alone and a cheaper method is `open`, nothing is
decided, and the best is recommended until it is. Controls and `worse` ones never are.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from finetone.formats.csv_table import read_csv
from finetone.statistics.evaluation import ERRORS
from finetone.statistics.intervals import bounded
from finetone.tables.method_facts import whole

COLUMNS = [
    *("dataset", "method", "status", "recommended", "why", "rank", *bounded("behind")),
    *("train_seconds", "parameters"),
]
RULE = (
    "Of the methods shown to be no more than {margin} points worse than the best, the one that "
    "trains quickest, then the smallest; never a control, nor one shown to be worse at all."
)
REASONS = {
    "cheapest": "the cheapest of those shown to be within the margin of the best",
    "best": "the best, and no cheaper method may be as good",
    "undecided": "the best, until it is decided whether a cheaper method is within the margin of it",
    "alone": "the only method",
    "unknown": "no method has a second seed, so nothing can be said about methods",
    "control": "no method is shown to be as good as a control",
}


def table(
    ranking: Path, efficiency: Path, source: str, controls: Sequence[str], margin: float
) -> pd.DataFrame:
    """One row per method of the source dataset, the best first.

    Parameters
    ----------
    ranking, efficiency
        The tables ranking.csv and efficiency.csv.
    source
        Name of the source dataset.
    controls
        Methods that are never recommended.
    margin
        In points, hundredths of the metric.
    """
    ranks, costs = read_csv(ranking), read_csv(efficiency)
    names = ["method", "train_seconds", "parameters"]
    found = ranks[ranks["dataset"] == source].merge(costs[names], on="method", how="left")
    return recommend(found, controls, margin / 100)


def recommend(found: pd.DataFrame, controls: Collection[str], margin: float) -> pd.DataFrame:
    """Apply the rule to rows of ranking.csv with their costs; `margin` in the metric's units."""
    found = found.sort_values("rank", kind="stable").reset_index(drop=True)
    sign = 1 if found["metric"].iloc[0] in ERRORS else -1
    found["behind"] = sign * found["difference_to_best"]
    both = np.stack([sign * found["low_simultaneous"], sign * found["high_simultaneous"]])
    found["behind_low"], found["behind_high"] = both.min(axis=0), both.max(axis=0)
    alone = np.stack([sign * found["difference_low"], sign * found["difference_high"]])
    found["worse"] = alone.min(axis=0) > 0
    rows = found.to_dict("records")
    for place, row in enumerate(rows):
        row["status"] = _status(row, place == 0, controls, margin)
        row["cost"] = tuple(
            np.inf if np.isnan(row[name]) else row[name] for name in ("train_seconds", "parameters")
        )
    chosen, reason = _choice(rows)
    for row in rows:
        row["recommended"] = row is chosen
        # where there is none, why stands with the best
        row["why"] = reason if row is (chosen or rows[0]) else ""
    return whole(pd.DataFrame(rows)[COLUMNS])


def _status(row: dict[Any, Any], best: bool, controls: Collection[str], margin: float) -> str:
    if row["method"] in controls:
        return "control"
    if best:
        return "best"
    if np.isnan(row["behind_high"]):
        return "unknown"
    if row["worse"]:
        return "worse"
    return "within" if row["behind_high"] <= margin else "open"


def _choice(rows: Sequence[dict[Any, Any]]) -> tuple[dict[Any, Any] | None, str]:
    """(row of the recommended method, why it is); no row if there is none."""
    first = rows[0]
    if len(rows) == 1:
        return (first, "alone") if first["status"] == "best" else (None, "control")
    if all(np.isnan(row["behind_high"]) for row in rows):
        return None, "unknown"
    candidates = [row for row in rows if row["status"] in ("best", "within")]
    undecided = [row for row in rows if row["status"] == "open"]
    if not candidates:  # a control is best
        return (undecided[0], "undecided") if undecided else (None, "control")
    chosen = min(candidates, key=lambda row: row["cost"])
    if chosen is not first:
        return chosen, "cheapest"
    cheaper = any(row["cost"] < chosen["cost"] for row in undecided)
    return chosen, "undecided" if cheaper else "best"
